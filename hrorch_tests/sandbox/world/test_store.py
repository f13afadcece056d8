"""The store keeps what it is told, tells who changed what, and refuses a write against an old version."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hrorch_pipelines.sandbox.store import Store, VersionConflict, stamp
from hrorch_pipelines.sandbox.world_clock import WorldClock

T0 = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def store(tmp_path):
    store = Store(tmp_path, "hris")
    store.load([("people", str(n), None, f"v{n}", stamp(T0), "loader", {"id": n}) for n in range(1, 8)])
    return store


def test_pages_by_cursor_neither_repeat_nor_skip_when_a_row_is_deleted_between(store):
    first = store.page("people", limit=3)
    store.delete("people", "2", at=T0, by="someone")
    rest = store.page("people", after=first[-1].seq, limit=10)
    assert [d.id for d in first + rest] == ["1", "2", "3", "4", "5", "6", "7"]
    assert [d.id for d in store.page("people", descending=True, limit=2)] == ["7", "6"]
    assert store.count("people") == 6
    assert store.count("people", deleted=True) == 7


def test_a_change_is_in_its_closed_window_and_in_the_events(store):
    later = T0 + timedelta(days=1)
    store.put("people", "3", {"id": 3, "name": "x"}, at=later, by="Pat")
    store.put("people", "9", {"id": 9}, at=later, by=None)
    store.delete("people", "5", at=later, by="Pat")
    assert [d.id for d in store.page("people", since=stamp(later), until=stamp(later), deleted=True)] == ["3", "5", "9"]
    assert [(e.id, e.action, e.by, e.fields) for e in store.events()] == [
        ("3", "updated", "Pat", ("name",)), ("9", "created", None, ("id",)), ("5", "deleted", "Pat", ()),
    ]  # fmt: skip
    assert store.get("people", "3").version != "v3"
    assert store.get("people", "5").deleted


def test_a_write_against_an_old_version_is_refused_and_changes_nothing(store):
    store.put("people", "1", {"id": 1, "a": 1}, at=T0, by="x", expected="v1")
    with pytest.raises(VersionConflict):
        store.put("people", "1", {"id": 1, "a": 2}, at=T0, by="y", expected="v1")
    assert store.get("people", "1").body == {"id": 1, "a": 1}
    assert len(store.events()) == 1


def test_the_worlds_clock_survives_and_refuses_to_guess(tmp_path):
    with pytest.raises(LookupError, match="generate a world"):
        WorldClock(tmp_path).now()
    WorldClock(tmp_path).set(T0)
    assert WorldClock(tmp_path).now() == T0
