"""When a cohort's members apply, sign, start, move, withdraw and leave: dates by kind, counted in working days."""

from __future__ import annotations

from datetime import date, timedelta

from hrorch_pipelines.sandbox.cohort_members import Kind
from hrorch_pipelines.sandbox.hiring import workday

Steps = tuple[tuple[date, int, str], ...]

TO_OFFER = 7
"""Working days from application to the first draft of an offer; the interview is in the middle."""


def working_days(day: date, count: int) -> date:
    """`count` working days later (Saturdays and Sundays do not count)."""
    day = workday(day)
    for _ in range(count):
        day = workday(day + timedelta(days=1))
    return day


def applied_on(begun: date, place: int) -> date:
    """Three a day from the day after the beginning."""
    return working_days(begun + timedelta(days=1), place // 3)


def offer_steps(kind: Kind, applied: date) -> Steps:
    """Every status of every version of the offer, in order. Sent after nine working days, countersigned after twelve."""
    created = working_days(applied, TO_OFFER)
    approved, sent = working_days(created, 1), working_days(created, 2)
    steps = [(created, 1, "created"), (approved, 1, "approved"), (sent, 1, "sent")]
    if kind is Kind.DECLINED:
        return (*steps, (working_days(sent, 3), 1, "rejected"))
    signed = working_days(sent, 2)
    accepted = working_days(signed, 8 if kind is Kind.EARLY_RESULT else 1)
    steps += [(signed, 1, "candidate_signed"), (accepted, 1, "accepted")]
    match kind:
        case Kind.RESCINDED:
            steps.append((working_days(accepted, 5), 1, "rescinded"))
        case Kind.ADVERSE:  # by people, after the notices and their waits
            steps.append((working_days(accepted, 12), 1, "rescinded"))
        case Kind.NO_SHOW:
            steps.append((working_days(first_start(kind, tuple(steps)), 2), 1, "rescinded"))
        case Kind.MOVED_START:
            steps += _moves(accepted)
        case _:
            return tuple(steps)
    return tuple(steps)


def first_start(kind: Kind, steps: Steps) -> date:
    """A Monday, two to three weeks after countersignature (or after a declined offer would have been countersigned)."""
    signed = next((step[0] for step in steps if step[2] == "accepted"), steps[-1][0])
    earliest = signed + timedelta(days=24 if kind is Kind.ADVERSE else 14)
    return earliest + timedelta(days=-earliest.weekday() % 7)


def starts_of(kind: Kind, steps: Steps) -> tuple[date, ...]:
    """The first day by version of the offer: later by a fortnight, then a Wednesday between the two."""
    start = first_start(kind, steps)
    if kind is Kind.MOVED_START:
        return start, start + timedelta(days=14), start + timedelta(days=9)
    return (start,)


def authorized_on(kind: Kind, steps: Steps) -> date | None:
    """When the candidate allows the check: the day after the offer came; late ones after countersignature; or never."""
    if kind is Kind.DECLINED:
        return None
    days = {status: day for day, version, status in steps if version == 1}
    return working_days(days["accepted"], 5) if kind is Kind.LATE_AUTHORIZATION else working_days(days["sent"], 1)


def leaving_on(kind: Kind, begun: date, place: int) -> tuple[date, date]:
    """Last day, and the day on which it is entered: ahead, or (ghost) after the fact."""
    end = working_days(begun, 12 + 4 * place)
    return (end, working_days(end, 3)) if kind is Kind.GHOST else (end, working_days(end - timedelta(days=10), 0))


def _moves(accepted: date) -> list[tuple[date, int, str]]:
    """Version 2 is signed the day it is made; version 3 waits a night for its signatures."""
    first, second = working_days(accepted, 3), working_days(accepted, 7)
    whole = ("created", "approved", "sent", "candidate_signed", "accepted")
    return [
        (first, 1, "deprecated"),
        *((first, 2, status) for status in whole),
        (second, 2, "deprecated"),
        *((second, 3, status) for status in whole[:3]),
        *((working_days(second, 1), 3, status) for status in whole[3:]),
    ]
