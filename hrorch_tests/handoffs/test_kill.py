"""SIGKILL at any moment of a push of creations: every record is made exactly once, and the audit log knows all of it.

The pushing processes are real ones, the HRIS is reached over real HTTP and knows no idempotency: a creation sent twice would be
two employees.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.corrections.pushing import sandbox_of
from hrorch_tests.handoffs.acting import Bench, stack_for

LEASE = timedelta(seconds=1)
RULES: dict[str, Any] = {"patience": "3s", "batch": 100, "tries": 500}
UNDONE = ("ready", "sending", "sent")


def child(url: str, root: str, folder: str, env: dict[str, str]) -> None:
    """Push until nothing is left or somebody kills us."""
    clock = SystemClock()
    ledger = open_ledger(Home(Path(root)), clock, url)
    bench = Bench(ledger, stack_for(Path(folder), env, **RULES), clock)
    while any(bench.states()[state] for state in UNDONE):
        result = bench.push("hris", lease_for=LEASE)
        if not result.taken and not result.resumed:
            time.sleep(0.1)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 30, SystemClock()) as running:
        yield running


@pytest.fixture(scope="module")
def forks() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hrorch_tests.handoffs.preloaded"])
    return context


@pytest.mark.parametrize(
    ("ledger_url", "kills", "count"),
    [
        pytest.param("sqlite", 6, 60, id="sqlite"),
        pytest.param("postgresql", 2, 20, id="postgresql"),
        pytest.param("sqlite", 200, 1500, id="sqlite-long", marks=pytest.mark.long),
        pytest.param("postgresql", 200, 1500, id="postgresql-long", marks=pytest.mark.long),
    ],
    indirect=["ledger_url"],
)
@pytest.mark.timeout(1800)
def test_killed_anywhere_every_record_is_made_exactly_once(
    box: Sandbox, ledger_url: str, ledger_home: Home, tmp_path: Path, forks: Any, kills: int, count: int
) -> None:
    clock = SystemClock()
    bench = Bench(open_ledger(ledger_home, clock, ledger_url), stack_for(tmp_path, box.env, **RULES), clock)
    bench.put([{"handoff": "hris-prehire", "person_id": f"new-{n:04d}", "said": said(n)} for n in range(count)])
    killed = _kill_at_random(forks, bench, box, ledger_url, kills, random.Random(7))

    assert killed == kills, "the push must still have been under way at each kill"
    assert bench.states() == {"confirmed": count}
    assert bench.steps() == {"done": count}
    made = _employees(box)
    assert Counter(made.values()) == Counter(said(n)["values"]["work_email"] for n in range(count)), "each exactly once"
    known = {row.source_id: row.person_id for row in bench.rows()}
    assert {known[key]: email for key, email in made.items()} == {
        f"new-{n:04d}": said(n)["values"]["work_email"] for n in range(count)
    }, "the ledger knows which record is whose"
    bench.ways_are_allowed()
    bench.ledger.close()


def said(n: int) -> dict[str, Any]:
    values = {
        "legal_first_name": f"New{n:04d}",
        "legal_last_name": f"Comer{n:04d}",
        "work_email": f"new{n:04d}@lakeside.example",
        "start_date": "2026-07-06",
    }
    return {"values": values}


def _employees(box: Sandbox) -> dict[str, str]:
    """The HRIS's own id → work e-mail, of the employees that were not there before."""
    store = Store(box.folder, "hris")
    try:
        return {
            row.id: row.body["workEmail"]
            for row in store.each("employees")
            if str(row.body["workEmail"]).startswith("new")
        }
    finally:
        store.close()


def _kill_at_random(forks: Any, bench: Bench, box: Sandbox, url: str, kills: int, chance: random.Random) -> int:
    """Start pushes and kill them, `kills` times; then let one finish. Tells how many died of it."""
    where, env = (url, str(bench.ledger.home.root), str(bench.stack.folder)), box.env
    killed = 0
    while True:
        one = forks.Process(target=child, args=(*where, env))
        one.start()
        if killed < kills:
            _misbehave(box, killed, chance)
            left = sum(bench.states()[state] for state in UNDONE)
            one.join(min(0.8, left / 150) * chance.uniform(0.3, 1.4))
            if one.exitcode is None:
                os.kill(one.pid, signal.SIGKILL)
                killed += 1
            one.join(10)
            assert one.exitcode == -signal.SIGKILL, one.exitcode
        else:
            box.board.switch_off("hris")
            one.join(400)
            assert one.exitcode == 0
            return killed


def _misbehave(box: Sandbox, round_: int, chance: random.Random) -> None:
    """For part of the run answers get lost and reads lag."""
    box.board.switch_off("hris")
    if round_ % 3 == 1:
        box.board.switch_on("hris", "lost_answer", times=2, skip=chance.randrange(5))
    elif round_ % 3 == 2:
        box.board.switch_on("hris", "lagging_reads", times=5, skip=chance.randrange(5), seconds=1.2)
