"""Plays a world forward: what falls due happens, newcomers apply, and whoever wrote to a system in between keeps their word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from hrorch_pipelines.sandbox.cohort import cohort_in
from hrorch_pipelines.sandbox.documents import documents
from hrorch_pipelines.sandbox.labels import read_labels, write_labels
from hrorch_pipelines.sandbox.life import Life
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.replaying import only_known, replay
from hrorch_pipelines.sandbox.store import SYSTEMS, Store
from hrorch_pipelines.sandbox.timeline import ARRIVALS, life
from hrorch_pipelines.sandbox.world import label_file, noon, remembered
from hrorch_pipelines.sandbox.world_clock import WorldClock


@dataclass(frozen=True)
class Advanced:
    """What happened while time passed: documents by kind of change, and whose records moved."""

    now: datetime
    created: int
    updated: int
    deleted: int
    people: tuple[int, ...]


def advance(folder: Path, days: int) -> Advanced:
    """Let `days` days pass in the world of a folder; deterministic.

    Only fields that the story changes are written: a fault that was planted, or a correction that was made, stays unless
    the story itself overwrites it. Labels of people whose records moved are closed (`until`): what they say may no longer
    hold. A cohort that has begun lives by its own story. Raises ValueError for days < 0, LookupError without a world.
    """
    if days < 0:
        raise ValueError("time in the sandbox goes forward only")
    world, clock = remembered(folder), WorldClock(folder)
    before = clock.now().date()
    after = before + timedelta(days=days)
    stores = {system: Store(folder, system) for system in SYSTEMS}
    counts = {"created": 0, "updated": 0, "deleted": 0}
    moved: list[int] = []
    cohort = cohort_in(folder)
    made = cohort.made_for_company(stores, before) if cohort else {}
    for n, one in _moving(world, before, after):
        if cohort and n in cohort.numbers:
            continue
        was, will = documents(world, one, before), documents(world, one, after)
        for system in made.get(n, ()):
            will[system] = only_known(was[system], will[system])
        changed = [replay(stores[system], was[system], will[system], noon(before), noon(after)) for system in SYSTEMS]
        if any(changed):
            moved.append(n)
        for kind in (kind for kinds in changed for kind in kinds):
            counts[kind] += 1
    for kind in cohort.live(stores, before, after) if cohort else ():
        counts[kind] += 1
    for store in stores.values():
        store.close()
    _close_labels(folder, set(moved), after)
    clock.set(noon(after))
    return Advanced(now=noon(after), people=tuple(moved), **counts)


def _moving(world: World, before: date, after: date) -> Iterator[tuple[int, Life]]:
    """Everybody in whose life something happens in the days between, newcomers included."""
    reach = (after - world.epoch).days * ARRIVALS * (world.people + 4) / 365
    for n in range(1, world.people + 2 + int(reach)):
        one = life(world, n)
        if any(before < day <= after for day in one.dates()):
            yield n, one


def _close_labels(folder: Path, moved: set[int], day: date) -> None:
    path = label_file(folder)
    labels = read_labels(path)
    write_labels(
        path,
        [
            replace(label, until=day.isoformat()) if label.until is None and moved & set(label.people) else label
            for label in labels
        ],
    )
