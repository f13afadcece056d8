"""The company's own newcomers while a cohort is there: what a program makes for them the company's story makes no second time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache

from hrorch_pipelines.sandbox.company import employee_number
from hrorch_pipelines.sandbox.documents import documents
from hrorch_pipelines.sandbox.life import Role
from hrorch_pipelines.sandbox.people import World, person, role_of
from hrorch_pipelines.sandbox.timeline import ARRIVALS, life

_HIRED = frozenset({Role.PREHIRE, Role.RECENT, Role.STARTED_LATELY, Role.CANDIDATE, Role.TWIN})


def reach_of(world: World, today: date) -> int:
    """The highest number the company's story can have come to by a day."""
    return world.people + 1 + int((today - world.epoch).days * ARRIVALS * (world.people + 4) / 365)


@lru_cache(maxsize=16)
def newcomers(world: World, reach: int) -> Mapping[tuple[str, str], int]:
    """What gives away whose a record is (as `cohort_records` reads it) → number, of all whom a system that hires may know."""
    found: dict[tuple[str, str], int] = {}
    for n in range(1, reach + 1):
        if role_of(world, n) in _HIRED:
            who = person(world, n)
            found |= {
                ("mail", who.personal_email.lower()): n,
                ("mail", who.work_email.lower()): n,
                ("phone", who.phone[-10:]): n,
                ("number", employee_number(world.people, n, 0)): n,
            }
    return found


def places_of(world: World, n: int, day: date) -> Iterator[tuple[str, str, str]]:
    """(system, collection, id) of everything that the story alone would hold of a person."""
    for system, rows in documents(world, life(world, n), day).items():
        yield from ((system, row[0], row[1]) for row in rows)
