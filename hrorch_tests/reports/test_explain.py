"""Explain tells how each value came to be what it is, from the record to the rule to what disagrees."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest

from hrorch_pipelines.reports.errors import UnknownChoiceError, UnknownPersonError
from hrorch_pipelines.reports.explain import explain
from hrorch_pipelines.reports.table import Table
from hrorch_tests.reports.house import CANARIES, House


def told(tables: list[Table]) -> dict[str, list[dict[str, Any]]]:
    return {
        table.title: [dict(zip((column.name for column in table.columns), row, strict=True)) for row in table.rows]
        for table in tables
    }


def test_a_wrong_value_is_told_from_record_to_cause(con: duckdb.DuckDBPyConnection, house: House) -> None:
    story = told(explain(con, house.stack, "E002", "pay_amount", reveal=True))
    assert [(row["system"], row["source_id"]) for row in story["Who"]] == [("hris", "102"), ("payroll", "102")]
    linked = [row for row in story["Who"] if row["because"]]
    assert [row["method"] for row in linked] == ["key"]
    assert linked[0]["because"].startswith("employee_number with ")
    (value,) = story["Values"]
    assert (value["value"], value["state"], value["system"]) == ("123457.8900", "decided", "hris")
    assert value["rule"] == "authority.pay.worker: hris"
    says = {row["system"]: row for row in story["What every system says"]}
    assert (says["hris"]["role"], says["hris"]["value"], says["hris"]["comparison"]) == ("authority", "123457.8900", "")
    assert (says["payroll"]["role"], says["payroll"]["value"]) == ("copy", "132457.8900")
    assert says["payroll"]["comparison"] == "disagrees"
    (wrong,) = story["Discrepancies"]
    assert wrong["cause"] == "transposed_digits"


def test_changes_are_told_with_who_made_them(con: duckdb.DuckDBPyConnection, house: House) -> None:
    story = told(explain(con, house.stack, "payroll:113", "job_title"))
    (change,) = story["Changes"]
    assert (change["system"], change["before"], change["after"]) == ("payroll", "Nurse 3", "Nurse 4b")
    assert change["changed_by"] == "Leo Lead"


def test_a_change_within_the_grace_period_is_in_flight(con: duckdb.DuckDBPyConnection, house: House) -> None:
    story = told(explain(con, house.stack, "E014", "pay_amount"))
    assert [row["state"] for row in story["Discrepancies"]] == ["in_flight"]
    assert {row["comparison"] for row in story["What every system says"]} == {"", "in flight"}
    assert all("77777" not in str(row) for rows in story.values() for row in rows)


def test_an_open_question_about_a_record_is_told(con: duckdb.DuckDBPyConnection, house: House) -> None:
    for name in ("hris:111", "payroll:111"):
        (question,) = told(explain(con, house.stack, name, None))["Open questions of identity"]
        assert (question["left_id"], question["right_id"], question["reviewer"]) == ("111", "111", "Ada Analyst")


def test_without_an_attribute_every_attribute_has_its_rule(con: duckdb.DuckDBPyConnection, house: House) -> None:
    story = told(explain(con, house.stack, "E020", None))
    assert [row["attribute"] for row in story["Values"]] == list(house.stack.attributes)
    assert {row["state"] for row in story["Values"]} == {"decided"}
    assert all(row["rule"].startswith("authority.") for row in story["Values"])
    assert "Discrepancies" not in story


def test_what_a_person_lacks_in_the_authority_is_not_taken_from_a_copy(
    con: duckdb.DuckDBPyConnection, house: House
) -> None:
    story = told(explain(con, house.stack, "payroll:111", "job_title"))
    (value,) = story["Values"]
    assert (value["state"], value["value"]) == ("unavailable", "(unavailable)")


def test_a_record_that_never_passed_its_gate_belongs_to_nobody(con: duckdb.DuckDBPyConnection, house: House) -> None:
    with pytest.raises(UnknownPersonError):
        explain(con, house.stack, "hris:105", None)
    assert [row["system"] for row in told(explain(con, house.stack, "payroll:105", None))["Who"]] == ["payroll"]


def test_values_are_masked_until_revealed(con: duckdb.DuckDBPyConnection, house: House) -> None:
    def texts(*, reveal: bool) -> str:
        return str(told(explain(con, house.stack, "E008", "faith", reveal=reveal)))

    assert CANARIES["faith"] not in texts(reveal=False)
    assert CANARIES["other faith"] not in texts(reveal=False)
    assert CANARIES["faith"] in texts(reveal=True)


def test_an_attribute_that_does_not_exist_gives_the_nearest(con: duckdb.DuckDBPyConnection, house: House) -> None:
    with pytest.raises(UnknownChoiceError, match="did you mean `job_title`"):
        explain(con, house.stack, "E001", "jobtitle")
