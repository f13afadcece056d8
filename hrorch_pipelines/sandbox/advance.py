"""Plays a world forward: what falls due happens, newcomers apply, and whoever wrote to a system in between keeps their word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path

from hrorch_pipelines.sandbox.documents import documents
from hrorch_pipelines.sandbox.labels import read_labels, write_labels
from hrorch_pipelines.sandbox.life import Life
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import SYSTEMS, Body, Row, Store, moment
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
    hold. Raises ValueError for days < 0, LookupError without a world.
    """
    if days < 0:
        raise ValueError("time in the sandbox goes forward only")
    world, clock = remembered(folder), WorldClock(folder)
    before = clock.now().date()
    after = before + timedelta(days=days)
    stores = {system: Store(folder, system) for system in SYSTEMS}
    counts = {"created": 0, "updated": 0, "deleted": 0}
    moved: list[int] = []
    for n, one in _moving(world, before, after):
        was, will = documents(world, one, before), documents(world, one, after)
        changed = [_replay(stores[system], was[system], will[system], before, after) for system in SYSTEMS]
        if any(changed):
            moved.append(n)
        for kind in (kind for kinds in changed for kind in kinds):
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


def _replay(store: Store, was: list[Row], will: list[Row], before: date, after: date) -> list[str]:
    """Carry one person's changes into a store; tells what was done to which documents."""
    old, new = ({(row[0], row[1]): row for row in rows} for rows in (was, will))
    done: list[str] = []
    earliest = noon(before) + timedelta(hours=1)

    def at(row: Row) -> datetime:
        return min(max(moment(row[4]), earliest), noon(after))

    for (collection, key), row in new.items():
        held = store.get(collection, key)
        if (collection, key) not in old:
            if held is None:
                store.put(collection, key, row[6], at=at(row), by=row[5], parent=row[2], version=row[3])
                done.append("created")
            continue
        story = _changed(old[collection, key][6], row[6])
        if story and held is not None and not held.deleted:
            body = {
                name: value for name, value in {**held.body, **story}.items() if name not in story or name in row[6]
            }
            store.put(collection, key, body, at=at(row), by=row[5], parent=row[2], version=row[3])
            done.append("updated")
    for collection, key in old.keys() - new.keys():
        if store.delete(collection, key, at=noon(after), by="retention"):
            done.append("deleted")
    return done


def _changed(old: Body, new: Body) -> Body:
    """Top-level fields that the story changes; None for one it removes."""
    return {name: new.get(name) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}


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
