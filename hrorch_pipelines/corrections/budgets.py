"""How many corrections of a kind may pass: segments, their bounds, and which are over. Pure; what follows is in `guard`."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hrorch_pipelines.stack.acting import Budget
from hrorch_pipelines.stack.models import Stack

DEFAULT_SHARE, DEFAULT_AT_LEAST = 0.05, 10
"""A kind without a budget of its own in a target: this share of the target's people, and at least so many."""


@dataclass(frozen=True, order=True)
class Segment:
    """What a budget bounds: one kind of change in one target, of one legal entity or (`""`) of all."""

    kind: str
    target: str
    entity: str = ""


@dataclass(frozen=True)
class Item:
    """A correction as budgets see it. `sent`: on its way, or gone within the last day; it counts and cannot be frozen."""

    correction_id: str
    kind: str
    target: str
    entity: str | None
    sent: bool = False


@dataclass(frozen=True)
class Load:
    """A segment, what asks to pass (`waiting`), what passed within the last day (`sent`), and the most that may."""

    segment: Segment
    waiting: int
    sent: int
    limit: int

    @property
    def over(self) -> bool:
        return self.waiting > 0 and self.waiting + self.sent > self.limit


def loads(stack: Stack, items: Iterable[Item], people: Mapping[tuple[str, str], int]) -> list[Load]:
    """The load of every segment that some item falls into. `people`: (target, entity or "") → persons with a record there."""
    waiting: Counter[Segment] = Counter()
    sent: Counter[Segment] = Counter()
    for item in items:
        for segment in segments_of(stack, item.kind, item.target, item.entity):
            (sent if item.sent else waiting)[segment] += 1
    return [
        Load(segment, waiting[segment], sent[segment], limit(stack, segment, people))
        for segment in sorted(waiting.keys() | sent.keys())
    ]


def segments_of(stack: Stack, kind: str, target: str, entity: str | None) -> list[Segment]:
    """All segments a correction counts in; the whole of its kind in its target is always one of them."""
    own = {
        Segment(kind, target, budget.entity)
        for budget in _of(stack, kind, target)
        if budget.entity is not None and budget.entity == entity
    }
    return sorted({Segment(kind, target), *own})


def limit(stack: Stack, segment: Segment, people: Mapping[tuple[str, str], int]) -> int:
    """The most corrections of a segment: the smallest of all budgets that speak of it, else the default."""
    crowd = people.get((segment.target, segment.entity), 0)
    declared = [b for b in _of(stack, segment.kind, segment.target) if (b.entity or "") == segment.entity]
    if not declared:
        return max(DEFAULT_AT_LEAST, math.floor(DEFAULT_SHARE * crowd))
    bounds = [budget.count for budget in declared if budget.count is not None]
    bounds += [math.floor(budget.share * crowd) for budget in declared if budget.share is not None]
    return min(bounds)


def owner_of(stack: Stack, segment: Segment) -> str:
    """Who decides about a frozen segment: the budget's owner, else the target's."""
    named = [
        b.owner
        for b in _of(stack, segment.kind, segment.target)
        if (b.entity or "") == segment.entity and b.owner is not None
    ]
    return named[0] if named else stack.systems[segment.target].owner


def _of(stack: Stack, kind: str, target: str) -> list[Budget]:
    return [b for b in stack.corrections.budgets if b.kind == kind and b.system in (None, target)]
