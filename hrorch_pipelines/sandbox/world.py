"""Makes a world: six stores full of documents, what went wrong in them, and a label file that tells the truth."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

from hrorch_pipelines.sandbox.documents import RENDER
from hrorch_pipelines.sandbox.faults import plan_faults
from hrorch_pipelines.sandbox.labels import write_labels
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.plan import Plan
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.sandbox.timeline import life
from hrorch_pipelines.sandbox.world_clock import WorldClock

TODAY = date(2026, 6, 30)
_BATCH = 5_000


def noon(day: date) -> datetime:
    """The world's moment of a day: 18:00 UTC, noon or one o'clock in Chicago."""
    return datetime.combine(day, time(18), UTC)


def generate(
    folder: Path,
    people: int = 500,
    seed: int = 7,
    today: date = TODAY,
    labels: Path | None = None,
    *,
    faults: bool = True,
) -> Plan:
    """Make the stores of a company of `people` persons in `folder` anew, as of `today`; same arguments, same documents.

    `labels` is where the truth about planted faults goes (default: `labels.jsonl` in `folder`), never into the product's
    home. Without `faults` all systems agree in every comparable cell. Gives the plan of what was planted.
    """
    world = World(seed, people, today)
    plan = plan_faults(world, today) if faults else Plan(world, today)
    _clear(folder)
    stores = {system: Store(folder, system, indexed=False) for system in RENDER}
    for batch in _batches(people):
        lives = [life(world, n) for n in batch]
        for system, render in RENDER.items():
            stores[system].load(
                row
                for n, one in zip(batch, lives, strict=True)
                for row in plan.apply(n, system, list(render(world, one, today)))
            )
    for store in stores.values():
        store.index()
        store.close()
    truth_file = labels or folder / "labels.jsonl"
    write_labels(truth_file, plan.labels)
    clock = WorldClock(folder)
    facts = {"seed": seed, "people": people, "epoch": today.isoformat(), "labels": os.path.relpath(truth_file, folder)}
    clock.keep("world", json.dumps(facts))
    clock.set(noon(today))
    return plan


def remembered(folder: Path) -> World:
    """The world that was generated in a folder. Raises LookupError when there is none."""
    facts = json.loads(WorldClock(folder).fact("world"))
    return World(facts["seed"], facts["people"], date.fromisoformat(facts["epoch"]))


def label_file(folder: Path) -> Path:
    """Where the labels of the world in a folder are."""
    return folder / str(json.loads(WorldClock(folder).fact("world"))["labels"])


def _clear(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in (*RENDER, "world"):
        for suffix in ("", "-wal", "-shm"):
            (folder / f"{name}.db{suffix}").unlink(missing_ok=True)


def _batches(people: int) -> Iterator[range]:
    for start in range(1, people + 1, _BATCH):
        yield range(start, min(start + _BATCH, people + 1))
