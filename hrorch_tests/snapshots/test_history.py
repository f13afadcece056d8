"""What history writes down in the cases that have names: baseline, evolution, marks of deletion, order, damage."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from hrorch_pipelines.snapshots.catalogue import folder_of
from hrorch_pipelines.snapshots.errors import SnapshotDamaged, SnapshotOutOfOrder, SnapshotRefused
from hrorch_pipelines.snapshots.history import IngestResult, as_of, ingest, ingested
from hrorch_pipelines.snapshots.manifest import Manifest, TrustFault
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.errors import WarehouseError
from hrorch_tests.snapshots.conftest import FIELDS, Past, small_stack

CHANGES = "SELECT record_key, attribute, before, after, kind FROM history.changes ORDER BY ALL"


def _take(past: Past, manifest: Manifest, stack: Stack | None = None) -> IngestResult:
    return ingest(past.con, stack or past.stack, past.home, manifest, past.cycle())


def test_the_first_snapshot_is_a_baseline_without_change_rows(past: Past) -> None:
    result = _take(past, past.say([{"id": "1", "legal_last_name": "Ruiz"}, {"id": "2"}]))
    assert result == IngestResult(new=2)
    assert past.rows(CHANGES) == []
    assert past.rows("SELECT DISTINCT source_id FROM cycles.touched_records ORDER BY 1") == [("1",), ("2",)]


def test_later_snapshots_tell_created_updated_and_removed(past: Past) -> None:
    _take(past, past.say([{"id": "1", "pay_amount": "50000"}, {"id": "2", "legal_last_name": "Abe"}, {"id": "3"}]))
    past.con.execute("DELETE FROM cycles.touched_records")
    moment, who = datetime(2026, 3, 2, 9, 30, tzinfo=UTC), "marcus"
    changed = {"id": "1", "pay_amount": "52000.5", "source_updated_at": moment, "source_updated_by": who}
    manifest = past.say([changed, {"id": "3"}, {"id": "4", "start_date": "2026-05-01"}])
    assert _take(past, manifest) == IngestResult(new=1, changed=1, gone=1, unchanged=1)
    assert past.rows(CHANGES) == [
        ("1", "pay_amount", "50000.0000", "52000.5000", "updated"),
        ("2", "legal_last_name", "Abe", None, "removed"),
        ("4", "start_date", None, "2026-05-01", "created"),
    ]
    told = past.rows(
        "SELECT system, record, source_id, parent_id, occurrence, changed_at, changed_by, observed_at, "
        "previous_observed_at, snapshot_id FROM history.changes WHERE kind = 'updated'"
    )
    before = manifest.observed_at - timedelta(hours=1)
    assert told == [("hris", "worker", "1", "1", 1, moment, who, manifest.observed_at, before, manifest.snapshot_id)]
    touched = past.rows("SELECT system, record, source_id FROM cycles.touched_records ORDER BY ALL")
    assert touched == [("hris", "worker", key) for key in ("1", "2", "4")]


def test_a_record_marked_as_deleted_ends_with_the_marks_attribution(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}]))
    marked = {"id": "1", "job_title": "Nurse", "deleted": True, "source_updated_by": "dana"}
    assert _take(past, past.say([marked, {"id": "2", "deleted": True}])) == IngestResult(gone=1, deleted=2)
    assert past.rows("SELECT before, after, kind, changed_by FROM history.changes") == [
        ("Nurse", None, "removed", "dana")
    ]
    assert past.rows('SELECT count(*) FROM history."hris.worker" WHERE valid_to IS NULL') == [(0,)]
    assert _take(past, past.say([marked])) == IngestResult(deleted=1), "a mark that stays is no news"
    assert _take(past, past.say([{"id": "1", "job_title": "Nurse"}])) == IngestResult(new=1)


def test_a_change_of_the_systems_own_stamp_alone_is_no_change(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse", "source_updated_by": "a"}]))
    assert _take(past, past.say([{"id": "1", "job_title": "Nurse", "source_updated_by": "b"}])) == IngestResult(
        unchanged=1
    )


def test_rows_without_a_key_and_rows_with_one_key_are_all_kept(past: Past) -> None:
    rows = [{"id": None, "job_title": "A"}, {"id": None, "job_title": "B"}, {"id": "1"}, {"id": "1", "job_title": "C"}]
    assert _take(past, past.say(rows)) == IngestResult(new=4)
    assert _take(past, past.say(rows)) == IngestResult(unchanged=4)
    assert _take(past, past.say(rows[1:])).rows == 3
    assert past.rows('SELECT count(*) FROM history."hris.worker" WHERE valid_to IS NULL') == [(3,)]


def test_a_newly_mapped_attribute_is_a_first_sight_and_no_flood_of_changes(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}, {"id": "2", "job_title": "Clerk"}]))
    wider = small_stack(fields={**FIELDS, "department": "dept"})
    rows = [
        {"id": "1", "job_title": "Head nurse", "department": "Ward"},
        {"id": "2", "job_title": "Clerk", "department": "HR"},
    ]
    result = _take(past, past.say(rows, stack=wider), wider)
    assert result.changed == 2, "both have a new version, which holds the new attribute"
    assert past.rows(CHANGES) == [("1", "job_title", "Nurse", "Head nurse", "updated")]
    held = past.rows('SELECT record_key, department, valid_to IS NULL FROM history."hris.worker" ORDER BY ALL')
    assert held == [("1", "Ward", True), ("1", None, False), ("2", "HR", True), ("2", None, False)]
    rows[1]["department"] = "Finance"
    _take(past, past.say(rows, stack=wider), wider)
    assert past.rows("SELECT before, after FROM history.changes WHERE attribute = 'department'") == [("HR", "Finance")]


def test_an_attribute_no_longer_mapped_keeps_its_past_and_writes_no_removals(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse", "pay_amount": "1"}]))
    fewer = small_stack(fields={"job_title": "title"})
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}], stack=fewer), fewer)
    assert past.rows(CHANGES) == []
    held = past.rows('SELECT pay_amount FROM history."hris.worker" ORDER BY valid_from')
    assert held == [(Decimal(1),), (None,)]


@pytest.mark.parametrize("field", [{"from": "title", "case": "upper"}, "position"])
def test_a_value_we_read_otherwise_is_not_a_change_of_the_source(past: Past, field: object) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse", "legal_last_name": "Ruiz"}]))
    other = small_stack(fields={**FIELDS, "job_title": field})
    _take(past, past.say([{"id": "1", "job_title": "NURSE", "legal_last_name": "Ruiz-Day"}], stack=other), other)
    assert past.rows(CHANGES) == [("1", "legal_last_name", "Ruiz", "Ruiz-Day", "updated")]


def test_another_key_makes_the_record_type_a_baseline_again(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}]))
    record = {"read": {"path": "workers.csv"}, "key": "employee_id", "fields": FIELDS}
    rekeyed = small_stack(records={"worker": record})
    result = _take(past, past.say([{"id": "E-1", "job_title": "Nurse"}], stack=rekeyed), rekeyed)
    assert (result.new, result.gone) == (1, 1)
    assert past.rows(CHANGES) == []


def test_an_attribute_whose_type_changed_keeps_the_old_values_under_another_name(past: Past) -> None:
    _take(past, past.say([{"id": "1", "start_date": "2026-01-05"}]))
    declared = past.stack.attributes["start_date"].model_copy(update={"type": "text"})
    retyped = past.stack.model_copy(update={"attributes": {**past.stack.attributes, "start_date": declared}})
    _take(past, past.say([{"id": "1", "start_date": "soon"}], stack=retyped), retyped)
    held = past.rows('SELECT "start_date@DATE", start_date FROM history."hris.worker" ORDER BY valid_from')
    assert held == [(date(2026, 1, 5), None), (None, "soon")]
    assert past.rows(CHANGES) == []


def test_a_withheld_value_is_not_emptied_and_is_compared_when_it_comes_back(past: Past) -> None:
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}, {"id": "2", "job_title": "Clerk"}]))
    hidden = [{"id": key, "hidden": ["job_title"]} for key in "12"]
    assert _take(past, past.say(hidden)).changed == 2
    assert past.rows(CHANGES) == []
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}, {"id": "2", "job_title": "Buyer"}]))
    assert past.rows(CHANGES) == [("2", "job_title", "Clerk", "Buyer", "updated")]


def test_a_record_that_went_and_came_back_withheld_is_not_compared_with_its_former_life(past: Past) -> None:
    other, hidden = {"id": "2"}, {"id": "1", "hidden": ["job_title"]}
    for rows in ([{"id": "1", "job_title": "Nurse"}, other], [other], [hidden, other]):
        _take(past, past.say(rows))
    past.con.execute("DELETE FROM history.changes")
    _take(past, past.say([{"id": "1", "job_title": "Buyer"}, other]))
    assert past.rows(CHANGES) == [], "the first sight of a value in this life"
    _take(past, past.say([hidden, other]))
    _take(past, past.say([{"id": "1", "job_title": "Clerk"}, other]))
    assert past.rows(CHANGES) == [("1", "job_title", "Buyer", "Clerk", "updated")]


def test_a_secret_attribute_changes_as_its_keyed_hash(past: Past) -> None:
    stack = small_stack(fields={"national_id": "ssn"})
    _take(past, past.say([{"id": "1", "national_id": "ab12"}], stack=stack), stack)
    _take(past, past.say([{"id": "1", "national_id": "cd34"}], stack=stack), stack)
    assert past.rows(CHANGES) == [("1", "national_id", "ab12", "cd34", "updated")]


def test_a_child_touches_its_old_and_its_new_parent(past: Past) -> None:
    child = {"read": {"path": "jobs.csv"}, "key": "id", "parent": "worker", "parent_key": "worker", "fields": FIELDS}
    worker = {"read": {"path": "workers.csv"}, "key": "id", "fields": {}}
    stack = small_stack(records={"worker": worker, "job": child})
    _take(past, past.say([{"id": "j1", "parent_id": "7", "job_title": "Nurse"}], record="job", stack=stack), stack)
    past.con.execute("DELETE FROM cycles.touched_records")
    _take(past, past.say([{"id": "j1", "parent_id": "8", "job_title": "Nurse"}], record="job", stack=stack), stack)
    assert past.rows("SELECT record, source_id FROM cycles.touched_records ORDER BY ALL") == [
        ("job", "7"),
        ("job", "8"),
    ]


def test_a_record_type_that_a_snapshot_does_not_have_is_left_alone(past: Past) -> None:
    records = {
        "worker": {"read": {"path": "workers.csv"}, "key": "id", "fields": FIELDS},
        "job": {"read": {"path": "jobs.csv"}, "key": "id", "parent": "worker", "parent_key": "w", "fields": {}},
    }
    stack = small_stack(records=records)
    _take(past, past.say([{"id": "1", "job_title": "Nurse"}], stack=stack), stack)
    _take(past, past.say([{"id": "j1", "parent_id": "1"}], record="job", stack=stack), stack)
    assert past.rows('SELECT count(*) FROM history."hris.worker" WHERE valid_to IS NULL') == [(1,)]


def test_an_older_snapshot_is_refused_with_the_reason(past: Past) -> None:
    first, second = past.say([{"id": "1"}]), past.say([{"id": "2"}])
    _take(past, second)
    with pytest.raises(SnapshotOutOfOrder, match=second.snapshot_id):
        _take(past, first)
    assert ingested(past.con) == {second.snapshot_id}


def test_an_untrusted_snapshot_never_reaches_history(past: Past) -> None:
    manifest = past.say([{"id": "1"}])
    fault = TrustFault(code="row_drop", record="worker", what="1 row, 9 before", remedy="look into it")
    refused = manifest.model_copy(update={"trusted": False, "faults": (fault,)})
    with pytest.raises(SnapshotRefused, match="owner is dana"):
        _take(past, refused)
    assert ingested(past.con) == set()


@pytest.mark.parametrize("damage", ["missing", "shorter"])
def test_a_damaged_snapshot_is_refused_and_history_stays_as_it_was(past: Past, damage: str) -> None:
    _take(past, past.say([{"id": "1"}]))
    manifest = past.say([{"id": "1"}, {"id": "2"}])
    file = folder_of(past.home, manifest) / "worker.parquet"
    if damage == "missing":
        file.unlink()
    else:
        past.con.execute(f"COPY (SELECT * FROM '{file}' LIMIT 1) TO '{file}.new' (FORMAT parquet)")
        file.with_name("worker.parquet.new").rename(file)
    with pytest.raises(SnapshotDamaged, match="worker"):
        _take(past, manifest)
    assert len(ingested(past.con)) == 1
    assert past.rows('SELECT count(*) FROM history."hris.worker"') == [(1,)]


def test_asking_for_a_record_type_never_seen_is_a_clear_error(past: Past) -> None:
    with pytest.raises(WarehouseError, match=r"hris\.worker"):
        as_of(past.con, past.stack, "hris", "worker", past.clock.now())
