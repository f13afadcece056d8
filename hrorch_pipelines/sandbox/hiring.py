"""How people are hired here: the offer's states in order, the background check beside it, and when both are forgotten."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

from hrorch_pipelines.sandbox.life import Hiring, Person, Role
from hrorch_pipelines.sandbox.people import World, quiet

KEPT: Final = 180
"""Days after the start for which the ATS and the check system keep a hired person: its retention rule.

No move, raise, new name or parting comes earlier than 200 days after a start, so what they hold stays true to its end.
"""

_ENDINGS: Final[tuple[tuple[str, ...], ...]] = (
    (), ("created",), ("created", "approved"), ("created", "approved", "sent"), ("created", "approved", "sent", "candidate_signed"),
    ("created", "approved", "sent", "rejected"), ("created", "approved", "sent", "expired"), ("created", "approved", "sent", "rescinded"),
)  # fmt: skip
"""How far a candidate's offer has come, for those not hired."""


def workday(day: date) -> date:
    """The day itself, or the Monday after a weekend."""
    return day + timedelta(days=(7 - day.weekday()) % 7) if day.weekday() > 4 else day


def hiring_of(
    world: World,
    who: Person,
    department: str,
    location: str,
    title: str,
    cents: int,
    *,
    start: date | None,
    kind: str = "Full-Time",
) -> Hiring:
    """The application that led to a start, or (start None) one that has not, or never will."""
    if start is None:
        return _open(world, who, department, location, title, cents)
    signed = quiet(world, start - timedelta(days=22))
    drafted = signed - timedelta(days=9)
    steps = [(0, "created"), (2, "approved"), (4, "sent"), (7, "candidate_signed"), (9, "accepted")]
    offers = [(drafted + timedelta(days=days), 1, status) for days, status in steps]
    if who.draws[5] > 0.85:  # a second version replaced the first
        offers = [(drafted - timedelta(days=3), 1, "created"), (drafted, 1, "deprecated")]
        offers += [(drafted + timedelta(days=days), 2, status) for days, status in steps]
    result = "consider" if who.draws[9] > 0.94 and who.role is Role.RECENT else "clear"
    checks: list[tuple[date, str, str | None]] = [
        (drafted + timedelta(days=5), "pending", None),
        (drafted + timedelta(days=8), "complete", result),
    ]
    return Hiring(
        applied=drafted - timedelta(days=30),
        department=department,
        location=location,
        title=title,
        kind=kind,
        cents=cents,
        start=start,
        offers=tuple(offers),
        checks=tuple(checks),
        purged=start + timedelta(days=KEPT),
    )


def _open(world: World, who: Person, department: str, location: str, title: str, cents: int) -> Hiring:
    applied = world.epoch - timedelta(days=40 + int(who.draws[4] * 120))
    states = _ENDINGS[int(who.draws[3] * len(_ENDINGS))]
    offers = tuple((applied + timedelta(days=12 + 3 * step), 1, status) for step, status in enumerate(states))
    checks: tuple[tuple[date, str, str | None], ...] = ()
    if "sent" in states:
        checks = ((applied + timedelta(days=19), "pending", None),)
        if states[-1] == "rescinded":
            checks = (*checks, (applied + timedelta(days=22), "canceled", None))
        elif states[-1] != "sent":
            checks = (*checks, (applied + timedelta(days=24), "complete", "clear"))
    return Hiring(
        applied,
        department,
        location,
        title,
        "Full-Time",
        cents,
        workday(applied + timedelta(days=75)),
        offers,
        checks,
        None,
    )
