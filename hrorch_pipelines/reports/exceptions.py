"""Cases: a list with filters, one with its course, how long they take (M4) and how old the open ones are. Never a value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, get_args

import sqlalchemy as sa

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions import durations, moves
from hrorch_pipelines.exceptions.terms import LIVE, CaseState
from hrorch_pipelines.reports.read import require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.acting import CaseSource
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, overrides
from hrorch_pipelines.storage.ledger_tables import cases as table

COLUMNS = (
    Column("case_id", "Case", "id"),
    Column("state", "State", "name"),
    Column("reviewer", "Reviewer", grouped=True),
    Column("system", "System", short="Where", rank=5),
    Column("attribute", "Attribute", "name", inside="system"),
    Column("person_id", "Person", "person", rank=6),
    Column("what", "What is wrong"),
    Column("expected", "Expected", rank=7),
    Column("actual", "Found", rank=7),
    Column("cause", "Probable cause", rank=8),
    Column("action", "What to do", rank=1),
    Column("due_at", "Due", "moment", rank=2),
    Column("detected_at", "Since", "moment", rank=9),
    Column("source", "From", "name", rank=9),
    Column("rule", "Rule", rank=10),
    Column("severity", "Severity", rank=10),
    Column("deputy", "Deputy", rank=10),
    Column("escalated_at", "Escalated", "moment", rank=10),
    Column("waived_until", "Waived until", "moment", rank=10),
    Column("reopened", "Reopened", "integer", rank=10),
    Column("count", "Findings", "integer", rank=10),
)
_ROLES = ("reviewer", "deputy")
_FACTS = (
    "case_id", "state", "what", "expected", "actual", "cause", "action", "reviewer", "deputy", "severity", "source", "rule",
    "system", "record", "source_id", "person_id", "attribute", "occurred_at", "detected_at", "notified_at", "acknowledged_at",
    "resolved_at", "confirmed_at", "due_at", "escalated_at", "waived_until", "resolution", "reason", "reopened", "last_seen_at",
    "reference", "detail",
)  # fmt: skip


def exceptions(
    ledger: Ledger,
    stack: Stack,
    *,
    reviewers: Sequence[str] = (),
    states: Sequence[str] = (),
    systems: Sequence[str] = (),
    attributes: Sequence[str] = (),
    sources: Sequence[str] = (),
    overdue: bool = False,
    limit: int | None = None,
) -> Table:
    """Cases, the one due first on top; without `states` those that are live. What is masked was masked when written.

    `limit` rows at most; a note counts the rest. Raises UnknownChoiceError for a filter that names nothing.
    """
    require_known("reviewer", reviewers, stack.people)
    require_known("state", states, tuple(CaseState))
    require_known("system", systems, stack.systems)
    require_known("attribute", attributes, stack.attributes)
    require_known("source", sources, get_args(CaseSource))
    now = ledger.clock.now()
    wanted: list[sa.ColumnElement[bool]] = [table.c.state.in_(list(states) or [state.value for state in LIVE])]
    for column, given in (("reviewer", reviewers), ("system", systems), ("attribute", attributes), ("source", sources)):
        if given:
            wanted.append(table.c[column].in_(list(given)))
    if overdue:
        wanted.append(table.c.due_at < now)
    with ledger.read() as con:
        found = con.execute(sa.select(sa.func.count()).select_from(table).where(*wanted)).scalar_one()
        query = sa.select(table).where(*wanted).order_by(table.c.due_at, table.c.case_id)
        rows = con.execute(query if limit is None else query.limit(limit)).all()
    more = (f"{found - len(rows):,} more cases are not shown here.",) if found > len(rows) else ()
    how = "Work on one with `hrorch exceptions show CASE`; it closes when the systems show that it is right."
    return Table("Cases", COLUMNS, tuple(_cells(stack, row) for row in rows), _day(stack, now), (*more, how))


def case(ledger: Ledger, stack: Stack, case_id: str) -> list[Table]:
    """One case: its facts, its course as the audit log has it, its overrides. Raises UnknownCaseError, AmbiguousCaseError."""
    with ledger.read() as con:
        row = moves.find(con, case_id)
        course = con.execute(
            sa.select(audit_log.c.at, audit_log.c.action, audit_log.c.actor, audit_log.c.envelope)
            .where(audit_log.c.case_id == row.case_id)
            .order_by(audit_log.c.sequence)
        ).all()
        differing = con.execute(
            sa.select(overrides).where(overrides.c.case_id == row.case_id).order_by(overrides.c.made_at)
        ).all()
    facts = [(name, _fact(stack, name, getattr(row, name))) for name in _FACTS if getattr(row, name) is not None]
    found = [Table("Case", (Column("fact", "Fact", "name"), Column("told", "Told")), tuple(facts))]
    columns = (
        Column("at", "When", "moment"),
        Column("action", "What", "name"),
        Column("actor", "Who"),
        Column("how", "How"),
    )
    steps = tuple((one.at, one.action, owner_name(stack, one.actor), _told(stack, one.envelope)) for one in course)
    found.append(Table("Its course", columns, steps))
    if differing:
        found.append(_overrides(stack, differing))
    return found


def resolution(ledger: Ledger, stack: Stack) -> list[Table]:
    """M4 by both clocks, and the age of what is open by reviewer."""
    now = ledger.clock.now()
    with ledger.read() as con:
        spells = durations.spells(con, stack, now)
    figures = tuple(
        (one.clock, one.closed, one.open, *map(_hours, (one.mean, one.median, one.p90, one.kaplan_meier)), one.note)
        for one in durations.resolution_times(spells)
    )
    columns = (
        Column("clock", "Clock"),
        Column("closed", "Closed", "integer"),
        Column("open", "Open", "integer"),
        Column("mean", "Mean", "money"),
        Column("median", "Median", "money"),
        Column("p90", "p90", "money"),
        Column("kaplan_meier_median", "Median with the open ones", "money", short="Median, all"),
        Column("note", "Note"),
    )
    notes = (
        f"{durations.DEFINITION}: from detected to confirmed, in hours; reopening continues the clock.",
        "Mean, median and p90 are of closed cases. The last median counts open ones as not closed yet (Kaplan–Meier).",
    )
    ages = tuple((owner_name(stack, name), band, n) for name, band, n in durations.ageing(spells, stack))
    bands = (Column("reviewer", "Reviewer"), Column("age", "Open for"), Column("cases", "Cases", "integer"))
    day = _day(stack, now)
    return [
        Table("Exception resolution time (M4)", columns, figures, day, notes),
        Table("Open cases by age", bands, ages, day, ("Age is working time since the case was opened.",)),
    ]


def _day(stack: Stack, now: datetime) -> Any:
    return local_date(now, stack.organization.time_zone)


def _hours(value: float | None) -> float | None:
    return None if value is None else round(value, 2)


def _cells(stack: Stack, row: sa.Row[Any]) -> tuple[Any, ...]:
    count = json.loads(row.detail).get("count") if row.detail else None
    cells = {column.name: count if column.name == "count" else getattr(row, column.name) for column in COLUMNS}
    return tuple(owner_name(stack, cell) if name in _ROLES and cell else cell for name, cell in cells.items())


def _fact(stack: Stack, name: str, value: Any) -> str:
    if name in _ROLES:
        return f"{owner_name(stack, value)} ({value})"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M} UTC"
    if name == "detail":
        return "; ".join(f"{key}: {told}" for key, told in json.loads(value).items())
    return str(value)


def _told(stack: Stack, envelope: str) -> str:
    """The detail of an audit entry as one line: words, names and counts."""
    detail = json.loads(envelope).get("detail") or {}
    return "; ".join(f"{key}: {owner_name(stack, str(told))}" for key, told in detail.items())


def _overrides(stack: Stack, rows: Sequence[sa.Row[Any]]) -> Table:
    columns = (
        Column("override_id", "Override", rank=5),
        Column("system", "Where"),
        Column("attribute", "Attribute", "name"),
        Column("made_by", "By"),
        Column("reason", "Reason"),
        Column("expires_at", "Until", "moment"),
        Column("ended_at", "Ended", "moment"),
        Column("ended_why", "Why"),
    )
    cells = tuple(
        tuple(
            owner_name(stack, row.made_by) if column.name == "made_by" else getattr(row, column.name)
            for column in columns
        )
        for row in rows
    )
    return Table("Overrides", columns, cells, notes=("Without a system the override is of the value itself.",))
