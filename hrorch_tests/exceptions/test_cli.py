"""The same from the command line and in every format; a value that is entered leaves no trace there."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hrorch_pipelines.cli import app
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.exceptions.company import MONDAY, Company
from hrorch_tests.exceptions.test_resolutions import titled, writable


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Company:
    folder = tmp_path_factory.mktemp("desk")
    clock = SetClock(MONDAY)
    house = Company(folder, open_ledger(Home(folder / "home"), clock), clock, writable)
    for n in (2, 3, 4, 5, 6):
        house.payroll[n]["title"] = f"Porter {n}"
    house.payroll[8]["born"] = "1968-05-10"
    house.payroll[11] |= {"last": "Somebody", "born": "1999-09-09", "first": "Else"}
    house.day()
    return house


def run(house: Company, *words: str, given: str | None = None) -> Result:
    paths = ["--stack", str(house.folder / "stack.yaml"), "--home", str(house.home.root)]
    return CliRunner().invoke(app, ["exceptions", *words, *paths], input=given, env={"COLUMNS": "200"})


def listed(house: Company, *words: str) -> list[dict[str, Any]]:
    found = run(house, "list", *words, "--format", "json")
    assert found.exit_code in (0, 1), found.output
    rows: list[dict[str, Any]] = json.loads(found.stdout)["rows"]
    assert found.exit_code == (1 if rows else 0)
    return rows


def test_the_list_filters_and_masks(lived: Company) -> None:
    every = listed(lived)
    assert len(every) == len([row for row in lived.cases() if row.state not in ("confirmed", "waived")])
    assert {row["attribute"] for row in listed(lived, "--attribute", "date_of_birth")} == {"date_of_birth"}
    assert {row["source"] for row in listed(lived, "--source", "identity")} == {"identity"}
    assert {row["reviewer"] for row in listed(lived, "--reviewer", "lead")} == {"Leo Lead"}
    assert listed(lived, "--system", "payroll", "--state", "confirmed") == []
    (born,) = listed(lived, "--attribute", "date_of_birth")
    assert "1968" not in json.dumps([{**row, "case_id": ""} for row in every])
    assert born["expected"] == born["actual"] == "1•••(10)"


@pytest.mark.parametrize("form", ["table", "csv", "html", "xlsx"])
def test_every_format_shows_every_case(lived: Company, form: str, tmp_path: Path) -> None:
    output = tmp_path / f"cases.{form}"
    assert run(lived, "list", "--format", form, "--output", str(output)).exit_code == 1
    content = output.read_bytes()
    assert len(content) > 500
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
        assert len(rows) == len(listed(lived))


@pytest.mark.parametrize("words", [["--reviewer", "nobody"], ["--state", "opened"], ["--source", "gates"]])
def test_a_filter_that_names_nothing_is_refused(lived: Company, words: list[str]) -> None:
    found = run(lived, "list", *words)
    assert isinstance(found.exception, HrorchError)


def test_a_case_is_taken_on_passed_on_and_waived_with_its_course_shown(lived: Company) -> None:
    case = titled(lived, 2).case_id
    steps = (
        ("acknowledge", case[:8], "--by", "lead"),
        ("start", case, "--by", "lead"),
        ("assign", case, "--to", "analyst", "--by", "lead"),
        ("waive", case, "--by", "analyst", "--until", "2099-12-31", "--reason", "after the migration"),
    )
    for step in steps:
        done = run(lived, *step)
        assert done.exit_code == 0, done.output
    facts, course = json.loads(run(lived, "show", case[:8], "--format", "json").stdout)
    told = {row["fact"]: row["told"] for row in facts["rows"]}
    assert (told["state"], told["waived_until"], told["reviewer"]) == (
        "waived", "2100-01-01 06:00 UTC", "Ada Analyst (analyst)",
    )  # fmt: skip
    assert [row["actor"] for row in course["rows"]] == ["hrorch", "Leo Lead", "Leo Lead", "Leo Lead", "Ada Analyst"]


def test_accepting_and_entering_from_the_command_line(lived: Company) -> None:
    accepted = run(lived, "resolve", titled(lived, 3).case_id, "--accept", "--by", "lead")
    assert (accepted.exit_code, "is proposed" in accepted.output) == (0, True), accepted.output
    entered = run(lived, "resolve", titled(lived, 4).case_id, "--value", "-", "--by", "lead", given="Midwife\n")
    assert (entered.exit_code, "Midwife" in entered.output) == (0, False), entered.output
    ledger = b"".join(path.read_bytes() for path in lived.home.root.glob("ledger.sqlite*"))
    assert b"Midwife" not in ledger


def test_a_value_cannot_be_given_on_the_command_line(lived: Company) -> None:
    refused = run(lived, "resolve", titled(lived, 5).case_id, "--value", "Midwife", "--by", "lead")
    assert refused.exit_code == 2
    assert titled(lived, 5).state == "open"


@pytest.mark.parametrize("ways", [[], ["--accept", "--edited"], ["--same", "--different"]])
def test_one_way_of_resolving_has_to_be_chosen(lived: Company, ways: list[str]) -> None:
    assert run(lived, "resolve", titled(lived, 5).case_id, *ways, "--by", "lead").exit_code == 2
    assert titled(lived, 5).state == "open"


def test_an_override_and_an_answer_from_the_command_line(lived: Company) -> None:
    let = run(
        lived,
        "resolve",
        titled(lived, 6).case_id,
        "--override",
        "--until",
        "2099-01-31",
        "--reason",
        "agreed",
        "--by",
        "lead",
    )
    assert (let.exit_code, titled(lived, 6).state) == (0, "waived"), let.output
    question = lived.only(source="identity").case_id
    answer = run(lived, "resolve", question, "--different", "--reason", "two people", "--by", "analyst")
    assert (answer.exit_code, lived.only(case_id=question).state) == (0, "awaiting_confirmation"), answer.output


def test_times_tell_m4_and_the_age_of_what_is_open(lived: Company) -> None:
    figures, ages = json.loads(run(lived, "times", "--format", "json").stdout)
    assert [row["clock"] for row in figures["rows"]] == ["elapsed hours", "working hours"]
    assert figures["rows"][0]["open"] == len([row for row in lived.cases() if row.state != "confirmed"])
    assert sum(row["cases"] for row in ages["rows"]) == figures["rows"][0]["open"]
