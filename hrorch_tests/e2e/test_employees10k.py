"""Ten thousand employees with effective-dated rows, split into a database and files, compared as of two days in the past.

The oracle reads the same rows with plain Python: a row counts from its first day to the day before its `to_date`.
"""

from __future__ import annotations

import csv
import gzip
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.replay import published_as_of
from hrorch_tests.e2e.company import MORNING, REPOSITORY, Company, workplace, write_csv

DATA = REPOSITORY.parent / "shared" / "data" / "employees-10k"
pytestmark = pytest.mark.skipif(not DATA.exists(), reason="needs ../shared/data/employees-10k beside the checkout")

EARLY, LATE = date(1992, 3, 1), date(2000, 6, 15)
ROSTER_DAY = EARLY
"""The day on which the directory's roster was written: it is right as of that day and old as of any other."""

Row = dict[str, str]
DATED = {"salary": "amount", "title": "title", "dept_emp": "dept_no"}
"""Table → the column that changes over time."""


def table(name: str) -> list[Row]:
    with gzip.open(DATA / f"{name}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def resolve(rows: Iterable[Row], column: str, day: date) -> dict[str, str]:
    """Employee → the value that counts on a day; an employee with none is left out."""
    found: dict[str, tuple[str, str]] = {}
    for row in rows:
        if row["from_date"] <= day.isoformat() < row["to_date"]:
            held = found.get(row["emp_no"])
            if held is None or held[0] < row["from_date"]:
                found[row["emp_no"]] = row["from_date"], row[column]
    return {key: value for key, (_, value) in found.items()}


def payroll_salaries(rows: list[Row]) -> list[Row]:
    """Payroll's own salary rows: digits mistyped, raises entered a month late, and one whole life without its last raise."""
    theirs: list[Row] = []
    by_person: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_person[row["emp_no"]].append(dict(row))
    for key, own in by_person.items():
        own.sort(key=lambda row: row["from_date"])
        number = int(key)
        if number % 97 == 0:
            for row in own:
                row["amount"] = str(int(row["amount"]) + 9)
        if number % 101 == 0:
            for before, after in pairwise(own):
                late = date.fromisoformat(after["from_date"]) + timedelta(days=31)
                if late.isoformat() < after["to_date"]:
                    before["to_date"] = after["from_date"] = late.isoformat()
        if number % 103 == 0 and len(own) > 1:
            own[-2]["to_date"] = own[-1]["to_date"]
            own.pop()
        theirs += own
    return theirs


def roster(employees: list[Row], titles: list[Row], departments: list[Row], names: Mapping[str, str]) -> list[Row]:
    """The directory's flat list: what was true on one day, with a few titles and departments wrong."""
    title, department = resolve(titles, "title", ROSTER_DAY), resolve(departments, "dept_no", ROSTER_DAY)
    rows = []
    for row in employees:
        key = row["emp_no"]
        if key not in title or key not in department:
            continue  # not there yet on that day
        wrong = int(key) % 211 == 0
        rows.append(
            {
                "emp_no": key,
                "last_name": row["last_name"],
                "title": "Senior Vice Engineer" if wrong else title[key],
                "department": names[department[key]],
            }
        )
    return rows


@pytest.fixture(scope="module")
def source() -> dict[str, list[Row]]:
    """The tables as they come."""
    return {name: table(name) for name in ("employee", "department", *DATED)}


@pytest.fixture(scope="module")
def departments(source: dict[str, list[Row]]) -> dict[str, str]:
    return {row["dept_no"]: row["dept_name"] for row in source["department"]}


@pytest.fixture(scope="module")
def company(
    source: dict[str, list[Row]], departments: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Company:
    """The HRIS as a database, payroll and the directory as files; one finished cycle."""
    folder = tmp_path_factory.mktemp("employees")
    with closing(sqlite3.connect(folder / "hris.db")) as con, con:
        for name, rows in source.items():
            columns = list(rows[0])
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{column} TEXT' for column in columns)})")
            con.executemany(
                f"INSERT INTO {name} VALUES ({', '.join('?' for _ in columns)})", [list(row.values()) for row in rows]
            )
    write_csv(folder / "payroll" / "people.csv", source["employee"])
    write_csv(folder / "payroll" / "salaries.csv", payroll_salaries(source["salary"]))
    write_csv(
        folder / "directory" / "roster.csv",
        roster(source["employee"], source["title"], source["dept_emp"], departments),
    )
    (folder / "stack.yaml").write_text(yaml.safe_dump(declared(folder), sort_keys=False), encoding="utf-8")
    company = Company(workplace(folder / "stack.yaml", folder / "home", SetClock(MORNING)))
    outcomes = company.run()
    assert all(outcome.ok for outcome in outcomes.values()), outcomes
    return company


def declared(folder: Path) -> dict[str, Any]:
    """The stack file: everything an analyst would write to compare these three."""
    dated = {"parent": "worker", "parent_key": "emp_no", "key": "emp_no"}
    dated |= {"effective": {"from": "from_date", "to": "to_date"}}
    text, code = {"type": "text", "sensitivity": "normal"}, {"type": "identifier", "sensitivity": "normal"}
    return {
        "organization": {"name": "Ten thousand", "time_zone": "UTC"},
        "people": {"dana": {"name": "Dana Whitfield", "email": "dana@small.example"}},
        "systems": {
            "hris": {
                "connector": "sql",
                "base_url": f"sqlite:///{folder / 'hris.db'}",
                "owner": "dana",
                "records": {
                    "worker": {
                        "read": {"table": "employee"},
                        "key": "emp_no",
                        "fields": {
                            "employee_number": "emp_no",
                            "legal_first_name": "first_name",
                            "legal_last_name": "last_name",
                            "date_of_birth": "birth_date",
                            "hire_date": "hire_date",
                        },
                    },
                    "salary": {
                        **dated,
                        "read": {"table": "salary"},
                        "fields": {"pay_amount": {"from": "amount", "unit": "year"}},
                    },
                    "title": {**dated, "read": {"table": "title"}, "fields": {"job_title": "title"}},
                    "job": {
                        **dated,
                        "read": {"query": "SELECT * FROM dept_emp JOIN department USING (dept_no)"},
                        "fields": {"department": "dept_name"},
                    },
                },
            },
            "payroll": {
                "connector": "files",
                "base_url": str(folder / "payroll"),
                "owner": "dana",
                "records": {
                    "worker": {
                        "read": {"path": "people.csv"},
                        "key": "emp_no",
                        "fields": {
                            "employee_number": "emp_no",
                            "legal_last_name": "last_name",
                            "date_of_birth": "birth_date",
                        },
                    },
                    "salary": {
                        **dated,
                        "read": {"path": "salaries.csv"},
                        "fields": {"pay_amount": {"from": "amount", "unit": "year"}},
                    },
                },
            },
            "directory": {
                "connector": "files",
                "base_url": str(folder / "directory"),
                "owner": "dana",
                "records": {
                    "account": {
                        "read": {"path": "roster.csv"},
                        "key": "emp_no",
                        "fields": {
                            "employee_number": "emp_no",
                            "legal_last_name": "last_name",
                            "job_title": "title",
                            "department": "department",
                        },
                    }
                },
            },
        },
        "attributes": {
            "employee_number": {**code, "data_type": "employment"},
            "legal_first_name": {"type": "name", "data_type": "personal"},
            "legal_last_name": {"type": "name", "data_type": "personal"},
            "date_of_birth": {"type": "date", "data_type": "personal"},
            "hire_date": {"type": "date", "data_type": "employment", "sensitivity": "normal"},
            "job_title": {**text, "data_type": "employment"},
            "department": {**text, "data_type": "employment"},
            "pay_amount": {"type": "pay", "data_type": "compensation", "sensitivity": "pay", "tolerance": "0.005"},
        },
        "stages": {"worker": {"present_in": ["hris"]}},
        "authority": {kind: {"worker": "hris"} for kind in ("employment", "personal", "compensation")},
        "matching": {"keys": [{"attributes": ["employee_number"]}]},
        "comparison": {"grace": "0s"},
    }


@dataclass(frozen=True)
class Told:
    """What the product says of one day."""

    disagree: set[tuple[str, str, str, str | None, str | None]]
    agree: dict[tuple[str, str], int]
    pay: dict[str, str]


@pytest.fixture(scope="module")
def told(company: Company) -> dict[date, Told]:
    """Both days, looked at from today."""
    found = {}
    for day in (EARLY, LATE):
        with published_as_of(company.workplace, day) as con:
            disagree = con.execute(
                """SELECT copy_system, attribute, copy_source_id, authority_value, copy_value
                   FROM reconcile.discrepancies WHERE state = 'disagree'"""
            ).fetchall()
            agree = con.execute(
                "SELECT copy_system, attribute, n FROM reconcile.pair_counts WHERE state = 'agree' AND n > 0"
            ).fetchall()
            pay = con.execute(
                "SELECT employee_number, pay_amount::VARCHAR FROM golden.persons WHERE pay_amount IS NOT NULL"
            ).fetchall()
        found[day] = Told(set(disagree), {(copy, attribute): n for copy, attribute, n in agree}, dict(pay))
    return found


def expected(
    source: dict[str, list[Row]], departments: dict[str, str], day: date
) -> tuple[set[tuple[str, str, str, str | None, str | None]], dict[tuple[str, str], int]]:
    """The oracle: every pair that disagrees on a day, and how many agree."""
    salary, theirs = (
        {key: f"{amount}.0000" for key, amount in resolve(rows, "amount", day).items()}
        for rows in (source["salary"], payroll_salaries(source["salary"]))
    )
    title = resolve(source["title"], "title", day)
    job = {key: departments[number] for key, number in resolve(source["dept_emp"], "dept_no", day).items()}
    listed = {
        row["emp_no"]: row for row in roster(source["employee"], source["title"], source["dept_emp"], departments)
    }
    cells = [
        *(("payroll", "pay_amount", key, salary.get(key), theirs.get(key)) for key in salary.keys() | theirs.keys()),
        *(("directory", "job_title", key, title.get(key), row["title"]) for key, row in listed.items()),
        *(("directory", "department", key, job.get(key), row["department"]) for key, row in listed.items()),
    ]
    agree: Counter[tuple[str, str]] = Counter((copy, name) for copy, name, _, one, other in cells if one == other)
    return {cell for cell in cells if cell[3] != cell[4]}, dict(agree)


@pytest.mark.parametrize("day", [EARLY, LATE])
def test_every_disagreement_of_a_day_in_the_past_is_the_oracles(
    told: dict[date, Told], source: dict[str, list[Row]], departments: dict[str, str], day: date
) -> None:
    disagree, agree = expected(source, departments, day)
    assert told[day].disagree == disagree
    assert {key: n for key, n in told[day].agree.items() if key in agree} == agree
    assert len([cell for cell in disagree if cell[0] == "payroll"]) > 40


@pytest.mark.parametrize("day", [EARLY, LATE])
def test_the_golden_record_of_a_day_in_the_past_holds_the_row_that_counted_then(
    told: dict[date, Told], source: dict[str, list[Row]], day: date
) -> None:
    counted = {key: f"{amount}.0000" for key, amount in resolve(source["salary"], "amount", day).items()}
    assert told[day].pay == counted
    assert len(counted) > 4000


def test_each_day_has_its_own_truth(told: dict[date, Told]) -> None:
    wrong = {day: {cell[2] for cell in one.disagree if cell[1] == "job_title"} for day, one in told.items()}
    assert all(int(key) % 211 == 0 for key in wrong[EARLY]), (
        "on its own day the roster is right but for what was planted"
    )
    assert len(wrong[LATE]) > 1000, "eight years later it is old"
    assert told[EARLY].pay != told[LATE].pay


def test_everybody_is_matched_nobody_is_held_and_looking_back_changes_nothing(company: Company) -> None:
    assert company.one("SELECT count(*) FROM identity.persons") == 10_000
    assert company.one("SELECT count(*) FROM gates.quarantine") == 0
    published = company.workplace.home.published
    before = published.read_bytes()
    with published_as_of(company.workplace, LATE):
        pass
    assert published.read_bytes() == before
