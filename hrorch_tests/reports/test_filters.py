"""Filters keep what they name and nothing else; a name that does not exist is answered with the nearest."""

from __future__ import annotations

import itertools

import duckdb
import pytest

from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.reports.discrepancies import SHOWN, discrepancies
from hrorch_pipelines.reports.errors import (
    AmbiguousPersonError,
    NothingComparedError,
    UnknownChoiceError,
    UnknownPersonError,
)
from hrorch_pipelines.reports.explain import explain
from hrorch_pipelines.reports.metrics import metrics
from hrorch_pipelines.reports.read import find_person
from hrorch_tests.reports.house import House


@pytest.mark.parametrize(
    ("what", "given", "nearest"),
    [
        ("systems", "payrol", "payroll"),
        ("attributes", "pay_amout", "pay_amount"),
        ("states", "gost", "ghost"),
        ("causes", "transposed", "transposed_digits"),
    ],
)
def test_an_unknown_name_gives_the_nearest(
    con: duckdb.DuckDBPyConnection, house: House, what: str, given: str, nearest: str
) -> None:
    with pytest.raises(UnknownChoiceError) as raised:
        discrepancies(con, house.stack, **{what: (given,)})  # type: ignore[arg-type]
    assert f"did you mean `{nearest}`" in raised.value.remedy


def test_filters_together_keep_exactly_the_rows_that_pass_each(con: duckdb.DuckDBPyConnection, house: House) -> None:
    every = discrepancies(con, house.stack, states=tuple(State), reveal=True)
    column = every.place
    assert len(every.rows) == 19
    choices = itertools.product(
        ((), ("payroll",), ("hris",)), ((), ("job_title", "faith")), ((), ("other",)), ((), ("ghost", "disagree"))
    )
    for systems, attributes, causes, states in choices:
        wanted = [
            row
            for row in every.rows
            if (not systems or row[column("copy_system")] in systems)
            and (not attributes or row[column("attribute")] in attributes)
            and (not causes or row[column("cause")] in causes)
            and row[column("state")] in (states or SHOWN)
        ]
        found = discrepancies(
            con, house.stack, systems=systems, attributes=attributes, causes=causes, states=states, reveal=True
        )
        assert list(found.rows) == wanted


def test_a_limit_keeps_the_costliest_and_counts_the_rest(con: duckdb.DuckDBPyConnection, house: House) -> None:
    every = discrepancies(con, house.stack)
    some = discrepancies(con, house.stack, limit=3)
    assert some.rows == every.rows[:3]
    assert f"{len(every.rows) - 3} of them are not shown here." in some.notes
    amounts = [row[every.place("money_at_risk")] for row in discrepancies(con, house.stack, reveal=True).rows]
    known = [amount for amount in amounts if amount is not None]
    assert known == sorted(known, reverse=True)
    assert amounts[: len(known)] == known


def test_a_person_is_found_by_every_name_they_go_by(con: duckdb.DuckDBPyConnection, house: House) -> None:
    person = find_person(con, house.stack, "E002")
    for name in (person, person[:12], "hris:102", "payroll:102"):
        assert find_person(con, house.stack, name) == person
    table = discrepancies(con, house.stack, person="hris:102")
    assert {row[table.place("person_id")] for row in table.rows} == {person}


@pytest.mark.parametrize("name", ["p-zzzzzz", "hris:9999", "E999", "nosystem:1", "", "p-"])
def test_nobody_goes_by_a_name_that_is_not_there(con: duckdb.DuckDBPyConnection, house: House, name: str) -> None:
    with pytest.raises(UnknownPersonError) as raised:
        find_person(con, house.stack, name)
    assert len(name) < 3 or name not in str(raised.value)


def test_the_beginning_of_two_ids_is_no_name(house: House) -> None:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA golden; CREATE TABLE golden.persons (person_id VARCHAR, employee_number VARCHAR)")
        con.execute("INSERT INTO golden.persons VALUES ('p-aaaa1', '7'), ('p-aaaa2', '7')")
        with pytest.raises(AmbiguousPersonError):
            find_person(con, house.stack, "p-aaaa")
        with pytest.raises(AmbiguousPersonError):
            find_person(con, house.stack, "7")
        assert find_person(con, house.stack, "p-aaaa1") == "p-aaaa1"


def test_a_merged_person_is_found_under_the_old_id(house: House) -> None:
    with duckdb.connect() as con:
        con.execute("CREATE SCHEMA golden; CREATE TABLE golden.persons (person_id VARCHAR, employee_number VARCHAR)")
        con.execute("CREATE SCHEMA identity; CREATE TABLE identity.persons (person_id VARCHAR, merged_into VARCHAR)")
        con.execute("INSERT INTO golden.persons VALUES ('p-last', '1')")
        con.execute(
            "INSERT INTO identity.persons VALUES ('p-first', 'p-middle'), ('p-middle', 'p-last'), ('p-last', NULL)"
        )
        assert find_person(con, house.stack, "p-first") == "p-last"


def test_before_the_first_cycle_reports_say_what_to_do(house: House) -> None:
    with duckdb.connect() as con:
        for ask in (lambda: metrics(con, house.stack), lambda: explain(con, house.stack, "E001", None)):
            with pytest.raises(NothingComparedError, match="hrorch run"):
                ask()
