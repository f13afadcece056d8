"""What must happen, and must not, for each member: the truth that a cohort is judged by. The product never reads it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Literal

from hrorch_pipelines.sandbox.cohort_members import ENDING, RETURNING, TYPED, Kind, Member, payday_after

Expect = Literal["once", "already", "gone", "none", "told", "right"]


@dataclass(frozen=True)
class Expectation:
    """What the documents must show for one member and one handoff, named as in the example stack.

    `once`: made by the program, once. `already`: there by a person's hand or from before, nothing made beside it. `gone`:
    nothing of it is left (never made, or taken back). `none`: never made. `told`: at least one letter. `right`: the value
    is as agreed. Made before `not_before` is too early; until `by` its absence is no fault yet.
    """

    member: int
    kind: str
    handoff: str
    expect: Expect
    by: str
    not_before: str | None = None


@dataclass(frozen=True)
class _Dates:
    """The days on which it turns, of somebody who was countersigned."""

    sent: date
    signed: date
    start: date


GRACE = timedelta(days=2)
"""Given to every handoff beyond its day: one pass a day is enough to be in time."""


def expectations(member: Member) -> Iterator[Expectation]:
    """Everything that is expected of one member."""
    if member.leaving:
        yield from _of_leaver(member)
        return
    sent, signed, start = member.on("sent"), member.countersigned, member.start
    if sent is None or start is None:
        return
    yield _row(member, "offer-letter", "once", sent + GRACE, sent)
    if signed is None:
        never = (
            "check-order",
            "hris-prehire",
            "onboarding-tasks",
            "payroll-enrolment",
            "directory-account",
            "first-day",
            "first-payday",
        )
        for handoff in never:
            yield _row(member, handoff, "none", sent)
        return
    if member.authorized:
        yield _row(member, "check-order", "once", member.authorized + GRACE, max(member.authorized, sent))
    if member.kind in ENDING:
        yield from _of_who_does_not_stay(member, _Dates(sent, signed, start))
    else:
        yield from _of_who_stays(member, _Dates(sent, signed, start))


def write_expectations(path: Path, rows: Iterable[Expectation]) -> None:
    """Write them, one JSON line each."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(asdict(row)) + "\n" for row in rows), encoding="utf-8")


def read_expectations(path: Path) -> list[Expectation]:
    """Read them back."""
    return [Expectation(**json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def _of_who_stays(member: Member, days: _Dates) -> Iterator[Expectation]:
    payroll_typed = member.kind in TYPED and member.kind is not Kind.MANUAL_REKEY
    back, start, payday = member.kind in RETURNING, days.start, payday_after(days.start)
    ready = days.signed + GRACE + timedelta(days=1)
    hris: Expect = "already" if back or member.kind in TYPED else "once"
    yield _row(member, "hris-prehire", hris, ready, days.signed)
    converted = member.kind is Kind.CONTRACTOR_TO_EMPLOYEE  # at work already: no first day
    if not converted:
        yield _row(member, "hris-start", "right", start)
        agreed = max(ready, member.steps[-1][0] + GRACE + timedelta(days=1))  # the last version of the offer
        yield _row(member, "first-day", "once", min(agreed, start), days.signed)
    yield _row(member, "hris-pay", "right", max(ready, start))
    yield _row(member, "hris-first-day", "right", start + GRACE)
    if not back:
        yield _row(member, "onboarding-tasks", "once", ready, days.signed)
    yield _row(member, "payroll-enrolment", "already" if back or payroll_typed else "once", start, days.signed)
    yield _row(member, "payroll-pay", "right", payday)
    yield _row(member, "directory-account", "already" if back else "once", start, days.signed)
    yield _row(member, "manager-told", "told", ready, days.signed)
    yield _row(member, "first-payday", "right", payday)


def _of_who_does_not_stay(member: Member, days: _Dates) -> Iterator[Expectation]:
    over = member.rescinded or days.start
    for handoff in ("hris-prehire", "onboarding-tasks", "payroll-enrolment", "directory-account"):
        yield _row(member, handoff, "gone", over + GRACE + timedelta(days=1), days.signed)
    if member.kind is not Kind.NO_SHOW:  # the day itself was kept free; it is past
        yield _row(member, "first-day", "gone", over + GRACE, days.signed)
    yield _row(member, "first-payday", "none", payday_after(over + GRACE + timedelta(days=1)))


def _of_leaver(member: Member) -> Iterator[Expectation]:
    if member.end is None or member.entered is None:
        return
    over = max(member.end + timedelta(days=1), member.entered)
    yield _row(member, "leaver-payroll", "gone", over + GRACE + timedelta(days=1))
    yield _row(member, "leaver-directory", "gone", over + GRACE)
    yield _row(member, "leaver-told", "told", over + GRACE)
    yield _row(member, "last-payday", "none", payday_after(over + GRACE + timedelta(days=1)))


def _row(member: Member, handoff: str, expect: Expect, by: date, not_before: date | None = None) -> Expectation:
    early = not_before.isoformat() if not_before else None
    return Expectation(member.number, member.kind.value, handoff, expect, by.isoformat(), early)
