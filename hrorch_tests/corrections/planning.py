"""A small company whose payroll and directory may be written, compared and planned as in a cycle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.plan import PlanResult, plan
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.authority.house import House, declare

DROP = {"drop": "changes-{date}-{time}.csv", "columns": ["{key}", "{attribute}", "{after}"]}
CYCLE = datetime.fromisoformat("2026-03-02T11:30:00+00:00")
"""Half an hour before the ledger's clock; its snapshots were read five minutes before."""

PEOPLE = {
    name: {"name": name.title(), "email": f"{name}@small.example", "deputy": deputy}
    for name, deputy in (("dana", "omar"), ("omar", "dana"), ("kim", "dana"))
}

PRESENCE = {
    "must": "stage = 'worker' AND employment_status IN ('active', 'leave')",
    "must_not": "stage = 'worker' AND employment_status = 'terminated'",
    "live": "employment_status <> 'terminated'",
    "grace": "5d",
}


def writable(**changes: Any) -> Stack:
    """The company of `declare`, with payroll and directory to be written, and an effective-dated table in payroll."""
    fields = ["legal_name", "employment_status", "start_date", "end_date", "pay", "manager", "ssn"]
    worker = {"read": {"path": "x.csv"}, "key": "id", "fields": {name: name for name in fields}, "write": DROP}
    child = {"parent": "worker", "parent_key": "worker", "effective": {"from": "from", "to": "to"}}
    job = {"read": {"path": "x.csv"}, "key": "id", **child, "fields": {"job_title": "t", "level": "l"}, "write": DROP}
    account = {
        "read": {"path": "x.csv"}, "key": "id", "write": DROP,
        "fields": {name: name for name in ("legal_name", "email", "level", "manager")},
    }  # fmt: skip
    own = {"connector": "files", "base_url": ".", "owner": "dana"}
    written = [*fields, "job_title", "level"]
    return declare(
        **{
            "people": PEOPLE,
            "systems__payroll": {**own, "records": {"worker": worker, "job": job}, "writes": {"attributes": written}},
            "systems__directory": {
                **own,
                "owner": "omar",
                "records": {"account": account},
                "writes": {"attributes": ["legal_name", "manager"]},
            },
            "presence": {"payroll": PRESENCE},
            "corrections": {"mode": "apply"},
            **changes,
        }
    )


class Plant(House):
    """The house with a ledger beside it: fill it, run cycles, plan."""

    def __init__(self, ledger: Ledger, stack: Stack | None = None) -> None:
        super().__init__(stack or writable())
        self.ledger = ledger

    def workers(self, count: int = 1, *, payroll: dict[str, Any] | None = None, **hris: Any) -> None:
        """Workers h0, h1, …, the same in HRIS and payroll but for what `payroll` says."""
        same = {"legal_name": "Ann Lee", "employment_status": "active", "start_date": date(2020, 1, 1), **hris}
        numbers = range(count)
        self.replace("hris", "worker", [{"id": f"h{n}", **same} for n in numbers])
        self.replace(
            "hris",
            "money",
            [{"id": f"m{n}", "worker": f"h{n}", "pay": 50000, "from": date(2020, 1, 1)} for n in numbers],
        )
        self.replace("payroll", "worker", [{"id": f"p{n}", **same, "pay": 50000, **(payroll or {})} for n in numbers])
        self.link(
            [(system, f"{letter}{n}", f"P{n}") for n in numbers for system, letter in (("hris", "h"), ("payroll", "p"))]
        )

    def compare(self, now: datetime = CYCLE, *, stale: Iterable[str] = ()) -> Cycle:
        cycle = self.open(now, stale=stale, full=True)
        self.run(cycle)
        return cycle

    def plan(self, cycle: Cycle | None = None) -> PlanResult:
        return plan(self.ledger, self.con, self.stack, cycle or self.compare())

    def rows(self) -> list[Any]:
        with self.ledger.read() as con:
            return list(
                con.execute(sa.select(corrections).order_by(corrections.c.proposed_at, corrections.c.source_id)).all()
            )

    def values(self, row: Any) -> tuple[str | None, str | None]:
        """(before, after) in clear."""
        with self.ledger.read() as con:
            seals = Seals(con, self.ledger.home.key(), self.ledger.clock.now())
            return seals.open(row.person_id, row.before_sealed), seals.open(row.person_id, row.after_sealed)

    def set(self, correction_id: str, **values: Any) -> None:
        """Put a correction where a push would have put it."""
        with self.ledger.write() as con:
            con.execute(sa.update(corrections).where(corrections.c.correction_id == correction_id).values(**values))
