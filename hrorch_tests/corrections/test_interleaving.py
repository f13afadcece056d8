"""Whatever the order of a foreign edit and our steps, the foreign value is never overwritten unseen.

The target is the real one; between its steps somebody edits the record in the system's own store, as drawn by Hypothesis.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.protocol import Held, Receipt, Target, Write
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for
from hrorch_tests.drawing import drawn
from hrorch_tests.sandbox.servers.small_world import PEOPLE

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WRITES = {"hris": ["preferred_name"], "payroll": ["legal_last_name"], "onboarding": ["legal_last_name"]}
MOMENTS = ("before read", "after read", "before write", "after write", "before look", "after look")


@dataclass
class Interrupted:
    """The real target, with somebody at the system's own screens between its steps."""

    target: Target
    edit: Callable[[str], None]
    reads: int = field(default=0)

    def preview(self, write: Write, held: Held | None = None) -> Any:
        return self.target.preview(write, held)

    def read(self, write: Write) -> Held:
        names = ("before read", "after read") if self.reads == 0 else ("before look", "after look")
        self.reads += 1
        self.edit(names[0])
        held = self.target.read(write)
        self.edit(names[1])
        return held

    def send(self, write: Write, held: Held) -> Receipt:
        self.edit("before write")
        receipt = self.target.send(write, held)
        self.edit("after write")
        return receipt

    def close(self) -> None:
        self.target.close()


@pytest.fixture(scope="module")
def benches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("interleaving")
    clock = SetClock(NOW)
    home = Home(folder / "home")
    home.root.mkdir()
    with sandbox_of(folder / "world", PEOPLE, clock, ("hris", "payroll", "onboarding")) as box:
        yield Bench(open_ledger(home, clock), stack_for(box.env, writes=WRITES), clock, box)


@dataclass(frozen=True)
class Place:
    """One value of one system, and where it is stored."""

    system: str
    attribute: str
    field: str
    collection: str
    record: str = "worker"


PLACES = {
    "payroll": Place("payroll", "legal_last_name", "last_name", "employees"),
    "onboarding": Place("onboarding", "legal_last_name", "lastName", "newhires", "newhire"),
    "hris": Place("hris", "preferred_name", "preferredName", "employees"),
}


def _key(box: Sandbox, place: Place, n: int) -> str:
    from hrorch_pipelines.sandbox.store import Store

    store = Store(box.folder, place.system)
    try:
        return list(store.each(place.collection))[n - 1].id
    finally:
        store.close()


def _pushed(bench: Bench, place: Place, n: int, when: set[str], foreign: str) -> tuple[str, list[Any]]:
    """One correction pushed with edits at some moments; its state, and what the system held before each edit and write."""
    key = _key(bench.box, place, n)
    now_held = bench.stored(key, place.field, place.system, place.collection)
    ours = f"Ours {bench.clock.at:%M%S%f}"
    bench.clock.at += timedelta(minutes=5, microseconds=1)
    one = bench.ready(n, place.attribute, now_held, ours, system=place.system, record=place.record, source_id=key)
    edited: list[str] = []

    def edit(moment: str) -> None:
        if moment in when:
            value = f"{foreign} {len(edited)} {bench.clock.at:%M%S%f}"
            edited.append(value)
            bench.edit(key, system=place.system, collection=place.collection, **{place.field: value})

    target = Interrupted(target_for(bench.stack, place.system, bench.clock, bench.ledger.home.key()), edit)
    bench.push(place.system, target=target)
    for _ in range(3):
        bench.clock.at += timedelta(minutes=40)
        bench.push(place.system, target=target)
    target.close()
    held = bench.stored(key, place.field, place.system, place.collection)
    return bench.row(one).state, [held, ours, edited]


@pytest.mark.parametrize("system", ["payroll", "onboarding"])
@given(n=st.integers(1, 6), when=st.sets(st.sampled_from(MOMENTS)), foreign=st.sampled_from(["dana", "kim"]))
@settings(max_examples=drawn(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_target_with_versions_never_loses_a_foreign_value(benches: Bench, system, n, when, foreign) -> None:
    state, (held, ours, edited) = _pushed(benches, PLACES[system], n, when, foreign)
    unseen_at = {"before read", "after read", "before write"} & when
    if unseen_at:
        assert held == edited[-1], "an edit before our write makes it stop"
        assert state == "conflicted"
    elif edited:
        assert held == edited[-1]
        assert state in {"conflicted", "confirmed"}, "confirmed only if the re-read came before the edit"
        assert (state == "confirmed") == (when == {"after look"})
    else:
        assert (state, held) == ("confirmed", ours)


@given(n=st.integers(1, 6), when=st.sets(st.sampled_from(MOMENTS)), foreign=st.sampled_from(["dana", "kim"]))
@settings(max_examples=drawn(12), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_target_without_versions_loses_one_only_between_its_re_read_and_its_write(
    benches: Bench, n, when, foreign
) -> None:
    """BambooHR has no ETag: what is edited in the milliseconds between is overwritten, and shows in its history as the value
    before ours. Everywhere else the foreign value stands."""
    state, (held, ours, edited) = _pushed(benches, PLACES["hris"], n, when, foreign)
    window = {"after read", "before write"} & when
    if "before read" in when:
        assert (state, held) == ("conflicted", edited[-1])
    elif window and not when & {"after write", "before look", "after look"}:
        assert (state, held) == ("confirmed", ours)
        events = [by for key, _, by in benches.writes() if key == _key(benches.box, PLACES["hris"], n)]
        assert events[-2:] == ["Dana Whitfield", "hrorch-integration"], "its history tells who was overwritten, by whom"
    elif edited:
        assert held == edited[-1]
    else:
        assert (state, held) == ("confirmed", ours)
