"""What the ledger holds about one person, in clear, for subject access: what was corrected, made, written, asked and logged."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.storage.ledger_tables import (
    actions,
    audit_log,
    audit_values,
    cases,
    corrections,
    letters,
    overrides,
    steps,
)
from hrorch_pipelines.storage.sealed import Seals


@dataclass(frozen=True)
class Section:
    """One question and its answer: column names and rows of plain values."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def of_the_ledger(con: sa.Connection, seals: Seals, subject: Subject) -> list[Section]:
    """Every section that the ledger answers, in clear."""
    return [
        _corrections(con, seals, subject),
        _steps(con, subject),
        _actions(con, seals, subject),
        _letters(con, seals, subject),
        _overrides(con, seals, subject),
        _cases(con, subject),
        _log(con, seals, subject),
    ]


def _corrections(con: sa.Connection, seals: Seals, subject: Subject) -> Section:
    rows = con.execute(
        sa.select(corrections).where(corrections.c.person_id.in_(subject.persons)).order_by(corrections.c.proposed_at)
    ).all()
    told = tuple(
        (
            row.proposed_at,
            row.target,
            row.attribute,
            seals.open(row.person_id, row.before_sealed),
            seals.open(row.person_id, row.after_sealed),
            row.state,
            row.rule,
            row.confirmed_at,
        )
        for row in rows
    )
    columns = ("proposed_at", "system", "attribute", "before", "after", "state", "rule", "confirmed_at")
    return Section("Corrections", columns, told)


def _steps(con: sa.Connection, subject: Subject) -> Section:
    columns = ("known_at", "handoff", "state", "true_from", "due_at", "missing", "done_at", "done_how", "why")
    rows = con.execute(
        sa.select(*(steps.c[name] for name in columns))
        .where(steps.c.person_id.in_(subject.persons))
        .order_by(steps.c.known_at, steps.c.handoff)
    ).all()
    return Section("What had to happen", columns, tuple(tuple(row) for row in rows))


def _actions(con: sa.Connection, seals: Seals, subject: Subject) -> Section:
    rows = con.execute(
        sa.select(actions).where(actions.c.person_id.in_(subject.persons)).order_by(actions.c.proposed_at)
    ).all()
    told = tuple(
        (
            row.proposed_at,
            row.handoff,
            row.verb,
            row.target,
            row.source_id,
            seals.open(row.person_id, row.content_sealed),
            row.state,
            row.rule,
            row.confirmed_at,
        )
        for row in rows
    )
    columns = ("proposed_at", "handoff", "verb", "target", "source_id", "content", "state", "rule", "confirmed_at")
    return Section("What was made and sent", columns, told)


def _letters(con: sa.Connection, seals: Seals, subject: Subject) -> Section:
    """Letters as they were kept; attachments in base64."""
    rows = con.execute(
        sa.select(letters)
        .where(letters.c.person_id.in_(subject.persons))
        .order_by(letters.c.made_at, letters.c.action_id, letters.c.part)
    ).all()
    told = tuple((row.made_at, row.media_type, seals.open(row.person_id, row.content_sealed)) for row in rows)
    return Section("Letters", ("made_at", "media_type", "content"), told)


def _overrides(con: sa.Connection, seals: Seals, subject: Subject) -> Section:
    rows = con.execute(
        sa.select(overrides).where(overrides.c.person_id.in_(subject.persons)).order_by(overrides.c.made_at)
    ).all()
    told = tuple(
        (
            row.attribute,
            row.system,
            seals.open(row.person_id, row.value_sealed),
            row.reason,
            row.made_by,
            row.made_at,
            row.expires_at,
            row.ended_at,
        )
        for row in rows
    )
    columns = ("attribute", "system", "value", "reason", "made_by", "made_at", "expires_at", "ended_at")
    return Section("Overrides", columns, told)


def _cases(con: sa.Connection, subject: Subject) -> Section:
    columns = ("detected_at", "system", "attribute", "what", "cause", "action", "state", "resolution", "reason")
    mine: sa.ColumnElement[bool] = cases.c.person_id.in_(subject.persons)
    if subject.records:
        mine = sa.or_(mine, sa.tuple_(cases.c.system, cases.c.source_id).in_(subject.records))
    rows = con.execute(sa.select(*(cases.c[name] for name in columns)).where(mine).order_by(cases.c.detected_at)).all()
    return Section("Cases", columns, tuple(tuple(row) for row in rows))


def _log(con: sa.Connection, seals: Seals, subject: Subject) -> Section:
    rows = con.execute(
        sa.select(audit_log, audit_values.c.before_sealed, audit_values.c.after_sealed)
        .outerjoin_from(audit_log, audit_values, audit_values.c.sequence == audit_log.c.sequence)
        .where(audit_log.c.person_id.in_(subject.persons))
        .order_by(audit_log.c.sequence)
    ).all()
    told = tuple(
        (
            row.sequence,
            row.at,
            row.actor,
            row.action,
            row.system,
            row.attribute,
            seals.open(row.person_id, row.before_sealed),
            seals.open(row.person_id, row.after_sealed),
            json.loads(row.envelope).get("rule"),
        )
        for row in rows
    )
    columns = ("entry", "at", "who", "action", "system", "attribute", "before", "after", "rule")
    return Section("What was done", columns, told)
