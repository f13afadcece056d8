"""A window of changes becomes a complete snapshot: what it does not show is kept, what it lists as deleted goes."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.snapshots.window import OVERLAP
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.systems.raw import Problem, RawRecords, ReadReport
from hrorch_tests.drawing import drawn
from hrorch_tests.snapshots.conftest import START, small_stack

FIELDS = {"legal_last_name": "last", "job_title": "title"}
READ = {"path": "/workers", "window": {"param": "updated_at", "format": "gte|{since}|lte|{until}"}}
LOOSE = {"max_row_drop": "100%", "key_overlap": "0%", "min_rows": 0}


def windowed(**record: Any) -> Stack:
    worker = {"read": READ, "key": "id", "fields": FIELDS, **record}
    return small_stack(records={"worker": worker}, connector="rest", base_url="http://127.0.0.1:9", trust=LOOSE)


@dataclass
class Speaker:
    """A system that answers what it was told to: a connector as the protocol has it, without a network."""

    mode: Literal["full", "window"] = "full"
    rows: Sequence[Mapping[str, Any]] = ()
    removed: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    claimed: int | None = None
    pages: int = 1
    asked: list[datetime | None] = field(default_factory=list)

    def check(self) -> None:
        """Always there."""

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        self.asked.append(since)
        path = into / f"{record}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")
        report = ReadReport(until, until, self.mode, self.pages, self.pages, self.claimed, self.problems, self.removed)
        return RawRecords(path, "nested", len(self.rows), (), report)


@dataclass
class Watch:
    """Observes one speaker after another, half an hour apart."""

    home: Home
    stack: Stack
    clock: SetClock

    def hear(self, speaker: Speaker) -> Manifest:
        self.clock.at += timedelta(minutes=30)
        return observe(self.stack, "hris", self.home, self.clock, connector=speaker)

    def known(
        self, manifest: Manifest, columns: str = "source_id, legal_last_name, job_title"
    ) -> list[tuple[Any, ...]]:
        file = catalogue.folder_of(self.home, manifest) / "worker.parquet"
        return duckdb.connect().execute(f"SELECT {columns} FROM read_parquet('{file}') ORDER BY ALL").fetchall()


@pytest.fixture
def watch(tmp_path: Path) -> Watch:
    return Watch(Home(tmp_path), windowed(), SetClock(START))


def person(key: str, last: str = "Ruiz", title: str = "Nurse") -> dict[str, str]:
    return {"id": key, "last": last, "title": title}


def test_what_a_window_does_not_show_is_kept_and_what_it_lists_as_deleted_goes(watch: Watch) -> None:
    first = watch.hear(Speaker(rows=[person("1"), person("2"), person("3")]))
    speaker = Speaker("window", rows=[person("2", title="Head nurse"), person("4")], removed=("3", "99"))
    second = watch.hear(speaker)
    assert speaker.asked == [first.started_at - OVERLAP], "windows overlap, so that a lagging clock loses nothing"
    assert second.trusted
    assert watch.known(second) == [("1", "Ruiz", "Nurse"), ("2", "Ruiz", "Head nurse"), ("4", "Ruiz", "Nurse")]
    assert watch.known(second, "row_id") == [(0,), (1,), (2,)]
    facts = second.records["worker"]
    assert (facts.mode, facts.rows, facts.read_rows, facts.removed) == ("window", 3, 2, 2)
    assert facts.complete_at == first.started_at


def test_an_empty_window_means_that_nothing_changed(watch: Watch) -> None:
    first = watch.hear(Speaker(rows=[person("1"), person("2")]))
    second = watch.hear(Speaker("window"))
    assert second.trusted
    assert second.records["worker"].content_hash == first.records["worker"].content_hash


def test_a_cursor_that_expired_gives_a_full_read_which_replaces_everything(watch: Watch) -> None:
    watch.hear(Speaker(rows=[person("1"), person("2")]))
    speaker = Speaker("full", rows=[person("2")])
    second = watch.hear(speaker)
    assert speaker.asked != [None]
    assert watch.known(second, "source_id") == [("2",)]
    assert second.records["worker"].complete_at == second.started_at


@pytest.mark.parametrize(
    "shape",
    [
        {"where": "field('title') <> 'x'"},
        {"effective": {"from": "since"}},
        {"explode": "jobs"},
        {"read": {**READ, "each": "worker"}},
        {"read": {"path": "/workers"}},
    ],
)
def test_a_record_type_that_a_window_cannot_describe_is_always_read_whole(
    watch: Watch, shape: Mapping[str, Any]
) -> None:
    watch.stack = windowed(**shape)
    source = {**person("1"), "since": "2026-01-05", "jobs": [person("1")]}
    first, second = Speaker(rows=[source]), Speaker(rows=[source])
    assert watch.hear(first).trusted
    assert watch.hear(second).trusted
    assert first.asked == second.asked == [None]


def test_a_changed_declaration_asks_for_everything_once(watch: Watch) -> None:
    watch.hear(Speaker(rows=[person("1")]))
    watch.stack = windowed(fields={"legal_last_name": "last"})
    changed, after = Speaker(rows=[person("1")]), Speaker("window")
    watch.hear(changed)
    watch.hear(after)
    assert changed.asked == [None]
    assert after.asked != [None]


def test_a_record_without_key_cannot_be_followed_through_windows(watch: Watch) -> None:
    watch.hear(Speaker(rows=[person("1"), {"last": "Nokey"}]))
    speaker = Speaker(rows=[person("1")])
    watch.hear(speaker)
    assert speaker.asked == [None]


def test_everything_is_read_again_after_full_every(watch: Watch) -> None:
    watch.hear(Speaker(rows=[person("1")]))
    watch.clock.at += timedelta(hours=23)
    still, due = Speaker("window"), Speaker(rows=[person("1")])
    watch.hear(still)
    watch.clock.at += timedelta(hours=1)
    watch.hear(due)
    assert still.asked != [None]
    assert due.asked == [None]


def test_a_broken_read_is_refused_and_the_next_window_starts_at_the_last_good_one(watch: Watch) -> None:
    first = watch.hear(Speaker(rows=[person("1"), person("2")]))
    broken = Speaker("window", rows=[person("1", last="Day")], problems=(Problem("cut_json", "the answer ends early"),))
    refused = watch.hear(broken)
    assert [fault.code for fault in refused.faults] == ["cut_json"]
    speaker = Speaker("window", rows=[person("1", last="Day")])
    watch.hear(speaker)
    assert speaker.asked == [first.started_at - OVERLAP]


def test_what_the_read_noticed_without_being_wrong_is_noted(watch: Watch) -> None:
    note = Problem("rate_limited", "waited 3 s", fatal=False)
    manifest = watch.hear(Speaker(rows=[person("1")], problems=(note,)))
    assert manifest.trusted
    assert [(found.code, found.detail) for found in manifest.records["worker"].notes] == [
        ("rate_limited", "waited 3 s")
    ]


def test_a_count_that_differs_from_the_systems_own_is_refused(watch: Watch) -> None:
    manifest = watch.hear(Speaker(rows=[person("1")], claimed=2))
    assert [fault.code for fault in manifest.faults] == ["count_mismatch"]


def test_a_page_that_came_twice_is_refused(watch: Watch) -> None:
    page = [person(str(number)) for number in range(4)]
    manifest = watch.hear(Speaker(rows=[*page, *page], pages=2))
    assert [fault.code for fault in manifest.faults] == ["duplicate_page"]


PEOPLE = st.dictionaries(st.sampled_from("12345ü"), st.sampled_from(["Ruiz", "Day", ""]), max_size=6)


@settings(max_examples=drawn(20), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(before=PEOPLE, changed=PEOPLE, removed=st.sets(st.sampled_from("12345ü")))
def test_a_window_and_a_full_read_of_the_same_state_are_the_same_snapshot(
    before: dict[str, str], changed: dict[str, str], removed: set[str]
) -> None:
    after = {key: last for key, last in {**before, **changed}.items() if key not in removed}
    with tempfile.TemporaryDirectory() as folder:
        watch = Watch(Home(Path(folder)), windowed(), SetClock(START))
        watch.hear(Speaker(rows=[person(*item) for item in before.items()]))
        fresh = {key: last for key, last in changed.items() if key not in removed}
        window = watch.hear(Speaker("window", rows=[person(*item) for item in fresh.items()], removed=tuple(removed)))
        other = replace(watch, home=Home(Path(folder) / "other"))
        full = other.hear(Speaker(rows=[person(*item) for item in after.items()]))
        if before and not after:
            assert [fault.code for fault in window.faults] == ["zero_rows"]
        columns = "record_key, occurrence, record_hash, legal_last_name, raw"
        assert watch.known(window, columns) == other.known(full, columns)
        assert window.records["worker"].content_hash == full.records["worker"].content_hash
