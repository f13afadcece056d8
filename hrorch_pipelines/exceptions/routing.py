"""Who reviews a case: the first route that fits, else the finder's own reviewer, else the system's owner. Never nobody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.stack.acting import Route
from hrorch_pipelines.stack.models import Stack


@dataclass(frozen=True)
class Routed:
    """Who reviews, who stands in when time is up, and the working time there is."""

    reviewer: str
    deputy: str | None
    due: timedelta


def route(stack: Stack, finding: Finding, today: date) -> Routed:
    """Who reviews a finding that is made `today` (the organization's date)."""
    chosen = fitting(stack, finding)
    due = (chosen.due if chosen else None) or finding.due or stack.exceptions.due
    named = next(name for name in _candidates(stack, finding, chosen) if name in stack.people)
    reviewer = present(stack, named, today)
    return Routed(reviewer, stand_in(stack, reviewer, today), due)


def fitting(stack: Stack, finding: Finding) -> Route | None:
    """The first route of the stack file whose every word fits."""
    declared = stack.attributes.get(finding.attribute) if finding.attribute else None
    facts = {
        "source": finding.source,
        "system": finding.system,
        "attribute": finding.attribute,
        "data_type": declared.data_type if declared else None,
        "entity": finding.entity,
    }
    for candidate in stack.exceptions.routes:
        if all(getattr(candidate, word) in (None, fact) for word, fact in facts.items()):
            return candidate
    return None


def present(stack: Stack, name: str, today: date) -> str:
    """Who acts for `name` today: they themselves, else the first of their deputies, and those' deputies, who is there.

    When all of them are away it stays with `name`: a case that waits is better than one that nobody has.
    """
    return next((one for one in _chain(stack, name) if not is_away(stack, one, today)), name)


def stand_in(stack: Stack, name: str, today: date) -> str | None:
    """To whom a case goes on from `name`: the first deputy down the line who is there, else the declared one."""
    others = [one for one in _chain(stack, name) if one != name]
    return next((one for one in others if not is_away(stack, one, today)), others[0] if others else None)


def is_away(stack: Stack, name: str, today: date) -> bool:
    """Whether somebody is away on a date."""
    return any(days.first <= today <= days.last for days in stack.people[name].away)


def _candidates(stack: Stack, finding: Finding, chosen: Route | None) -> Iterator[str]:
    if chosen:
        yield chosen.reviewer
    if finding.reviewer:
        yield finding.reviewer
    if finding.system in stack.systems:
        yield stack.systems[finding.system].owner
    if stack.exceptions.default_reviewer:
        yield stack.exceptions.default_reviewer
    yield next(iter(stack.people))


def _chain(stack: Stack, name: str) -> Iterator[str]:
    """`name`, their deputy, the deputy's deputy … each once."""
    seen: set[str] = set()
    following: str | None = name
    while following is not None and following in stack.people and following not in seen:
        yield following
        seen.add(following)
        following = stack.people[following].deputy
