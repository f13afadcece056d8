"""Retention in the ledger: sealed values of attributes whose time has passed. The chain keeps its envelopes."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.storage.ledger_tables import (
    actions,
    audit_log,
    audit_values,
    cases,
    corrections,
    letters,
    overrides,
)

_BATCH = 200
_FINAL = ("confirmed", "conflicted", "diverged", "failed", "rejected", "withdrawn")
"""Final states of a correction by their words (`corrections.terms` stands above this room). An open one is about a value
that is being written: it goes with the next run, when it has ended."""


def forget_values(con: sa.Connection, pairs: Collection[tuple[str, str]], now: datetime) -> dict[str, int]:
    """Destroy sealed values of (person, attribute) pairs inside the caller's transaction. Returns table → rows."""
    counts = dict.fromkeys(("audit_values", "corrections", "overrides", "cases"), 0)
    ordered = sorted(pairs)
    for start in range(0, len(ordered), _BATCH):
        batch = ordered[start : start + _BATCH]
        told = sa.select(audit_log.c.sequence).where(_in(audit_log, batch))
        counts["audit_values"] += con.execute(sa.delete(audit_values).where(audit_values.c.sequence.in_(told))).rowcount
        counts["corrections"] += con.execute(
            corrections.update()
            .where(_in(corrections, batch), corrections.c.state.in_(_FINAL))
            .where(sa.or_(corrections.c.before_sealed.is_not(None), corrections.c.after_sealed.is_not(None)))
            .values(before_sealed=None, after_sealed=None)
        ).rowcount
        counts["overrides"] += con.execute(
            overrides.update()
            .where(_in(overrides, batch), overrides.c.value_sealed.is_not(None))
            .values(
                value_sealed=None,
                value_mark=None,
                ended_at=sa.func.coalesce(overrides.c.ended_at, sa.bindparam("now", now, overrides.c.ended_at.type)),
                ended_why=sa.func.coalesce(overrides.c.ended_why, "retention"),
            )
        ).rowcount
        counts["cases"] += con.execute(
            cases.update()
            .where(_in(cases, batch))
            .where(sa.or_(cases.c.expected.is_not(None), cases.c.actual.is_not(None)))
            .values(expected=None, actual=None)
        ).rowcount
    for name, rows in _forget_handoffs(con, sorted({person for person, _ in ordered})).items():
        counts[name] = counts.get(name, 0) + rows
    return {f"ledger.{name}": rows for name, rows in counts.items() if rows}


def _forget_handoffs(con: sa.Connection, persons: list[str]) -> dict[str, int]:
    """What was made and written for a person is one text of many values: it goes whole, with the first of them."""
    counts = dict.fromkeys(("audit_values", "actions", "letters"), 0)
    for start in range(0, len(persons), _BATCH):
        some = persons[start : start + _BATCH]
        ended = sa.select(actions.c.action_id).where(actions.c.person_id.in_(some), actions.c.state.in_(_FINAL))
        # The entry of an action's sending keeps what was said; it is the only one of its kind without an attribute.
        told = sa.select(audit_log.c.sequence).where(
            audit_log.c.person_id.in_(some), audit_log.c.action == "sending", audit_log.c.attribute.is_(None)
        )
        counts["audit_values"] += con.execute(sa.delete(audit_values).where(audit_values.c.sequence.in_(told))).rowcount
        counts["letters"] += con.execute(
            letters.update()
            .where(letters.c.action_id.in_(ended), letters.c.content_sealed.is_not(None))
            .values(content_sealed=None)
        ).rowcount
        counts["actions"] += con.execute(
            actions.update()
            .where(actions.c.action_id.in_(ended), actions.c.content_sealed.is_not(None))
            .values(content_sealed=None)
        ).rowcount
    return counts


def _in(table: sa.Table, batch: list[tuple[str, str]]) -> sa.ColumnElement[bool]:
    return sa.tuple_(table.c.person_id, table.c.attribute).in_(batch)
