"""Start + Σ reasons = end, always; and each reason counts the people it names."""

from __future__ import annotations

from datetime import UTC, date, datetime

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.reconcile.bridge import UNEXPLAINED, build_bridge, build_bridges
from hrorch_pipelines.storage.columns import column_type, ddl, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import record_table

CYCLE = Cycle("cycle-1", datetime(2026, 5, 4, 12, tzinfo=UTC), date(2026, 5, 4), {"hris": "h", "payroll": "p"})

STATUSES = st.sampled_from(["active", "leave", "terminated", "prehire", None])
PERSON = st.fixed_dictionaries(
    {
        "hris": st.one_of(st.none(), STATUSES),
        "in_hris": st.booleans(),
        "payroll": STATUSES,
        "in_payroll": st.booleans(),
        "live": st.booleans(),
        "kind": st.sampled_from(["full_time", "contractor", None]),
        "starts": st.sampled_from([date(2024, 1, 1), date(2026, 6, 1), None]),
        "missing": st.booleans(),
    }
)


@pytest.fixture
def con(stack):
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for schema in ("history", "accepted", "golden", "cells", "reconcile"):
        connection.execute(f"CREATE SCHEMA {schema}")
    attributes = {name: column_type(stack, name) for name in stack.attributes}
    connection.execute(
        f"CREATE TABLE golden.persons ({ddl({'person_id': 'VARCHAR', 'stage': 'VARCHAR', **attributes})})"
    )
    connection.execute("CREATE TABLE reconcile.discrepancies (person_id VARCHAR, copy_system VARCHAR, state VARCHAR)")
    for name in ("hris", "payroll"):
        connection.execute(f"CREATE TABLE cells.{name} (person_id VARCHAR, employment_status VARCHAR, live BOOLEAN)")
        columns = record_columns(stack, name, "worker")
        connection.execute(f"CREATE TABLE {record_table('accepted', name, 'worker')} ({ddl(columns)})")
        connection.execute(
            f"CREATE TABLE {record_table('history', name, 'worker')} ({ddl({**columns, 'valid_to': 'TIMESTAMPTZ'})})"
        )
    return connection


def settle(con, people, held_hris=0, held_payroll=0):
    for table in ("golden.persons", "cells.hris", "cells.payroll", "reconcile.discrepancies"):
        con.execute(f"DELETE FROM {table}")
    for number, person in enumerate(people):
        name = f"p{number}"
        con.execute(
            "INSERT INTO golden.persons (person_id, stage, employment_status, employment_type, start_date) VALUES (?, ?, ?, ?, ?)",
            [name, "worker" if person["in_hris"] else "candidate", person["hris"], person["kind"], person["starts"]],
        )
        if person["in_hris"]:
            con.execute("INSERT INTO cells.hris VALUES (?, ?, true)", [name, person["hris"]])
        if person["in_payroll"]:
            con.execute("INSERT INTO cells.payroll VALUES (?, ?, ?)", [name, person["payroll"], person["live"]])
        elif person["missing"]:
            con.execute("INSERT INTO reconcile.discrepancies VALUES (?, 'payroll', 'missing_record')", [name])
    for name, held in (("hris", held_hris), ("payroll", held_payroll)):
        con.execute(f"DELETE FROM {record_table('history', name, 'worker')}")
        for number in range(held):
            con.execute(
                f"INSERT INTO {record_table('history', name, 'worker')} (record_key, occurrence) VALUES (?, 1)",
                [f"k{number}"],
            )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people=st.lists(PERSON, max_size=25), held_hris=st.integers(0, 3), held_payroll=st.integers(0, 3))
def test_the_bridge_always_adds_up_and_nothing_is_unexplained(con, stack, people, held_hris, held_payroll):
    settle(con, people, held_hris, held_payroll)
    bridge = build_bridge(con, stack, CYCLE, "hris", "payroll")
    first, *moves, last = bridge.steps
    ended = {"terminated", "retired", "deceased"}
    assert first[1] == held_hris + sum(p["in_hris"] and p["hris"] not in ended for p in people)
    assert last[1] == held_payroll + sum(p["in_payroll"] and p["live"] and p["payroll"] not in ended for p in people)
    assert first[1] + sum(count for _, count, _ in moves) == last[1] == last[2]
    assert {reason: count for reason, count, _ in moves}[UNEXPLAINED] == 0


def test_each_reason_names_its_people(con, stack):
    active = {"hris": "active", "in_hris": True, "payroll": "active", "in_payroll": True, "live": True,
              "kind": "full_time", "starts": date(2024, 1, 1), "missing": False}  # fmt: skip
    settle(
        con,
        [
            active,
            {**active, "in_payroll": False, "missing": True},
            {**active, "in_payroll": False},
            {**active, "hris": "prehire", "in_payroll": False},
            {**active, "hris": "terminated"},
            {**active, "in_hris": False, "hris": None},
        ],
        held_hris=1,
    )
    bridges = build_bridges(con, stack, CYCLE)
    assert [(bridge.start, bridge.end) for bridge in bridges] == [("hris", "payroll")]
    steps = {reason: count for reason, count, _ in bridges[0].steps if count}
    assert steps == {
        "heads in hris": 5,
        "quarantined in hris: person not known": -1,
        "not yet started": -1,
        "in flight: within the grace period": -1,
        "missing record": -1,
        "ended in hris: ghost": 1,
        "unknown to hris: unmatched": 1,
        "heads in payroll": 3,
    }
    assert con.execute("SELECT count(*) FROM reconcile.bridge").fetchone()[0] == len(bridges[0].steps)
