"""Corrections: a list with filters, one with its history, and counts by state. Values masked unless revealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, get_args

import sqlalchemy as sa

from hrorch_pipelines.corrections.errors import UnknownCorrectionError
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.read import require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_pipelines.storage.ledger_tables import corrections as table
from hrorch_pipelines.storage.sealed import ErasedError, Seals

COLUMNS = (
    Column("correction_id", "Correction"),
    Column("state", "State", "name"),
    Column("target", "Target"),
    Column("source_id", "Record", rank=6),
    Column("person_id", "Person", "person", rank=5),
    Column("attribute", "Attribute", "name"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("effective_from", "From", "date", rank=8),
    Column("kind", "Kind", "name", rank=4),
    Column("cause", "Cause", "name", rank=3),
    Column("rule", "Because", rank=9),
    Column("why", "Stands there because", short="Why", rank=2),
    Column("proposed_by", "Proposed by", rank=9),
    Column("approved_by", "Approved by", rank=7),
    Column("proposed_at", "Proposed", "moment", rank=9),
    Column("state_at", "Since", "moment", rank=7),
)
ERASED = "(erased)"


def corrections(
    ledger: Ledger,
    stack: Stack,
    *,
    states: Sequence[str] = (),
    targets: Sequence[str] = (),
    attributes: Sequence[str] = (),
    kinds: Sequence[str] = (),
    person: str | None = None,
    reveal: bool = False,
    limit: int | None = None,
) -> Table:
    """Corrections, the newest first; without `states` those that are open. `person` is a person id.

    `limit` rows at most; a note counts the rest. Raises UnknownChoiceError for a filter that names nothing.
    """
    require_known("state", states, tuple(State))
    require_known("system", targets, stack.systems)
    require_known("attribute", attributes, stack.attributes)
    require_known("kind of change", kinds, get_args(ChangeKind))
    from hrorch_pipelines.corrections.terms import OPEN

    wanted = [
        table.c.state.in_(list(states) or [state.value for state in OPEN]),
        *([table.c.target.in_(list(targets))] if targets else []),
        *([table.c.attribute.in_(list(attributes))] if attributes else []),
        *([table.c.kind.in_(list(kinds))] if kinds else []),
        *([table.c.person_id == person] if person else []),
    ]
    with ledger.read() as con:
        found = con.execute(sa.select(sa.func.count()).select_from(table).where(*wanted)).scalar_one()
        query = sa.select(table).where(*wanted).order_by(table.c.proposed_at.desc(), table.c.correction_id)
        rows = con.execute(query if limit is None else query.limit(limit)).all()
        seals = Seals(con, ledger.home.key(), ledger.clock.now())
        cells = tuple(_cells(stack, seals, row, reveal=reveal) for row in rows)
    return Table("Corrections", COLUMNS, cells, None, (*_counted(found, len(rows)), *(() if reveal else (_MASKED,))))


def correction(ledger: Ledger, stack: Stack, correction_id: str, *, reveal: bool = False) -> list[Table]:
    """One correction: what it is, line by line, and its history from the audit log. Its id, or a beginning that is unique.

    Raises UnknownCorrectionError.
    """
    with ledger.read() as con:
        found = con.execute(
            sa.select(table).where(table.c.correction_id.startswith(correction_id, autoescape=True))
        ).all()
        if len(found) != 1 or not correction_id:
            raise UnknownCorrectionError(correction_id)
        row = found[0]
        seals = Seals(con, ledger.home.key(), ledger.clock.now())
        before, after = (_value(stack, seals, row, side, reveal=reveal) for side in ("before", "after"))
        entries = con.execute(
            sa.select(audit_log).where(audit_log.c.correction_id == row.correction_id).order_by(audit_log.c.sequence)
        ).all()
    about = {**row._asdict(), "before": before, "after": after}
    lines = tuple(
        (name.replace("_", " "), str(about[name]))
        for name in [*(column.name for column in COLUMNS), *_MORE]
        if about.get(name) is not None
    )
    what = Table(
        "Correction", (Column("field", "What"), Column("value", "Is")), lines, None, () if reveal else (_MASKED,)
    )
    history = tuple((entry.at, entry.actor, entry.action, _told(entry.envelope)) for entry in entries)
    columns = (
        Column("at", "When", "moment"),
        Column("actor", "Who"),
        Column("action", "Did", "name"),
        Column("detail", "Detail"),
    )
    return [what, Table("History", columns, history)]


def counts(ledger: Ledger) -> dict[str, int]:
    """How many corrections stand in each state, all of them named."""
    with ledger.read() as con:
        rows = con.execute(sa.select(table.c.state, sa.func.count()).group_by(table.c.state)).all()
    found = {str(state): int(number) for state, number in rows}
    return {state.value: found.get(state.value, 0) for state in State}


def by_target(ledger: Ledger, stack: Stack) -> Table:
    """Corrections by target, kind and state."""
    with ledger.read() as con:
        rows = con.execute(
            sa.select(table.c.target, table.c.kind, table.c.state, sa.func.count())
            .group_by(table.c.target, table.c.kind, table.c.state)
            .order_by(table.c.target, table.c.kind, table.c.state)
        ).all()
    owners = {name: owner_name(stack, system.owner) for name, system in stack.systems.items()}
    columns = (
        Column("target", "Target", grouped=True),
        Column("kind", "Kind", "name"),
        Column("state", "State", "name"),
        Column("corrections", "Corrections", "integer"),
        Column("owner", "Owner", rank=3),
    )
    return Table("Corrections by state", columns, tuple((*row, owners.get(row[0], "")) for row in rows))


_MASKED = "Personal values are masked; `--reveal --by NAME` shows them."
_MORE = (
    "record", "authority_system", "authority_snapshot_id", "target_snapshot_id", "discrepancy_id", "case_id", "cycle_id",
    "approved_at", "released_by", "released_at", "attempts", "due_at", "sent_at", "acknowledged_at", "seen_at", "confirmed_at",
    "receipt", "fault",
)  # fmt: skip


def _cells(stack: Stack, seals: Seals, row: sa.Row[Any], *, reveal: bool) -> tuple[Any, ...]:
    cells = {**row._asdict(), **{side: _value(stack, seals, row, side, reveal=reveal) for side in ("before", "after")}}
    return tuple(cells[column.name] for column in COLUMNS)


def _value(stack: Stack, seals: Seals, row: sa.Row[Any], side: str, *, reveal: bool) -> str:
    try:
        value = seals.open(row.person_id, getattr(row, f"{side}_sealed"))
    except ErasedError:
        return ERASED
    return shown(stack, row.attribute, value, reveal=reveal)


def _told(envelope: str) -> str:
    """What an entry says beside who and when; the commitments to its values are left out."""
    detail = json.loads(envelope).get("detail") or {}
    return ", ".join(f"{name}: {value}" for name, value in detail.items() if value is not None)


def _counted(found: int, told: int) -> tuple[str, ...]:
    return (
        (f"{found:,} corrections.",) if found == told else (f"{found:,} corrections; the newest {told:,} are shown.",)
    )
