"""Finding snapshots by name, telling stale ones, deleting old ones, and accepting what a person vouches for."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.accept import accept
from hrorch_pipelines.snapshots.errors import SnapshotNotAcceptable
from hrorch_pipelines.snapshots.history import ingest, ingested
from hrorch_pipelines.snapshots.manifest import Manifest, TrustFault, snapshot_id, system_of, write_manifest
from hrorch_pipelines.stack.systems import Trust
from hrorch_pipelines.storage.home import Home
from hrorch_tests.snapshots.conftest import START, Past

JUDGED = TrustFault(code="row_drop", record="worker", what="2 rows, 9 before", remedy="look", acceptable=True)
BROKEN = TrustFault(code="cut_json", record="worker", what="cut", remedy="read again")


def put(home: Home, hours: float, *, system: str = "hris", faults: tuple[TrustFault, ...] = ()) -> Manifest:
    at = START + timedelta(hours=hours)
    manifest = Manifest(
        snapshot_id=snapshot_id(system, at),
        system=system,
        owner="dana",
        started_at=at,
        observed_at=at,
        trusted=not faults,
        faults=faults,
        stack_hash="",
    )
    folder = catalogue.folder_of(home, manifest)
    folder.mkdir(parents=True)
    write_manifest(folder, manifest)
    return manifest


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_an_id_tells_its_system_whatever_hyphens_that_has() -> None:
    assert system_of(snapshot_id("payroll-us-2", START)) == "payroll-us-2"


def test_nothing_observed_yet_is_none_and_no_error(home: Home) -> None:
    assert catalogue.latest(home, "hris") is None
    assert catalogue.latest_untrusted(home, "hris") is None
    assert catalogue.manifests(home, "hris") == []
    assert catalogue.new_since(home, []) == []
    assert catalogue.prune(home, timedelta(0), START, ingested=[]) == []


def test_the_latest_is_the_last_by_time_among_the_good_ones(home: Home) -> None:
    told = [put(home, hours) for hours in (3, 1, 2)]
    put(home, 9, faults=(JUDGED,))
    assert catalogue.latest(home, "hris") == told[0]
    assert catalogue.manifests(home, "hris") == [told[1], told[2], told[0]]


def test_new_since_gives_what_history_has_not_taken_in_in_order_of_time(home: Home) -> None:
    old, taken, new = put(home, 1), put(home, 2), put(home, 4)
    other = put(home, 3, system="payroll")
    put(home, 5, faults=(JUDGED,))
    assert catalogue.new_since(home, {taken.snapshot_id}) == [other, new]
    assert catalogue.new_since(home, set()) == [old, taken, other, new]


def test_a_snapshot_is_stale_once_its_beginning_is_older_than_max_age(home: Home) -> None:
    trust = Trust.model_validate({"max_age": "2h"})
    manifest = put(home, 0)
    assert not catalogue.is_stale(manifest, trust, START + timedelta(hours=2))
    assert catalogue.is_stale(manifest, trust, START + timedelta(hours=2, seconds=1))


def test_pruning_keeps_the_last_good_one_and_what_history_has_not_taken_in(home: Home) -> None:
    old, taken, waiting, last = (put(home, hours) for hours in (1, 2, 3, 4))
    settled, open_case = put(home, 2.5, faults=(JUDGED,)), put(home, 5, faults=(JUDGED,))
    now = START + timedelta(days=30)
    assert catalogue.prune(home, timedelta(days=60), now, ingested={taken.snapshot_id}) == []
    gone = catalogue.prune(home, timedelta(days=1), now, ingested={taken.snapshot_id})
    assert set(gone) == {old.snapshot_id, taken.snapshot_id, settled.snapshot_id}
    assert catalogue.manifests(home, "hris") == [waiting, last]
    assert catalogue.latest_untrusted(home, "hris") == open_case
    assert catalogue.prune(home, timedelta(days=1), now, ingested={last.snapshot_id}) == [waiting.snapshot_id]
    assert catalogue.latest(home, "hris") == last


def test_what_a_crash_left_while_pruning_is_no_snapshot_and_goes_next_time(home: Home) -> None:
    old, last = put(home, 1), put(home, 2)
    (catalogue.folder_of(home, old) / "manifest.json").unlink()
    assert catalogue.manifests(home, "hris") == [last]
    catalogue.prune(home, timedelta(days=1), START, ingested=[])
    assert not catalogue.folder_of(home, old).exists()


def test_an_accepted_snapshot_is_trusted_with_who_and_why_and_reaches_history(past: Past) -> None:
    good = past.say([{"id": str(number)} for number in range(9)])
    ingest(past.con, past.stack, past.home, good, past.cycle())
    said = past.say([{"id": "1"}])
    refused = said.model_copy(update={"trusted": False, "faults": (JUDGED,)})
    place = catalogue.folder_of(past.home, refused)
    place.parent.mkdir(parents=True)
    catalogue.folder_of(past.home, said).rename(place)
    (place / "manifest.json").unlink()
    write_manifest(place, refused)

    reason = "site closed on 1 March"
    manifest = accept(past.home, "hris", refused.snapshot_id, "Dana", reason, clock=SetClock(START))
    assert manifest.accepted
    assert (manifest.trusted, manifest.accepted.by, manifest.accepted.reason) == (True, "Dana", reason)
    assert manifest.faults == (JUDGED,), "why it had been refused stays on record"
    assert catalogue.latest(past.home, "hris") == manifest
    assert catalogue.latest_untrusted(past.home, "hris") is None
    assert ingest(past.con, past.stack, past.home, manifest, past.cycle()).gone == 8
    again = accept(past.home, "hris", refused.snapshot_id, "Dana", reason)
    assert again == manifest
    assert manifest.snapshot_id in ingested(past.con)


@pytest.mark.parametrize(
    ("faults", "by", "reason", "later", "why"),
    [
        ((JUDGED, BROKEN), "Dana", "I know", False, "cut_json"),
        ((JUDGED,), " ", "I know", False, "who and why"),
        ((JUDGED,), "Dana", "", False, "who and why"),
        ((JUDGED,), "Dana", "I know", True, "is later and good"),
    ],
)
def test_what_nobody_can_vouch_for_is_not_accepted(
    home: Home, faults: tuple[TrustFault, ...], by: str, reason: str, later: bool, why: str
) -> None:
    refused = put(home, 1, faults=faults)
    if later:
        put(home, 2)
    with pytest.raises(SnapshotNotAcceptable, match=why):
        accept(home, "hris", refused.snapshot_id, by, reason)
    assert catalogue.latest_untrusted(home, "hris") == refused


def test_accepting_what_is_not_there_is_a_clear_error(home: Home) -> None:
    with pytest.raises(SnapshotNotAcceptable, match="no such"):
        accept(home, "hris", "hris-20260302T080000000000Z", "Dana", "I know")
