"""What was observed enters the log once per snapshot; a change row changed, dropped or added afterwards is found."""

from __future__ import annotations

import hashlib
import json

import duckdb
import pytest

from hrorch_pipelines.audit.observed import check, record
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots.history import ingest
from hrorch_pipelines.storage import cycles
from hrorch_tests.audit.writing import rows, verdict
from hrorch_tests.snapshots.conftest import START, Past, small_stack

BEFORE_LEAVES = """
CREATE SCHEMA history;
CREATE TABLE history.changes (
    system VARCHAR, record VARCHAR, record_key VARCHAR, occurrence INTEGER, source_id VARCHAR, parent_id VARCHAR,
    effective_from DATE, attribute VARCHAR, before VARCHAR, after VARCHAR, kind VARCHAR, changed_at TIMESTAMPTZ,
    changed_by VARCHAR, observed_at TIMESTAMPTZ, previous_observed_at TIMESTAMPTZ, snapshot_id VARCHAR);
"""


@pytest.fixture
def past(ledger):
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(cycles.SCHEMA)
    return Past(ledger.home, small_stack(), con, SetClock(START))


def take(past, *said):
    manifest = past.say(list(said))
    ingest(past.con, past.stack, past.home, manifest, past.cycle())
    return manifest.snapshot_id


def told(ledger, past):
    with ledger.read() as con:
        return [(fault.sequence, fault.what) for fault in check(con, past.con)]


@pytest.fixture
def three(ledger, past):
    """Three snapshots, the second with four change rows, the third with one, all in the log."""
    take(past, {"id": "1", "job_title": "Nurse", "pay_amount": "50000"}, {"id": "2", "job_title": "Porter"})
    take(past, {"id": "1", "job_title": "Surgeon é\n\"", "pay_amount": "90000", "source_updated_by": "dana"}, {"id": "3"},
         {"id": "4", "start_date": "2026-05-01"})  # fmt: skip
    assert record(ledger, past.con, past.stack, past.cycle()) == 2
    take(past, {"id": "1", "job_title": "Surgeon"}, {"id": "3"}, {"id": "4", "start_date": "2026-05-01"})
    assert record(ledger, past.con, past.stack, past.cycle()) == 1
    return [row["sequence"] for row in rows(ledger)]


def test_each_snapshot_enters_once_with_its_count_and_digest(ledger, past, three):
    assert three == [1, 2, 3]
    assert record(ledger, past.con, past.stack, past.cycle()) == 0
    entries = [json.loads(row["envelope"]) for row in rows(ledger)]
    assert [entry["detail"]["changes"] for entry in entries] == [0, 4, 2]
    assert {entry["action"] for entry in entries} == {"observed"}
    assert told(ledger, past) == []
    assert verdict(ledger).ok


def test_the_digest_can_be_worked_out_without_this_program(ledger, past, three):
    """The leaf as the documents tell it, by the standard library."""
    second = json.loads(rows(ledger)[1]["envelope"])
    changes = past.rows(
        "SELECT salt, system, record, record_key, occurrence::VARCHAR, source_id, parent_id, effective_from::VARCHAR, "
        "attribute, before, after, kind, epoch_us(changed_at)::VARCHAR, changed_by, snapshot_id, leaf FROM history.changes "
        "WHERE snapshot_id = ?",
        second["snapshot_id"],
    )
    leaves = [
        hashlib.sha256(json.dumps(row[:-1], ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()
        for row in changes
    ]
    assert leaves == [row[-1] for row in changes]
    assert hashlib.sha256("".join(sorted(leaves)).encode()).hexdigest() == second["detail"]["digest"]
    assert len({row[0] for row in changes}) == len(changes), "a salt is one row's own"


@pytest.mark.parametrize(
    "hand",
    [
        "UPDATE history.changes SET after = '99000' WHERE attribute = 'pay_amount' AND after IS NOT NULL",
        "UPDATE history.changes SET changed_by = 'nobody' WHERE changed_by = 'dana'",
        "UPDATE history.changes SET changed_at = now() WHERE kind = 'removed' AND attribute = 'job_title'",
        "UPDATE history.changes SET after = '1', leaf = sha256('mine') WHERE attribute = 'start_date'",
        "DELETE FROM history.changes WHERE attribute = 'start_date'",
        "INSERT INTO history.changes SELECT * REPLACE ('x' AS attribute) FROM history.changes WHERE kind = 'removed'",
        "UPDATE history.changes SET salt = NULL, after = '1' WHERE attribute = 'start_date'",
        "DELETE FROM history.changes WHERE snapshot_id = (SELECT min(snapshot_id) FROM history.changes)",
    ],
)
def test_a_spoilt_change_row_is_found_with_its_snapshot(ledger, past, three, hand):
    past.con.execute(hand)
    found = told(ledger, past)
    assert [sequence for sequence, _ in found] == [2]
    assert "Surgeon" not in repr(found)


def test_a_snapshot_taken_out_whole_is_missed(ledger, past, three):
    last = json.loads(rows(ledger)[2]["envelope"])["snapshot_id"]
    for table in ("changes", "snapshots", "digests"):
        past.con.execute(f"DELETE FROM history.{table} WHERE snapshot_id = ?", [last])
    assert [sequence for sequence, _ in told(ledger, past)] == [3]
    with ledger.read() as con:
        assert check(con, past.con, lagging=True) == [], "a published copy may not have the latest yet"


def test_erasing_values_and_salts_leaves_the_digest_standing(ledger, past, three):
    past.con.execute(
        "UPDATE history.changes SET before = NULL, after = NULL, changed_by = NULL, salt = NULL WHERE source_id = '1'"
    )
    assert told(ledger, past) == []


def test_a_crash_between_log_and_warehouse_repeats_nothing(ledger, past, three):
    past.con.execute("DELETE FROM history.digests WHERE sequence = 3")
    assert record(ledger, past.con, past.stack, past.cycle()) == 0
    assert past.rows("SELECT sequence FROM history.digests ORDER BY 1") == [(1,), (2,), (3,)]
    assert told(ledger, past) == []


def test_a_warehouse_made_anew_is_entered_anew(ledger, past, three):
    past.con.execute("UPDATE history.changes SET salt = NULL, leaf = NULL; DELETE FROM history.digests")
    assert record(ledger, past.con, past.stack, past.cycle()) == 3
    assert told(ledger, past) == []


def test_an_older_warehouse_gets_its_leaves(ledger, past):
    past.con.execute(BEFORE_LEAVES)
    take(past, {"id": "1", "job_title": "Nurse"})
    take(past, {"id": "1", "job_title": "Surgeon"})
    past.con.execute("UPDATE history.changes SET salt = NULL, leaf = NULL")
    assert record(ledger, past.con, past.stack, past.cycle()) == 2
    assert past.rows("SELECT count(*), count(salt), count(leaf) FROM history.changes") == [(1, 1, 1)]
    assert told(ledger, past) == []


def test_before_anything_was_recorded_there_is_nothing_to_check(ledger, past):
    assert told(ledger, past) == []
