"""Cases about adverse results of checks: the steps the law asks for, in order, with their waits. The program turns nobody down.

A wait is a state: M4 leaves it out and nobody is reminded; when the next step may be taken, the case is due again.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions import moves
from hrorch_pipelines.exceptions.calendar import add_working
from hrorch_pipelines.exceptions.cases import settle
from hrorch_pipelines.exceptions.course import in_turn
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.handoffs.screening_errors import (
    BeforeItsTurnError,
    NoScreeningError,
    NotYetError,
    OutOfOrderError,
    ScreeningOverError,
    TooEarlyError,
)
from hrorch_pipelines.handoffs.statutory import rule_for, wait_after
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases, screenings
from hrorch_pipelines.storage.sealed import Seals

_Row = sa.Row[Any]


@dataclass(frozen=True)
class Done:
    """One step of a case. The last four are None until it is done; `not_before`: from when on what follows may be done."""

    step: str
    action: str
    done_on: date | None
    done_by: str | None
    done_at: datetime | None
    not_before: date | None


@dataclass(frozen=True)
class Standing:
    """Where a case stands. `next` is None when every step is done: then somebody decides. `not_before`: the first day for what
    is next; None: at once. `turn`: whose it is, one of `people`. `over`: the result is clear, or the case is closed."""

    case_id: str
    source: str
    steps: tuple[Done, ...]
    next: str | None
    action: str
    not_before: date | None
    turn: str
    over: bool

    def waits(self, today: date) -> bool:
        """Whether nobody may act today."""
        return not self.over and self.not_before is not None and today < self.not_before


def begin(
    con: sa.Connection, seals: Seals, stack: Stack, case: _Row, jurisdiction: str | None, now: datetime
) -> Standing | None:
    """Write down the steps a case has to go through, within the caller's ledger transaction. Free to be called in every pass.

    The rule that counts on the day is kept with the case, whatever the stack file says later. A second adverse result, after
    the first had become clear, begins anew. None where no rule is declared: the case then stands by itself.
    """
    rows = _rows(con, case.case_id)
    if rows and _settled_since(con, rows):
        _end(con, rows, now)
        rows = []
    elif rows and rows[0].ended_at is not None:
        rows = []
    if not rows:
        rule = rule_for(stack, jurisdiction, local_date(now, stack.organization.time_zone))
        if rule is None:
            return None
        in_turn(con, seals, stack, now)
        number = con.execute(
            sa.select(sa.func.coalesce(sa.func.max(screenings.c.round), 0)).where(screenings.c.case_id == case.case_id)
        ).scalar_one()
        con.execute(
            screenings.insert(),
            [
                {
                    "case_id": case.case_id,
                    "round": number + 1,
                    "position": position,
                    "step": step.step,
                    "action": step.action,
                    "wait_seconds": int(step.wait.total_seconds()) if step.wait else None,
                    "working": step.working,
                    "source": rule.source,
                    "rule_since": date.fromisoformat(rule.since),
                    "began_at": now,
                }
                for position, step in enumerate(rule.steps, start=1)
            ],
        )
        detail = {"source": rule.source, "rule_since": rule.since, "steps": len(rule.steps), "round": number + 1}
        _log(con, seals, stack, case, Action.SCREENING_BEGUN, SERVICE, detail, now)
        rows = _rows(con, case.case_id)
    return _standing(stack, case, rows)


def did(ledger: Ledger, stack: Stack, case_id: str, step: str, by: str, on: date | None = None) -> Standing:
    """Somebody did a step, on a day (default: today, in the organization's time zone). `case_id` may be its beginning.

    Raises UnknownCaseError, AmbiguousCaseError, UnknownReviewerError, NoScreeningError, ScreeningOverError, OutOfOrderError,
    TooEarlyError, NotYetError, BeforeItsTurnError. Whatever it raises, nothing is written.
    """
    now = ledger.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        moves.require_person(stack, by)
        in_turn(con, seals, stack, now)
        case = moves.find(con, case_id, lock=True)
        rows = _rows(con, case.case_id)
        today = local_date(now, stack.organization.time_zone)
        day = on or today
        row = _allowed(case, rows, step, day, today)
        _note(con, stack, row, by, day, now)
        if case.state in {CaseState.OPEN.value, CaseState.ACKNOWLEDGED.value}:
            moves.begin(con, seals, stack, case.case_id, by=by, now=now)
        rows = _rows(con, case.case_id)
        standing = _standing(stack, case, rows)
        con.execute(
            sa.update(cases)
            .where(cases.c.case_id == case.case_id)
            .values(due_at=_due(stack, standing.not_before, now), escalated_at=None)
        )
        told = {"step": step, "done_on": day.isoformat(), "source": row.source}
        if standing.not_before is not None:
            told["not_before"] = standing.not_before.isoformat()
        _log(con, seals, stack, case, Action.SCREENING_STEP, Actor("person", by), told, now)
        return standing


def clear(con: sa.Connection, seals: Seals, stack: Stack, case_ids: Sequence[str], now: datetime) -> int:
    """The results are clear now: the cases are settled and nothing of their steps is to be done. Returns how many closed."""
    closed = settle(con, seals, stack, case_ids, now, "the result is clear", everywhere=True)
    for case_id in case_ids:
        _end(con, _rows(con, case_id), now)
    return closed


def standing(con: sa.Connection, stack: Stack, case_id: str) -> Standing:
    """Where a case stands. `case_id` may be its beginning. Raises UnknownCaseError, AmbiguousCaseError, NoScreeningError."""
    case = moves.find(con, case_id)
    rows = _rows(con, case.case_id)
    if not rows:
        raise NoScreeningError(case.case_id)
    return _standing(stack, case, rows)


def standings(con: sa.Connection, stack: Stack, *, over: bool = False) -> list[Standing]:
    """Every screening that goes on (`over`: those that are over too), the one whose turn comes first on top."""
    ids = con.execute(sa.select(screenings.c.case_id).distinct().order_by(screenings.c.case_id)).scalars().all()
    found = [standing(con, stack, one) for one in ids]
    going = [one for one in found if over or not one.over]
    return sorted(going, key=lambda one: (one.over, one.not_before or date.min, one.case_id))


def in_wait(con: sa.Connection, now: datetime) -> frozenset[str]:
    """Cases in which nobody may act at this moment: whoever reminds people leaves them alone."""
    s = screenings.c
    query = sa.select(s.case_id).where(s.waits_from <= now, s.waits_until > now, s.ended_at.is_(None)).distinct()
    return frozenset(con.execute(query).scalars())


def _allowed(case: _Row, rows: Sequence[_Row], step: str, day: date, today: date) -> _Row:
    if not rows:
        raise NoScreeningError(case.case_id)
    if _is_over(case, rows):
        raise ScreeningOverError(case.case_id, step)
    known = tuple(row.step for row in rows)
    open_ = [row for row in rows if row.done_on is None]
    if not open_ or open_[0].step != step:
        raise OutOfOrderError(case.case_id, step, open_[0].step if open_ else None, known)
    if day > today:
        raise NotYetError(case.case_id, step, day)
    row = open_[0]
    if row.position > 1:
        before = rows[row.position - 2]
        if before.not_before is not None and day < before.not_before:
            raise TooEarlyError(case.case_id, step, before.not_before)
        if day < before.done_on:
            raise BeforeItsTurnError(case.case_id, step, before.done_on)
    return row


def _note(con: sa.Connection, stack: Stack, row: _Row, by: str, day: date, now: datetime) -> None:
    length = timedelta(seconds=row.wait_seconds) if row.wait_seconds else None
    wait = wait_after(day, length, working=row.working, organization=stack.organization)
    waited: dict[str, Any] = {}
    if wait is not None:
        # The rest of the day it was done counts as waiting too: nobody may act any more on it.
        waited = {"not_before": wait.not_before, "waits_from": min(now, wait.begins), "waits_until": wait.ends}
    con.execute(
        sa.update(screenings)
        .where(
            screenings.c.case_id == row.case_id,
            screenings.c.round == row.round,
            screenings.c.position == row.position,
        )
        .values(done_on=day, done_by=by, done_at=now, **waited)
    )


def _standing(stack: Stack, case: _Row, rows: Sequence[_Row]) -> Standing:
    steps = tuple(Done(one.step, one.action, one.done_on, one.done_by, one.done_at, one.not_before) for one in rows)
    open_ = [one for one in steps if one.done_on is None]
    done = [one for one in steps if one.done_on is not None]
    return Standing(
        case.case_id,
        rows[0].source,
        steps,
        open_[0].step if open_ else None,
        open_[0].action if open_ else "Every step is done. Decide, and say so: `hrorch exceptions resolve`.",
        done[-1].not_before if done else None,
        case.reviewer if case.reviewer in stack.people else next(iter(stack.people)),
        _is_over(case, rows),
    )


def _rows(con: sa.Connection, case_id: str) -> list[_Row]:
    """The steps of a case's last round, in order."""
    s = screenings.c
    last = sa.select(sa.func.max(s.round)).where(s.case_id == case_id).scalar_subquery()
    return list(
        con.execute(sa.select(screenings).where(s.case_id == case_id, s.round == last).order_by(s.position)).all()
    )


def _is_over(case: _Row, rows: Sequence[_Row]) -> bool:
    return case.state == CaseState.CONFIRMED.value or rows[0].ended_at is not None


def _settled_since(con: sa.Connection, rows: Sequence[_Row]) -> bool:
    """Whether the case was closed since its steps began: only the log remembers that of a case that is open again."""
    if rows[0].ended_at is not None:
        return False
    a = audit_log.c
    told = con.execute(
        sa.select(a.envelope).where(
            a.case_id == rows[0].case_id, a.action == Action.CASE_STATE.value, a.at >= rows[0].began_at
        )
    ).scalars()
    return any(json.loads(one).get("detail", {}).get("to") == CaseState.CONFIRMED.value for one in told)


def _end(con: sa.Connection, rows: Sequence[_Row], now: datetime) -> None:
    if rows:
        con.execute(
            sa.update(screenings)
            .where(screenings.c.case_id == rows[0].case_id, screenings.c.ended_at.is_(None))
            .values(ended_at=now)
        )


def _due(stack: Stack, not_before: date | None, now: datetime) -> datetime:
    """Until when the reviewer has time for what is next: their usual time, from the day on which it may be done."""
    begins = now
    if not_before is not None:
        begins = max(now, datetime.combine(not_before, time(), ZoneInfo(stack.organization.time_zone)).astimezone(UTC))
    return add_working(begins, stack.exceptions.due, stack.organization)


def _log(
    con: sa.Connection,
    seals: Seals,
    stack: Stack,
    case: _Row,
    action: Action,
    actor: Actor,
    detail: dict[str, Any],
    now: datetime,
) -> None:
    entry = Entry(
        action, actor, person_id=case.person_id, system=case.system, rule=case.rule, case_id=case.case_id, detail=detail
    )
    log.append(con, seals, [entry], now, stack.content_hash)
