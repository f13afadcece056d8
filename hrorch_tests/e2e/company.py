"""Companies to run the whole product on, through its own door: the sandbox's six systems, or a few exported files.

Nothing here knows what should be found; each test says that itself.
"""

from __future__ import annotations

import csv
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hrorch_pipelines.clock import Clock, SetClock
from hrorch_pipelines.runner import JobOutcome, run_once
from hrorch_pipelines.sandbox.serve import Sandbox, run_sandbox
from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse, open_published
from hrorch_pipelines.workplace import Workplace

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "data" / "stack.yaml"
MORNING = datetime(2026, 6, 15, 14, tzinfo=UTC)

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "employee_number": {"data_type": "employment", "type": "identifier", "sensitivity": "normal"},
    "legal_last_name": {"data_type": "personal", "type": "name"},
    "work_email": {"data_type": "personal", "type": "email"},
    "date_of_birth": {"data_type": "personal", "type": "date"},
    "start_date": {"data_type": "employment", "type": "date", "sensitivity": "normal"},
    "department": {"data_type": "employment", "type": "text", "sensitivity": "normal"},
    "pay_amount": {"data_type": "compensation", "type": "money", "sensitivity": "pay", "tolerance": "0.005"},
    "national_id": {"data_type": "personal", "type": "secret", "sensitivity": "secret"},
}
NAMES = ("Abara", "Bergström", "Castellanos", "Duarte", "Eze", "Fitzgerald", "Grünwald", "Haddad", "Ishikawa", "Jansen")


