"""Who was found to be whom is in the log: joins and partings by themselves, everything by a digest, each once."""

from __future__ import annotations

import json

import duckdb
import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.linked import ONE_BY_ONE, record
from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_tests.snapshots.conftest import small_stack

EVENTS = """
CREATE SCHEMA identity;
CREATE TABLE identity.events (
    event_id VARCHAR NOT NULL, kind VARCHAR, person_id VARCHAR, other_person_id VARCHAR, system VARCHAR,
    source_id VARCHAR, "at" TIMESTAMPTZ, cause VARCHAR, part_of VARCHAR);
"""


@pytest.fixture
def con():
    made = duckdb.connect(":memory:")
    made.execute("SET TimeZone = 'UTC'")
    made.execute(EVENTS)
    return made


def happened(con, day, kind, count=1, person="p-1", other=None):
    con.execute(
        """INSERT INTO identity.events
           SELECT concat_ws('-', $day, $kind, i), $kind, $person, $other, 'hris', i::VARCHAR,
                  CAST($day AS TIMESTAMPTZ), 'a key agrees', NULL FROM range($count) AS t(i)""",
        {"day": day, "kind": kind, "count": count, "person": person, "other": other},
    )


def logged(ledger):
    with ledger.read() as book:
        assert verify(book).ok
        rows = book.execute(sa.select(audit_log.c.envelope).order_by(audit_log.c.sequence)).all()
    return [json.loads(row.envelope) for row in rows]


def test_many_links_are_one_entry_with_counts_and_a_digest(ledger, con):
    happened(con, "2026-06-01", "created", 5_000)
    happened(con, "2026-06-01", "linked", 300)
    assert record(ledger, con, small_stack()) == 5_300
    (entry,) = logged(ledger)
    assert entry["action"] == "linked"
    assert (entry["detail"]["created"], entry["detail"]["linked"]) == (5_000, 300)
    assert len(entry["detail"]["digest"]) == 64


def test_a_merge_is_an_entry_about_the_person(ledger, con):
    happened(con, "2026-06-01", "merged", person="p-1", other="p-2")
    record(ledger, con, small_stack())
    merge, _ = logged(ledger)
    assert (merge["person_id"], merge["detail"]["other_person"], merge["rule"]) == ("p-1", "p-2", "a key agrees")


def test_nothing_is_told_twice_and_nothing_is_left_out(ledger, con):
    stack = small_stack()
    happened(con, "2026-06-01", "created", 3)
    assert record(ledger, con, stack) == 3
    assert record(ledger, con, stack) == 0
    happened(con, "2026-06-02", "split", 2)
    happened(con, "2026-06-03", "undone", 1)
    assert record(ledger, con, stack) == 3
    kinds = [entry["detail"].get("kind") for entry in logged(ledger)]
    assert kinds == [None, "split", "split", "undone", None]


def test_a_mass_of_merges_is_bounded_and_counted_whole(ledger, con):
    happened(con, "2026-06-01", "merged", ONE_BY_ONE + 10)
    record(ledger, con, small_stack())
    entries = logged(ledger)
    assert len(entries) == ONE_BY_ONE + 1
    assert entries[-1]["detail"]["merged"] == ONE_BY_ONE + 10
