"""Whose value a copy holds depends on everybody: a row is told anew when somebody else comes to hold that value, or no longer does."""

from __future__ import annotations

import pytest

from hrorch_pipelines.reconcile.fingerprints_history import settle_row_slips

TITLES = [("p1", "Nurse"), ("p2", "Pharmacist"), ("p3", "Porter")]


@pytest.fixture
def world(con):
    con.execute("CREATE SCHEMA reconcile; CREATE SCHEMA golden")
    con.execute(
        """CREATE TABLE reconcile.discrepancies (discrepancy_id VARCHAR, person_id VARCHAR, attribute VARCHAR,
           authority_value VARCHAR, copy_value VARCHAR, cause VARCHAR, cause_detail VARCHAR)"""
    )
    con.execute("CREATE TABLE golden.persons (person_id VARCHAR, job_title VARCHAR)")
    con.executemany("INSERT INTO golden.persons VALUES (?, ?)", TITLES)
    return con


def open_row(con, copy_value, cause):
    con.execute(
        "INSERT INTO reconcile.discrepancies VALUES ('d', 'p1', 'job_title', 'Nurse', ?, ?, 'told before')",
        [copy_value, cause],
    )


def told(con, stack):
    settle_row_slips(con, stack)
    return con.execute("SELECT cause, cause_detail FROM reconcile.discrepancies").fetchone()


def test_a_value_that_becomes_anothers_is_a_row_slip_from_then_on(world, stack):
    open_row(world, "Surgeon", "other")
    assert told(world, stack) == ("other", "told before")
    world.execute("UPDATE golden.persons SET job_title = 'Surgeon' WHERE person_id = 'p3'")
    assert told(world, stack) == ("row_slip", "equals another person's value")


def test_a_value_nobody_else_holds_any_more_is_no_row_slip(world, stack):
    open_row(world, "Pharmacist", "row_slip")
    assert told(world, stack) == ("row_slip", "told before")
    world.execute("UPDATE golden.persons SET job_title = 'Nurse' WHERE person_id = 'p2'")
    assert told(world, stack) == ("other", "no known pattern")


def test_a_value_that_many_come_to_hold_says_nothing(world, stack):
    open_row(world, "Pharmacist", "row_slip")
    world.execute("UPDATE golden.persons SET job_title = 'Pharmacist'")
    assert told(world, stack)[0] == "other"


def test_a_better_cause_is_left_alone(world, stack):
    open_row(world, "Pharmacist", "stale_value")
    assert told(world, stack) == ("stale_value", "told before")
