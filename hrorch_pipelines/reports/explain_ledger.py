"""What was decided and done about a person: corrections, cases, overrides, and the log of who did what. From the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit.persons import of_person
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values, cases, corrections, overrides
from hrorch_pipelines.storage.sealed import Seals

MOST_ENTRIES = 200
"""Entries of the log that are told; the rest is counted."""

_CORRECTIONS = (
    Column("proposed_at", "Proposed", "moment"),
    Column("target", "System"),
    Column("attribute", "Attribute", "name", inside="target"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("state", "State", "name"),
    Column("state_at", "Since", "moment", rank=2),
    Column("why", "Why", rank=1),
    Column("rule", "By the rule", rank=3),
    Column("proposed_by", "Proposed by", rank=4),
    Column("approved_by", "Approved by", rank=4),
    Column("correction_id", "Correction", rank=5),
)
_CASES = (
    Column("detected_at", "Found", "moment"),
    Column("system", "System", rank=1),
    Column("attribute", "Attribute", "name"),
    Column("what", "What is wrong"),
    Column("expected", "Expected", rank=2),
    Column("actual", "Actual", rank=2),
    Column("reviewer", "Reviewer"),
    Column("state", "State", "name"),
    Column("due_at", "Due", "moment", rank=3),
    Column("resolution", "Resolved by", "name", rank=3),
    Column("case_id", "Case", rank=4),
)
_OVERRIDES = (
    Column("attribute", "Attribute", "name"),
    Column("system", "In"),
    Column("value", "Value"),
    Column("reason", "Why", rank=1),
    Column("made_by", "Made by"),
    Column("made_at", "Since", "moment", rank=2),
    Column("expires_at", "Until", "moment"),
    Column("ended_at", "Ended", "moment", rank=3),
    Column("ended_why", "Ended by", rank=3),
)
_LOG = (
    Column("at", "When", "moment"),
    Column("actor", "Who"),
    Column("action", "Did what", "name"),
    Column("system", "System", rank=1),
    Column("attribute", "Attribute", "name", inside="system"),
    Column("before", "Before", rank=2),
    Column("after", "After", rank=2),
    Column("sequence", "Entry", "integer", rank=3),
    Column("reference", "Case or correction", rank=4),
)


def what_was_done(
    ledger: Ledger,
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    person: str,
    attribute: str | None,
    *,
    reveal: bool = False,
    until: datetime | None = None,
) -> list[Table]:
    """Tables of what happened to one person, or to one attribute of theirs; empty ones are left out.

    `person` is an id in use; what was written under an id merged into it is told too. With `until` only what had begun by
    then, in the state it has now. Values are masked by sensitivity unless `reveal`; erased ones cannot be shown.
    """
    _, as_of, _ = last_cycle(con)
    persons = of_person(con, person).persons
    with ledger.read() as transaction:
        asked = _Asked(transaction, Seals(transaction, ledger.home.key(), ledger.clock.now()), stack, reveal)
        chosen = {"persons": persons, "attribute": attribute, "until": until}
        tables = [
            _corrections(asked, as_of, **chosen),
            _cases(asked, as_of, **chosen),
            _overrides(asked, as_of, **chosen),
            _log(asked, as_of, **chosen),
        ]
    return [table for table in tables if table.rows]


@dataclass(frozen=True)
class _Asked:
    """One look into the ledger, and how its values may be shown."""

    con: sa.Connection
    seals: Seals
    stack: Stack
    reveal: bool

    def rows(
        self,
        query: sa.Select[Any],
        table: sa.Table,
        when: sa.Column[Any],
        persons: tuple[str, ...],
        attribute: str | None,
        until: datetime | None,
    ) -> list[Any]:
        query = query.where(table.c.person_id.in_(persons))
        if attribute is not None:
            query = query.where(sa.or_(table.c.attribute == attribute, table.c.attribute.is_(None)))
        if until is not None:
            query = query.where(when <= until)
        return list(self.con.execute(query.order_by(when)).all())

    def value(self, person: str, attribute: str | None, sealed: bytes | None) -> str:
        """A sealed value as it may be shown. NULL is either no value or one that was destroyed: nothing is claimed."""
        if sealed is None:
            return ""
        return shown(self.stack, attribute, self.seals.open(person, sealed), reveal=self.reveal)


def _corrections(asked: _Asked, as_of: date, **chosen: Any) -> Table:
    rows = asked.rows(sa.select(corrections), corrections, corrections.c.proposed_at, **chosen)
    told = tuple(
        (
            row.proposed_at,
            row.target,
            row.attribute,
            asked.value(row.person_id, row.attribute, row.before_sealed),
            asked.value(row.person_id, row.attribute, row.after_sealed),
            row.state,
            row.state_at,
            row.why,
            row.rule,
            owner_name(asked.stack, row.proposed_by),
            owner_name(asked.stack, row.approved_by or ""),
            row.correction_id[:12],
        )
        for row in rows
    )
    return Table(
        "Corrections", _CORRECTIONS, told, as_of, ("Confirmed means: the system, read again, shows the value.",)
    )


def _cases(asked: _Asked, as_of: date, **chosen: Any) -> Table:
    rows = asked.rows(sa.select(cases), cases, cases.c.detected_at, **chosen)
    told = tuple(
        tuple(
            owner_name(asked.stack, row.reviewer)
            if column.name == "reviewer"
            else row.case_id[:12]
            if column.name == "case_id"
            else getattr(row, column.name)
            for column in _CASES
        )
        for row in rows
    )
    return Table("Cases", _CASES, told, as_of)


def _overrides(asked: _Asked, as_of: date, **chosen: Any) -> Table:
    rows = asked.rows(sa.select(overrides), overrides, overrides.c.made_at, **chosen)
    told = tuple(
        (
            row.attribute,
            row.system or "every system",
            asked.value(row.person_id, row.attribute, row.value_sealed),
            row.reason,
            owner_name(asked.stack, row.made_by),
            row.made_at,
            row.expires_at,
            row.ended_at,
            row.ended_why,
        )
        for row in rows
    )
    return Table("Overrides", _OVERRIDES, told, as_of)


def _log(asked: _Asked, as_of: date, **chosen: Any) -> Table:
    query = sa.select(audit_log, audit_values.c.before_sealed, audit_values.c.after_sealed).outerjoin_from(
        audit_log, audit_values, audit_values.c.sequence == audit_log.c.sequence
    )
    rows = asked.rows(query, audit_log, audit_log.c.sequence, **{**chosen, "until": None})
    until = chosen["until"]
    rows = [row for row in rows if until is None or row.at <= until]
    told = tuple(
        (
            row.at,
            owner_name(asked.stack, row.actor),
            row.action,
            row.system,
            row.attribute,
            asked.value(row.person_id, row.attribute, row.before_sealed),
            asked.value(row.person_id, row.attribute, row.after_sealed),
            row.sequence,
            (row.case_id or row.correction_id or "")[:12],
        )
        for row in rows[-MOST_ENTRIES:]
    )
    left = len(rows) - len(told)
    notes = (f"The {left} entries before these are in `hrorch audit show`.",) if left > 0 else ()
    return Table("What was done", _LOG, told, as_of, notes)