@dataclass
class Company:
    """A workplace and what one needs to live through some days in it."""

    workplace: Workplace
    sandbox: Sandbox | None = None

    def run(self) -> dict[str, JobOutcome]:
        """`hrorch run`: job → how it ended; a cycle that was run again counts by its last run."""
        return {outcome.job: outcome for outcome in run_once(self.workplace)}

    def run_all(self) -> list[JobOutcome]:
        """`hrorch run`: how every job ended, in order."""
        return run_once(self.workplace)

    def later(self, **by: float) -> None:
        """Move a standing clock."""
        clock = self.workplace.clock
        assert isinstance(clock, SetClock)
        clock.at += timedelta(**by)

    def ask(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the published copy."""
        with open_published(self.workplace.home) as con:
            return con.execute(query, list(values)).fetchall()

    def one(self, query: str, *values: Any) -> Any:
        """The one cell of the published copy that a query gives."""
        ((cell,),) = self.ask(query, *values)
        return cell

    def table(self, query: str) -> list[dict[str, Any]]:
        """Rows of the published copy as dicts, sorted, for comparing two copies."""
        with open_published(self.workplace.home) as con:
            result = con.execute(query)
            names = [column[0] for column in result.description or ()]
            rows = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
        return sorted(rows, key=repr)

    def write(self) -> Any:
        """The warehouse itself, as a context manager."""
        return self.workplace.warehouse.write()


def workplace(stack: Path, home: Path, clock: Clock, env: Mapping[str, str] | None = None) -> Workplace:
    """A workplace whose stack file reads this environment only."""
    place = Home(home.resolve())
    return Workplace(load_stack(stack, env=dict(env or {})), place, clock, Warehouse(place, clock))


@contextmanager
def sandbox_company(
    folder: Path, *, people: int, seed: int = 7, stack: Path = EXAMPLE, **more: Any
) -> Iterator[Company]:
    """The example stack (or a variant of it) on a sandbox of its own, on free ports."""
    with run_sandbox(folder / "world", base_port=None, people=people, seed=seed, **more) as sandbox:
        yield Company(workplace(stack, folder / "home", sandbox.clock, sandbox.env), sandbox)


def variant(folder: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """The example stack with something changed, written to a folder of its own."""
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    whole = set(content["systems"])
    change(content)
    if set(content["systems"]) != whole:  # the example's handoffs lead through all of them
        for part in ("handoffs", "lifecycle", "outlets", "screening"):
            content.pop(part, None)
    folder.mkdir(parents=True)
    for part in ("catalogues", "letters"):
        shutil.copytree(EXAMPLE.parent / part, folder / part)
    path = folder / "stack.yaml"
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return path


def last_refused(home: Home, system: str) -> Manifest:
    """The last snapshot of a system that was not believed."""
    from hrorch_pipelines.snapshots.catalogue import latest_untrusted

    found = latest_untrusted(home, system)
    assert found is not None, f"nothing of {system} was refused"
    return found


@dataclass(frozen=True)
class Exports:
    """A folder of exports, one CSV per system, and the stack file that reads them. `hris` decides everything."""

    folder: Path
    systems: Sequence[str] = ("hris", "payroll")
    fields: Mapping[str, Any] = field(default_factory=lambda: {name: name for name in ATTRIBUTES})
    people: int = 40
    changes: Mapping[str, Any] = field(default_factory=dict)

    def file(self, system: str) -> Path:
        return self.folder / "exports" / system / "people.csv"

    def rows(self) -> list[dict[str, str]]:
        """What every system says when nothing is wrong."""
        return [person(n) for n in range(1, self.people + 1)]

    def put(self, system: str, rows: Iterable[Mapping[str, str]]) -> None:
        """Write a system's export."""
        write_csv(self.file(system), rows)

    def put_all(self) -> None:
        """Write what every system says when nothing is wrong."""
        for system in self.systems:
            self.put(system, self.rows())

    def stack(self, **changes: Any) -> Path:
        """Write the stack file; `a__b=…` sets the key `b` of `a`."""
        content: dict[str, Any] = {
            "organization": {"name": "Small", "time_zone": "America/Chicago"},
            "people": {
                "dana": {"name": "Dana Whitfield", "email": "dana@small.example", "deputy": "kim"},
                "kim": {"name": "Kim Osei", "email": "kim@small.example"},
            },
            "systems": {name: self._system(name) for name in self.systems},
            "attributes": ATTRIBUTES,
            "stages": {"worker": {"present_in": ["hris"]}, "other": {"present_in": list(self.systems)}},
            "authority": {
                kind: {"worker": "hris", "other": "hris"} for kind in ("employment", "personal", "compensation")
            },
            "presence": {
                name: {"must": "stage = 'worker'", "grace": "1d"} for name in self.systems if name == "payroll"
            },
            "matching": {"keys": [{"attributes": ["employee_number"]}]},
            "comparison": {"grace": "0s"},
        }
        for path, value in {**self.changes, **changes}.items():
            place = content
            *parents, last = path.split("__")
            for parent in parents:
                place = place.setdefault(parent, {})
            place[last] = value
        path = self.folder / "stack.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
        return path

    def company(self, at: datetime = MORNING, **changes: Any) -> Company:
        """Write the stack file and open a workplace on it, with a clock that stands."""
        return Company(workplace(self.stack(**changes), self.folder / "home", SetClock(at)))

    def _system(self, name: str) -> dict[str, Any]:
        return {
            "connector": "files",
            "base_url": str(self.folder / "exports" / name),
            "owner": "dana" if name == "hris" else "kim",
            "records": {"worker": {"read": {"path": "people.csv"}, "key": "id", "fields": dict(self.fields)}},
        }


def person(n: int) -> dict[str, str]:
    """One person's row, different in every attribute from the others'."""
    name = NAMES[n % len(NAMES)] + "abcdefghijklmnopqrstuvwxyz"[n // len(NAMES)]
    return {
        "id": f"{n:04}",
        "employee_number": f"E{n:05}",
        "legal_last_name": name,
        "work_email": f"worker{n}@small.example",
        "date_of_birth": f"{1960 + n % 40}-{1 + n % 12:02}-{1 + n % 28:02}",
        "start_date": f"{2015 + n % 10}-{1 + n % 12:02}-01",
        "department": ("Radiology", "Surgery", "Nursing")[n % 3],
        "pay_amount": f"{40_000 + 137 * n}.00",
        "national_id": f"900-{n % 100:02}-{n:04}",
    }


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    """Rows as a CSV with a header."""
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def environment(stack: Path, home: Path, **more: str) -> dict[str, str]:
    """The environment of a subprocess that works on this stack and folder."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HRORCH_", "DAGSTER_"))}
    return {**inherited, "HRORCH_STACK": str(stack), "HRORCH_HOME": str(home), **more}
