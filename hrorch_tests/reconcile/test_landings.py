"""Who brought a value into a system that is not its authority: the first rule of METRICS.md that hits, once per change."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.reconcile.landings import SCHEMA, attribute_landings, value_hash
from hrorch_pipelines.reconcile.rates import M1, M1_COVERAGE, M1_UPPER, compute_rates
from hrorch_pipelines.storage.columns import ddl, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import record_table
from hrorch_tests.drawing import drawn

KEY = b"k" * 32
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CYCLE = Cycle("cycle-1", NOW, date(2026, 5, 4))


@pytest.fixture(scope="session")
def with_accounts(stack):
    payroll = stack.systems["payroll"].model_copy(update={"service_accounts": ["Workato"]})
    return stack.model_copy(update={"systems": {**stack.systems, "payroll": payroll}})


@pytest.fixture
def con(with_accounts) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    for schema in ("history", "identity", "golden", "reconcile"):
        connection.execute(f"CREATE SCHEMA {schema}")
    for name, system in with_accounts.systems.items():
        for record in system.records:
            columns = {
                **record_columns(with_accounts, name, record),
                "valid_from": "TIMESTAMPTZ",
                "valid_to": "TIMESTAMPTZ",
            }
            connection.execute(f"CREATE TABLE {record_table('history', name, record)} ({ddl(columns)})")
    connection.execute(
        """CREATE TABLE history.changes (system VARCHAR, record VARCHAR, record_key VARCHAR, source_id VARCHAR, parent_id VARCHAR,
               effective_from DATE, attribute VARCHAR, before VARCHAR, after VARCHAR, kind VARCHAR, changed_at TIMESTAMPTZ,
               changed_by VARCHAR, observed_at TIMESTAMPTZ, previous_observed_at TIMESTAMPTZ, snapshot_id VARCHAR);
           CREATE TABLE identity.links (system VARCHAR, source_id VARCHAR, person_id VARCHAR, since TIMESTAMPTZ);
           CREATE TABLE golden.persons (person_id VARCHAR, stage VARCHAR);
           CREATE TABLE reconcile.discrepancies
               (person_id VARCHAR, attribute VARCHAR, copy_system VARCHAR, copy_value VARCHAR, cause VARCHAR);
           CREATE TABLE reconcile.pair_counts
               (authority_system VARCHAR, copy_system VARCHAR, attribute VARCHAR, state VARCHAR, n BIGINT);
           CREATE TABLE reconcile.person_profile (disagreeing INTEGER, comparable INTEGER, persons BIGINT);
           INSERT INTO identity.links VALUES ('payroll', 'x1', 'p1', '2026-01-01'), ('hris', 'h1', 'p1', '2026-01-01');
           INSERT INTO golden.persons VALUES ('p1', 'worker')"""
    )
    connection.execute(SCHEMA)
    return connection


def change(
    con,
    attribute="job_title",
    *,
    system="payroll",
    record="job",
    by=None,
    after="Nurse",
    kind="updated",
    at=NOW,
    snapshot="s2",
):
    con.execute(
        "INSERT INTO history.changes VALUES (?, ?, 'k1', 'k1', 'x1', NULL, ?, 'Cook', ?, ?, ?, ?, ?, NULL, ?)",
        [system, record, attribute, after, kind, at, by, at, snapshot],
    )


def landed(con):
    return con.execute("SELECT attribute, attribution, rule FROM reconcile.landings ORDER BY ALL").fetchall()


@pytest.mark.parametrize(
    ("by", "attribution", "rule"),
    [("workato", "integration", 2), ("Dana W.", "manual", 3), (None, "unknown", 5), ("  ", "unknown", 5)],
)
def test_the_change_record_names_who(con, with_accounts, by, attribution, rule):
    change(con, by=by)
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == [("job_title", attribution, rule)]


def test_a_typing_fingerprint_makes_an_unsigned_change_probably_manual(con, with_accounts):
    change(con, "start_date", after="2026-02-05")
    con.execute(
        "INSERT INTO reconcile.discrepancies VALUES ('p1', 'start_date', 'payroll', '2026-02-05', 'day_month_swapped')"
    )
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == [("start_date", "manual_probable", 4)]


def test_our_own_write_is_recognised_by_its_keyed_hash_only(con, with_accounts):
    change(con, by="Dana W.")
    for value in ("Nurse", "Cook"):
        con.execute(
            "INSERT INTO reconcile.write_ledger VALUES ('payroll', 'p1', 'job_title', ?, ?, ?)",
            [value_hash(KEY, "payroll", "p1", "job_title", value), NOW - timedelta(hours=1), NOW + timedelta(hours=1)],
        )
        if value == "Cook":
            con.execute(
                "DELETE FROM reconcile.write_ledger WHERE value_hash = ?",
                [value_hash(KEY, "payroll", "p1", "job_title", "Nurse")],
            )
            con.execute("DELETE FROM reconcile.landings")
        attribute_landings(con, with_accounts, CYCLE, KEY)
        assert landed(con) == [("job_title", "orchestrator", 1) if value == "Nurse" else ("job_title", "manual", 3)]


def test_a_change_in_the_authority_itself_is_no_landing(con, with_accounts):
    con.execute("UPDATE identity.links SET source_id = 'x1' WHERE system = 'hris'")
    change(con, system="hris", by="Dana W.")
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == []


def test_a_removed_value_and_an_unmatched_record_do_not_land(con, with_accounts):
    change(con, kind="removed", by="Dana W.")
    con.execute("DELETE FROM identity.links")
    change(con, "start_date", by="Dana W.", after="2026-01-01")
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == []
    con.execute("INSERT INTO identity.links VALUES ('payroll', 'x1', 'p1', '2026-01-01')")
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == [("start_date", "manual", 3)], "matched later, counted later"


@settings(max_examples=drawn(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(who=st.lists(st.sampled_from(["Workato", "Dana W.", None]), min_size=1, max_size=40))
def test_rates_are_bounds_around_what_is_known(con, with_accounts, who):
    for table in ("history.changes", "reconcile.landings"):
        con.execute(f"DELETE FROM {table}")
    for number, by in enumerate(who):
        change(con, by=by, snapshot=f"s{number}")
    for _ in range(2):  # a second run adds nothing
        attribute_landings(con, with_accounts, CYCLE, KEY)
    rates = {(rate.metric, rate.scope): rate for rate in compute_rates(con, CYCLE)}
    manual, unknown = who.count("Dana W."), who.count(None)
    assert (rates[M1, "all"].numerator, rates[M1, "all"].denominator) == (manual, len(who))
    assert rates[M1_UPPER, "all"].numerator == manual + unknown
    assert rates[M1_COVERAGE, "all"].numerator == len(who) - unknown
    assert (
        rates[M1, "all"].interval.low
        <= manual / len(who)
        <= (manual + unknown) / len(who)
        <= rates[M1, "all"].interval.high + 1e-12
    )
    assert (
        "insufficient data"
        in con.execute("SELECT note FROM reconcile.rates WHERE metric = ? AND scope = 'all'", [M1]).fetchone()[0]
    ) == (len(who) < 30)


def test_a_stamp_from_before_the_last_snapshot_is_about_something_else(con, with_accounts):
    change(con, by="Dana W.", at=NOW)
    con.execute(
        "UPDATE history.changes SET changed_at = ?, previous_observed_at = ?",
        [NOW - timedelta(days=2), NOW - timedelta(days=1)],
    )
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == [("job_title", "unknown", 5)]


def test_what_is_typed_into_the_hris_for_a_candidate_is_a_copy_of_the_ats(con, with_accounts):
    """The stage counts in which a value arrives: the person is a worker by the time anybody asks."""
    con.execute("UPDATE identity.links SET system = 'ats' WHERE source_id = 'x1'")
    con.execute("UPDATE identity.links SET since = ? WHERE source_id = 'h1'", [NOW])
    change(
        con, "legal_last_name", system="ats", record="candidate", by=None, kind="created", at=NOW - timedelta(days=9)
    )
    change(con, "legal_last_name", system="hris", record="worker", by="Dana W.", kind="created", snapshot="s3")
    con.execute("UPDATE history.changes SET parent_id = 'h1' WHERE system = 'hris'")
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert con.execute("SELECT system, attribution FROM reconcile.landings").fetchall() == [("hris", "manual")]
    change(
        con, "legal_last_name", system="hris", record="worker", by="Dana W.", at=NOW + timedelta(days=1), snapshot="s4"
    )
    con.execute("UPDATE history.changes SET parent_id = 'h1' WHERE system = 'hris'")
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert len(landed(con)) == 1, "what the HRIS says of a worker is an original"


def test_of_two_records_that_appear_together_each_stands_for_the_stage_of_its_system(con, with_accounts):
    con.execute("UPDATE identity.links SET since = ?", [NOW])
    con.execute("INSERT INTO identity.links VALUES ('ats', 'a1', 'p1', ?)", [NOW])
    for system, record, source in (("ats", "candidate", "a1"), ("hris", "worker", "h1"), ("payroll", "worker", "x1")):
        change(con, "legal_last_name", system=system, record=record, kind="created", snapshot=source)
        con.execute("UPDATE history.changes SET parent_id = ? WHERE snapshot_id = ?", [source, source])
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert con.execute("SELECT system FROM reconcile.landings").fetchall() == [("payroll",)]


@pytest.mark.parametrize("stamp", [None, NOW - timedelta(minutes=5)])
@pytest.mark.parametrize(("before", "attribution"), [(4, "orchestrator"), (0, "unknown")])
def test_a_value_may_have_landed_at_any_time_since_the_last_snapshot(con, with_accounts, before, attribution, stamp):
    """Without a stamp nobody knows when; with one, it is the record's last change that is known, not this value's."""
    change(con)
    con.execute(
        "UPDATE history.changes SET changed_at = ?, previous_observed_at = ?",
        [stamp, NOW - timedelta(days=before, hours=1)],
    )
    written = NOW - timedelta(days=3)
    con.execute(
        "INSERT INTO reconcile.write_ledger VALUES ('payroll', 'p1', 'job_title', ?, ?, ?)",
        [value_hash(KEY, "payroll", "p1", "job_title", "Nurse"), written, written + timedelta(hours=26)],
    )
    attribute_landings(con, with_accounts, CYCLE, KEY)
    assert landed(con) == [("job_title", attribution, 1 if before else 5)]
