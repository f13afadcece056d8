"""A cohort: people who apply and come, and some who go, while every other system holds only what somebody makes there.

The door to the other `cohort_*` modules. What became of a cohort is told by `cohort_judge`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import chain
from pathlib import Path

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.sandbox.cohort_choice import Choice, choose, members_of
from hrorch_pipelines.sandbox.cohort_company import places_of
from hrorch_pipelines.sandbox.cohort_documents import story
from hrorch_pipelines.sandbox.cohort_hands import Deed, by_hand
from hrorch_pipelines.sandbox.cohort_members import Member, payday_after
from hrorch_pipelines.sandbox.cohort_reactions import reactions
from hrorch_pipelines.sandbox.cohort_records import Held, held_in
from hrorch_pipelines.sandbox.cohort_truth import expectations, write_expectations
from hrorch_pipelines.sandbox.labels import read_labels
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.replaying import replay
from hrorch_pipelines.sandbox.store import SYSTEMS, Store
from hrorch_pipelines.sandbox.world import label_file, noon, remembered
from hrorch_pipelines.sandbox.world_clock import WorldClock

_FACT = "cohort"


class CohortBegun(HrorchError):  # noqa: N818
    """A world has one cohort at most."""

    def __init__(self) -> None:
        super().__init__(
            "a cohort has begun in this world already", remedy="Make the world anew, or go on with that one."
        )


@dataclass(frozen=True)
class Cohort:
    """Who takes part since `begun`. `labels`: the truth about them, for judging only."""

    folder: Path
    world: World
    begun: date
    choice: Choice
    seed: int
    size: int
    labels: Path
    since: Mapping[str, int]

    @cached_property
    def members(self) -> tuple[Member, ...]:
        """Applicants in the order of application, then leavers."""
        return members_of(self.world, self.seed, self.size, self.begun, self.choice)

    @cached_property
    def numbers(self) -> frozenset[int]:
        """The members' numbers: the company's own story leaves them alone."""
        return frozenset(one.number for one in self.members)

    @property
    def ends(self) -> date:
        """The day after which nothing more is to come: the last one's first payday, or three weeks after the last leaver."""
        first = (payday_after(one.start) for one in self.members if one.start)
        last = (one.end + timedelta(days=21) for one in self.members if one.end)
        return max([*first, *last])

    def held(self, stores: Mapping[str, Store], today: date) -> Held:
        """Which documents are whose, now."""
        return held_in(stores, self.world, self.members, self.since, today)

    def made_for_company(self, stores: Mapping[str, Store], today: date) -> dict[int, frozenset[str]]:
        """Number → systems in which somebody made a record for one of the company's own newcomers."""
        company = self.held(stores, today).company
        return {n: frozenset(system for system, _, _ in one.places()) for n, one in company.items()}

    def live(self, stores: Mapping[str, Store], before: date, after: date) -> Iterator[str]:
        """Let the days pass one by one; tells what was done to documents (`created`, `updated`, `deleted`)."""
        day = max(before, self.begun)
        while day < after:
            day += timedelta(days=1)
            yield from self._story(stores, day)
            for deeds in (by_hand, reactions):
                held = self.held(stores, day)
                for deed in chain.from_iterable(deeds(one, held.by_member[one.number], day) for one in self.members):
                    yield _put(stores[deed.system], deed, day)

    def _story(self, stores: Mapping[str, Store], day: date) -> Iterator[str]:
        before, after = noon(day - timedelta(days=1)), noon(day)
        for one in self.members:
            was, will = story(self.world, one, day - timedelta(days=1)), story(self.world, one, day)
            for system, rows in will.items():
                yield from replay(stores[system], was.get(system, []), rows, before, after)


def begin(folder: Path, *, seed: int = 1, size: int = 18, labels: Path | None = None) -> Cohort:
    """Begin a cohort of `size` applicants and three leavers in the world of a folder; from the next day on they are seen.

    The first fourteen applicants are one of each kind but for the plain; whoever comes after them is plain, too. The truth
    about them goes to `labels` (default: `cohort.jsonl` beside the world's own labels). Same world, same cohort.
    Raises CohortBegun, WorldTooSmall, LookupError without a world.
    """
    clock = WorldClock(folder)
    if cohort_in(folder) is not None:
        raise CohortBegun
    world, begun, truth = remembered(folder), clock.now().date(), label_file(folder)
    taken = {number for label in read_labels(truth) for number in label.people}
    choice = choose(world, seed, size, begun, taken)
    with opened(folder) as stores:
        since = {system: _last_event(store) for system, store in stores.items()}
    cohort = Cohort(folder, world, begun, choice, seed, size, labels or truth.with_name("cohort.jsonl"), since)
    write_expectations(cohort.labels, [row for one in cohort.members for row in expectations(one)])
    facts = {
        "begun": begun.isoformat(),
        "seed": seed,
        "size": size,
        "labels": os.path.relpath(cohort.labels, folder),
        "since": since,
        **asdict(choice),
    }
    clock.keep(_FACT, json.dumps(facts))
    return cohort


def cohort_in(folder: Path) -> Cohort | None:
    """The cohort that has begun in the world of a folder; None when there is none."""
    try:
        facts = json.loads(WorldClock(folder).fact(_FACT))
    except LookupError:
        return None
    existing = {kind: tuple(numbers) for kind, numbers in facts["existing"].items()}
    choice = Choice(existing, tuple((first, last) for first, last in facts["names"]))
    begun, labels = date.fromisoformat(facts["begun"]), folder / facts["labels"]
    return Cohort(folder, remembered(folder), begun, choice, facts["seed"], facts["size"], labels, facts["since"])


def records_apart(folder: Path) -> frozenset[tuple[str, str, str]]:
    """(system, collection, id) of all that judges of the company's own story leave out.

    That is every document of a cohort's members, and of newcomers of the company for whom a program made one.
    """
    cohort = cohort_in(folder)
    if cohort is None:
        return frozenset()
    today = WorldClock(folder).now().date()
    with opened(folder) as stores:
        held = cohort.held(stores, today)
    own = (place for one in (*held.by_member.values(), *held.company.values()) for place in one.places())
    theirs = (place for n in held.company for place in places_of(cohort.world, n, today))
    return frozenset([*own, *theirs])


@contextmanager
def opened(folder: Path) -> Iterator[dict[str, Store]]:
    """All six stores of a folder, closed in the end."""
    stores = {system: Store(folder, system) for system in SYSTEMS}
    try:
        yield stores
    finally:
        for store in stores.values():
            store.close()


def _last_event(store: Store) -> int:
    events = store.events()
    return events[-1].event if events else 0


def _put(store: Store, deed: Deed, day: date) -> str:
    there = store.get(deed.collection, deed.key)
    at = datetime.combine(day, time(deed.hour), UTC)
    store.put(deed.collection, deed.key, deed.body, at=at, by=deed.by, parent=deed.parent)
    return "updated" if there else "created"
