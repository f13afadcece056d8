"""Cases as they come and go by themselves: reported, seen again, reopened, settled. What people do to them is in `moves`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions.calendar import add_working
from hrorch_pipelines.exceptions.course import batches, in_turn, reopening, state_entry
from hrorch_pipelines.exceptions.finding import Finding, case_id
from hrorch_pipelines.exceptions.routing import route
from hrorch_pipelines.exceptions.terms import CaseState, Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals

__all__ = ["Finding", "Reported", "case_id", "report", "settle"]

_TOLD = ("severity", "what", "expected", "actual", "cause", "action", "reference", "detail")
"""What a finding may tell otherwise the next time it is seen; the rest of a case is its identity or its course."""

_LONGEST = {"rule": 128, "source_id": 256, "reference": 256}


@dataclass(frozen=True)
class Reported:
    """What became of findings: cases opened, seen again, and opened again (each finding counts once)."""

    opened: int = 0
    updated: int = 0
    reopened: int = 0

    def __add__(self, other: Reported) -> Reported:
        return Reported(self.opened + other.opened, self.updated + other.updated, self.reopened + other.reopened)


def report(con: sa.Connection, seals: Seals, stack: Stack, findings: Iterable[Finding], now: datetime) -> Reported:
    """Open a case for each finding, or bring the one there is up to date. Within the caller's ledger transaction.

    A confirmed case is opened again (its clock goes on, M4). So is a waived one when its time has run out, or when it was let
    be by an override: whoever reports it has seen that the override does not cover what is there now. Every other waived case
    stays waived.
    """
    in_turn(con, seals, stack, now)
    told = Reported()
    for batch in batches(findings):
        told += _report_batch(con, seals, stack, {case_id(finding): finding for finding in batch}, now)
    return told


def settle(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case_ids: Iterable[str],
    now: datetime,
    why: str,
    *,
    everywhere: bool = False,
) -> int:
    """Confirm cases: the value landed. Closed and unknown ones are passed over; returns how many were closed.

    What one write cannot close waits for whoever has looked at gate and copies alike (`everywhere`): a case of a gate, and one
    for which a value was entered in its authority. Whatever nobody resolved was mended `by_itself`. `why`: words, no values.
    """
    in_turn(con, seals, stack, now)
    closed = 0
    for batch in batches(case_ids):
        wanted = sa.select(cases).where(cases.c.case_id.in_(batch), cases.c.state != CaseState.CONFIRMED.value)
        if not everywhere:
            entered = sa.func.coalesce(cases.c.resolution, "") == Resolution.ENTER_VALUE.value
            wanted = wanted.where(cases.c.source != "gate", sa.not_(entered))
        rows = con.execute(wanted.with_for_update()).all()
        if not rows:
            continue
        con.execute(
            sa.update(cases)
            .where(cases.c.case_id == sa.bindparam("at_case"))
            .values(
                state=CaseState.CONFIRMED.value,
                confirmed_at=sa.bindparam("moment"),
                resolved_at=sa.bindparam("resolved"),
                resolution=sa.bindparam("how"),
                waived_until=None,
            ),
            [
                {
                    "at_case": row.case_id,
                    "moment": max(now, row.detected_at),
                    "resolved": row.resolved_at or max(now, row.detected_at),
                    "how": row.resolution or Resolution.BY_ITSELF.value,
                }
                for row in rows
            ],
        )
        entries = [state_entry(row, CaseState.CONFIRMED, why) for row in rows]
        log.append(con, seals, entries, now, stack.content_hash)
        closed += len(rows)
    return closed


def _report_batch(con: sa.Connection, seals: Seals, stack: Stack, found: dict[str, Finding], now: datetime) -> Reported:
    known = {
        row.case_id: row
        for row in con.execute(sa.select(cases).where(cases.c.case_id.in_(list(found))).with_for_update())
    }
    fresh = [_opened(stack, one, finding, now) for one, finding in found.items() if one not in known]
    if fresh:
        con.execute(cases.insert(), fresh)
    entries = [_opening(row) for row in fresh]
    reopened, changed = [], []
    for one, row in known.items():
        if _opens_again(row, now):
            routed = _routed(stack, found[one], now)
            changes = reopening(row, stack, now) | {"due_at": routed["due_at"]}
            if row.reviewer not in stack.people:
                changes |= {"reviewer": routed["reviewer"], "deputy": routed["deputy"]}
            con.execute(sa.update(cases).where(cases.c.case_id == one).values(**changes))
            reopened.append(one)
            entries.append(state_entry(row, CaseState.OPEN, "seen again"))
        told = _told(found[one])
        if any(getattr(row, name) != told[name] for name in _TOLD):
            changed.append({"at_case": one, **told})
    if changed:
        con.execute(
            sa.update(cases)
            .where(cases.c.case_id == sa.bindparam("at_case"))
            .values({name: sa.bindparam(name) for name in _TOLD}),
            changed,
        )
    if known:
        con.execute(
            sa.update(cases)
            .where(cases.c.case_id.in_(list(known)), cases.c.last_seen_at < now)
            .values(last_seen_at=now, stack_hash=stack.content_hash)
        )
    log.append(con, seals, entries, now, stack.content_hash)
    return Reported(len(fresh), len(known) - len(reopened), len(reopened))


def _opens_again(row: sa.Row[Any], now: datetime) -> bool:
    if row.state == CaseState.WAIVED:
        over = row.waived_until is None or row.waived_until <= now
        return over or row.resolution == Resolution.OVERRIDE
    return bool(row.state == CaseState.CONFIRMED)


def _opened(stack: Stack, one: str, finding: Finding, now: datetime) -> dict[str, Any]:
    return {
        "case_id": one,
        "source": finding.source,
        "rule": _fitted("rule", finding.rule),
        "person_id": finding.person_id,
        "system": finding.system,
        "record": finding.record,
        "source_id": _fitted("source_id", finding.source_id),
        "attribute": finding.attribute,
        "state": CaseState.OPEN.value,
        "occurred_at": finding.occurred_at,
        "detected_at": now,
        "last_seen_at": now,
        "stack_hash": stack.content_hash,
        "reopened": 0,
        **_told(finding),
        **_routed(stack, finding, now),
    }


def _routed(stack: Stack, finding: Finding, now: datetime) -> dict[str, Any]:
    routed = route(stack, finding, local_date(now, stack.organization.time_zone))
    return {
        "reviewer": routed.reviewer,
        "deputy": routed.deputy,
        "due_at": add_working(now, routed.due, stack.organization),
    }


def _told(finding: Finding) -> dict[str, Any]:
    told = {name: getattr(finding, name) for name in _TOLD}
    detail = {name: value for name, value in finding.detail.items() if value is not None}
    return told | {
        "reference": _fitted("reference", finding.reference),
        "detail": json.dumps(detail, sort_keys=True) if detail else None,
    }


def _opening(row: dict[str, Any]) -> Entry:
    named = ("person_id", "system", "record", "source_id", "attribute", "rule", "case_id")
    return Entry(
        Action.CASE_OPENED,
        **{name: row[name] for name in named},
        detail={"source": row["source"], "severity": row["severity"], "reviewer": row["reviewer"]},
    )


def _fitted(column: str, text: str | None) -> str | None:
    """A name longer than its column keeps its beginning and what tells it from others."""
    longest = _LONGEST[column]
    if text is None or len(text) <= longest:
        return text
    return f"{text[: longest - 17]}~{hashlib.sha256(text.encode()).hexdigest()[:16]}"
