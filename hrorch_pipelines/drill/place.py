"""Where a drill takes place: a company made for it, observed and compared once, and a copy of that for every kind.

Nothing of the user's is touched: no environment variable leads out of it, no address of theirs is written to.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hrorch_pipelines.drill.moving import MovingClock
from hrorch_pipelines.drill.rounds import compared, read
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.sandbox.serve import Sandbox, run_sandbox
from hrorch_pipelines.stack.acting import Alerts
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import DEFAULT_STACK, Workplace

PEOPLE = 60
NEW = "drill-"
"""How the addresses begin that payroll has anew in the second snapshot."""
NEW_ONES = 3
_OURS = ("HRORCH_", "DAGSTER_")
_IMMUTABLE = ("snapshots", "untrusted", "published")


@dataclass(frozen=True)
class Place:
    """A finished cycle to begin from. `scenario` gives a copy of it."""

    stack: Stack
    home: Home
    sandbox: Sandbox
    clock: MovingClock
    folder: Path

    def scenario(self, name: str) -> Scenario:
        """A world of its own for one kind; call its `end` afterwards."""
        home = Home(self.folder / name)
        shutil.copytree(self.home.root, home.root, copy_function=_link_or_copy)
        clock = MovingClock(self.clock.at)
        here = Scenario(self.stack, home, open_ledger(home, clock, ledger_url(home)), clock, self.sandbox)
        here.endings.append(lambda: shutil.rmtree(home.root))
        here.endings.append(self.sandbox.board.switch_off)
        return here


@contextmanager
def made(folder: Path, *, people: int = PEOPLE, stack_path: Path = DEFAULT_STACK) -> Iterator[Place]:
    """A company in `folder`, with its systems running, looked at once in mode `apply`; nothing of it was sent yet."""
    shutil.copytree(stack_path.parent, folder / "stack", ignore=shutil.ignore_patterns("home", "sandbox"))
    with alone(), run_sandbox(folder / "world", base_port=None, people=people, faults=False) as sandbox:
        stack = quiet(
            load_stack(folder / "stack" / stack_path.name, env={**os.environ, **sandbox.env, "HRORCH_MODE": "apply"})
        )
        home, clock = Home((folder / "home").resolve()), MovingClock(sandbox.clock.now())
        workplace = Workplace(stack, home, clock, Warehouse(home, clock))
        home.root.mkdir(parents=True)
        read(workplace)
        clock.at += timedelta(minutes=30)
        _change(sandbox, clock)
        read(workplace)
        ledger = open_ledger(home, clock, ledger_url(home))
        compared(workplace, ledger)
        ledger.close()
        yield Place(stack, home, sandbox, clock, folder)


def quiet(stack: Stack) -> Stack:
    """The stack for a drill: nobody is written to, no handoff of its own acts, and a call is tried once, since waiting is real."""
    systems = {
        name: system.model_copy(update={"connection": system.connection.model_copy(update={"retries": 0})})
        for name, system in stack.systems.items()
    }
    people = {name: owner.model_copy(update={"alert_urls": []}) for name, owner in stack.people.items()}
    watch = stack.alerts.watch.model_copy(update={"disk_free": 0.0, "disk_full": timedelta(0)})
    alerts = Alerts(default_owner=stack.alerts.default_owner, settle=stack.alerts.settle, watch=watch)
    return stack.model_copy(
        update={"systems": systems, "people": people, "alerts": alerts, "handoffs": {}, "outlets": {}}
    )


def ledger_url(home: Home) -> str:
    """The ledger of a drill's home, whatever `HRORCH_LEDGER_URL` says."""
    return f"sqlite:///{home.root / 'ledger.sqlite'}"


@contextmanager
def alone() -> Iterator[None]:
    """Take every variable away that leads to the user's home, ledger, key or Dagster; put them back afterwards."""
    mine = {name: value for name, value in os.environ.items() if name.startswith(_OURS)}
    for name in mine:
        del os.environ[name]
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(_OURS)]:
            del os.environ[name]
        os.environ.update(mine)


def _change(sandbox: Sandbox, clock: MovingClock) -> None:
    """Somebody enters other addresses in payroll: something to correct, and something that happened between two snapshots."""
    store = sandbox.records["payroll"].store
    for number, document in enumerate(store.page("employees", limit=NEW_ONES)):
        changed = {**document.body, "email": f"{NEW}{number}@mail.example"}
        store.put("employees", document.id, changed, at=clock.now(), by="drill")


def _link_or_copy(source: str, target: str) -> str:
    """What never changes in its place is linked, the rest is copied."""
    if any(part in _IMMUTABLE for part in Path(source).parts[-4:]):
        os.link(source, target)
        return target
    return shutil.copy2(source, target)
