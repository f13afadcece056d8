"""Makes a world and plays it forward: `generate` fills the stores, `advance` lets days pass. Both follow from the seed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from hrorch_pipelines.sandbox.documents import RENDER
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.sandbox.timeline import life
from hrorch_pipelines.sandbox.world_clock import WorldClock

_BATCH = 5_000


def noon(day: date) -> datetime:
    """The world's moment of a day: 18:00 UTC, noon or one o'clock in Chicago."""
    return datetime.combine(day, time(18), UTC)


def generate(folder: Path, people: int = 500, seed: int = 7, today: date = date(2026, 6, 30)) -> World:
    """Make the world's six stores in `folder` anew. Same arguments, same documents."""
    world = World(seed, people, today)
    folder.mkdir(parents=True, exist_ok=True)
    for system in (*RENDER, "world"):
        for file in folder.glob(f"{system}.db*"):
            file.unlink()
    stores = {system: Store(folder, system) for system in RENDER}
    for batch in _batches(range(1, people + 1)):
        lives = [life(world, n) for n in batch]
        for system, render in RENDER.items():
            stores[system].load(row for one in lives for row in render(world, one, today))
    for store in stores.values():
        store.close()
    clock = WorldClock(folder)
    clock.keep("world", json.dumps({"seed": seed, "people": people, "epoch": today.isoformat()}))
    clock.set(noon(today))
    return world


def remembered(folder: Path) -> World:
    """The world that was generated in a folder. Raises LookupError when there is none."""
    facts = json.loads(WorldClock(folder).fact("world"))
    return World(facts["seed"], facts["people"], date.fromisoformat(facts["epoch"]))


def _batches(numbers: range) -> Iterator[range]:
    for start in range(0, len(numbers), _BATCH):
        yield numbers[start : start + _BATCH]
