"""Each way a value goes wrong is recognised as itself, for every value it can happen to, and nothing else is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.fingerprints import ORDER
from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.columns import column_type, record_columns
from hrorch_pipelines.storage.columns import ddl as columns_ddl
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table
from hrorch_tests.drawing import drawn

CYCLE = Cycle("cycle-1", datetime(2026, 5, 4, 12, tzinfo=UTC), date(2026, 5, 4))
COLUMNS = (
    "discrepancy_id VARCHAR, person_id VARCHAR, attribute VARCHAR, data_type VARCHAR, state VARCHAR, "
    "authority_system VARCHAR, authority_source_id VARCHAR, authority_value VARCHAR, copy_system VARCHAR, "
    "copy_source_id VARCHAR, copy_value VARCHAR, cause VARCHAR, cause_detail VARCHAR"
)


@pytest.fixture(scope="module")
def world(stack: Stack) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    con.execute("SET TimeZone = 'UTC'")
    for schema in ("reconcile", "golden", "history", "cells"):
        con.execute(f"CREATE SCHEMA {schema}")
    con.execute(f"CREATE TABLE reconcile.discrepancies ({COLUMNS})")
    attributes = {name: column_type(stack, name) for name in stack.attributes}
    con.execute(
        f"CREATE TABLE golden.persons ({columns_ddl({'person_id': 'VARCHAR', 'stage': 'VARCHAR', **attributes})})"
    )
    for name, system in stack.systems.items():
        con.execute(
            f"CREATE TABLE cells.{ident(name)} ({columns_ddl({'person_id': 'VARCHAR', 'pay_unit': 'VARCHAR'})})"
        )
        for record in system.records:
            shape = {**record_columns(stack, name, record), "valid_from": "TIMESTAMPTZ", "valid_to": "TIMESTAMPTZ"}
            con.execute(f"CREATE TABLE {record_table('history', name, record)} ({columns_ddl(shape)})")
    return con


def cause_of(world, stack, attribute, authority, copy, *, copy_system="payroll"):
    """The cause given to one disagreeing cell, after the tables were prepared by the test."""
    world.execute("DELETE FROM reconcile.discrepancies")
    data_type = stack.attributes[attribute].data_type
    world.execute(
        "INSERT INTO reconcile.discrepancies VALUES ('d1', 'p1', ?, ?, 'disagree', 'hris', '1', ?, ?, 'x1', ?, NULL, NULL)",
        [attribute, data_type, authority, copy_system, copy],
    )
    result = explain_causes(world, stack, CYCLE)
    cause, detail = world.execute("SELECT cause, cause_detail FROM reconcile.discrepancies").fetchone()
    assert result.by_cause == {cause: 1}
    assert detail, "a cause is told in words"
    return Cause(cause)


@pytest.fixture(autouse=True)
def _clean(world, stack):
    yield
    world.execute("DELETE FROM golden.persons")
    for name, system in stack.systems.items():
        world.execute(f"DELETE FROM cells.{ident(name)}")
        for record in system.records:
            world.execute(f"DELETE FROM {record_table('history', name, record)}")


def pay(amount) -> str:
    return str(Decimal(amount).quantize(Decimal("0.0001")))


def as_unit(world, unit: str) -> None:
    world.execute("DELETE FROM cells.payroll")
    world.execute("INSERT INTO cells.payroll VALUES ('p1', ?)", [unit])


EVERY = settings(max_examples=drawn(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FACTORS = {"year": 1, "month": 12, "week": 52, "biweek": 26, "hour": 2080}


@EVERY
@given(
    whole=st.integers(10_000, 99_999),
    unit=st.sampled_from(sorted(FACTORS)),
    place=st.integers(0, 3),
)
def test_neighbouring_digits_exchanged_in_the_copys_own_unit(world, stack, whole, unit, place):
    text = str(whole)
    assume(text[place] != text[place + 1] and not (place == 0 and text[1] == "0"))
    typed = text[:place] + text[place + 1] + text[place] + text[place + 2 :]
    divisor = 100 if unit == "hour" else 1
    as_unit(world, unit)
    right, wrong = Decimal(whole) / divisor * FACTORS[unit], Decimal(typed) / divisor * FACTORS[unit]
    assert cause_of(world, stack, "pay_amount", pay(right), pay(wrong)) is Cause.TRANSPOSED_DIGITS


@EVERY
@given(whole=st.integers(10_000, 99_999), place=st.integers(0, 4), digit=st.integers(1, 9), how=st.sampled_from("cda"))
def test_one_digit_changed_dropped_or_added(world, stack, whole, place, digit, how):
    text = str(whole)
    typed = {
        "c": text[:place] + str(digit) + text[place + 1 :],
        "d": text[:place] + text[place + 1 :],
        "a": text[:place] + str(digit) + text[place:],
    }[how]
    assume(typed != text and not typed.startswith("0"))
    as_unit(world, "year")
    assert cause_of(world, stack, "pay_amount", pay(whole), pay(typed)) in {Cause.ONE_DIGIT, Cause.PAY_FREQUENCY_FACTOR}


@EVERY
@given(year=st.integers(20_000, 400_000), factor=st.sampled_from([12, 24, 26, 52, 2080, 1000]), up=st.booleans())
def test_a_pay_period_factor(world, stack, year, factor, up):
    wrong = Decimal(year) * factor if up else Decimal(year) / factor
    assert cause_of(world, stack, "pay_amount", pay(year), pay(wrong)) is Cause.PAY_FREQUENCY_FACTOR


def test_the_working_time_share_is_told_from_a_pay_period(world, stack):
    world.execute("INSERT INTO golden.persons (person_id, fte) VALUES ('p1', 0.5)")
    assert cause_of(world, stack, "pay_amount", pay(80000), pay(40000)) is Cause.FTE_SHARE


@EVERY
@given(day=st.dates(date(1950, 1, 1), date(2030, 12, 31)))
def test_dates(world, stack, day):
    after = cause_of(world, stack, "date_of_birth", day.isoformat(), (day + timedelta(days=1)).isoformat())
    swapped = day.day <= 12 and day.day != day.month
    assert after is Cause.OFF_BY_ONE_DAY or (swapped and after is Cause.DAY_MONTH_SWAPPED)
    if swapped:
        exchanged = day.replace(month=day.day, day=day.month)
        assert (
            cause_of(world, stack, "date_of_birth", day.isoformat(), exchanged.isoformat()) is Cause.DAY_MONTH_SWAPPED
        )


@pytest.mark.parametrize(
    ("attribute", "authority", "copy", "cause"),
    [
        ("employee_number", "001234", "1234", Cause.LEADING_ZEROS_LOST),
        ("employee_number", "10423", "10432", Cause.TRANSPOSED_DIGITS),
        ("employee_number", "10423", "10428", Cause.ONE_DIGIT),
        ("employee_number", "A-10423", "B-10423", Cause.OTHER),
        ("phone", "+13125550142", "+13125550124", Cause.TRANSPOSED_DIGITS),
        ("legal_last_name", "O'Brien", "OBrien", Cause.FORMAT_ONLY),
        ("legal_last_name", "García", "GARCIA", Cause.FORMAT_ONLY),
        ("legal_last_name", "García", "GarcÃ­a", Cause.MOJIBAKE),
        ("legal_last_name", "Müller", "MÃ¼ller", Cause.MOJIBAKE),
        ("legal_last_name", "van der Berg", "Berg van der", Cause.FORMAT_ONLY),
        ("legal_last_name", "Featherstonehaugh", "Featherstone", Cause.TRUNCATED),
        ("job_title", "Senior Radiology Technologist", "Senior Radiology Tec", Cause.TRUNCATED),
        ("job_title", "Nurse", "Cook", Cause.OTHER),
        ("legal_last_name", "Lee", None, Cause.MISSING_VALUE),
        ("legal_last_name", None, "Lee", Cause.EXTRA_VALUE),
        ("pay_amount", pay(81250), pay(60333), Cause.OTHER),
    ],
)
def test_known_pairs(world, stack, attribute, authority, copy, cause):
    assert cause_of(world, stack, attribute, authority, copy) is cause


def test_an_earlier_value_of_the_authority(world, stack):
    world.execute(
        f"""INSERT INTO {record_table("history", "hris", "job")} (parent_id, effective_from, job_title)
            VALUES ('1', DATE '2025-01-01', 'Nurse'), ('1', DATE '2026-02-01', 'Head Nurse'),
                   ('1', DATE '2026-09-01', 'Director')"""
    )
    assert cause_of(world, stack, "job_title", "Head Nurse", "Nurse") is Cause.STALE_VALUE
    assert cause_of(world, stack, "job_title", "Head Nurse", "Director") is Cause.APPLIED_EARLY
    assert cause_of(world, stack, "job_title", "Head Nurse", "Cook") is Cause.OTHER


def test_a_former_name_is_not_called_stale(world, stack):
    world.execute(
        f"""INSERT INTO {record_table("history", "hris", "worker")} (parent_id, legal_last_name, valid_from, valid_to)
            VALUES ('1', 'Silva', TIMESTAMPTZ '2026-01-01', TIMESTAMPTZ '2026-02-01'), ('1', 'Costa', TIMESTAMPTZ '2026-02-01', NULL)"""
    )
    assert cause_of(world, stack, "legal_last_name", "Costa", "Silva") is Cause.NICKNAME_OR_FORMER_NAME


def test_another_persons_value_only_when_it_says_whose(world, stack):
    world.execute("INSERT INTO golden.persons (person_id, pay_amount) VALUES ('p1', 81250), ('p2', 60333.5)")
    assert cause_of(world, stack, "pay_amount", pay(81250), pay("60333.5")) is Cause.ROW_SLIP
    world.execute("INSERT INTO golden.persons (person_id, pay_amount) VALUES ('p3', 60333.5), ('p4', 60333.5)")
    assert cause_of(world, stack, "pay_amount", pay(81250), pay("60333.5")) is Cause.OTHER


def test_the_day_of_entry(world, stack):
    world.execute(
        f"""INSERT INTO {record_table("history", "hris", "worker")} (parent_id, source_updated_at)
            VALUES ('1', TIMESTAMPTZ '2026-03-18 02:00:00Z')"""  # still the 17th in Chicago
    )
    assert cause_of(world, stack, "start_date", "2026-03-02", "2026-03-17") is Cause.ENTRY_DATE_AS_EFFECTIVE


def test_every_cause_has_a_place_in_the_order():
    assert sorted(ORDER) == sorted(Cause)


@pytest.mark.parametrize(("state", "cause"), [("missing_record", Cause.MISSING_RECORD), ("ghost", Cause.GHOST)])
def test_presence_has_its_cause_where_the_stack_declares_no_attribute_for_it(world, stack, state, cause):
    assert "standing" not in stack.attributes
    world.execute("DELETE FROM reconcile.discrepancies")
    world.execute(
        """INSERT INTO reconcile.discrepancies
           VALUES ('d1', 'p1', 'standing', 'all', ?, 'hris', '1', NULL, 'payroll', NULL, NULL, NULL, NULL)""",
        [state],
    )
    assert explain_causes(world, stack, CYCLE).by_cause == {cause: 1}
