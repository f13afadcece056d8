"""Ten thousand real careers: an effective-dated database against an exported file, on two days, through the whole chain.

What is expected is worked out from the CSV files in plain Python, row by row.
"""

from __future__ import annotations

import csv
import gzip
import random
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
import yaml

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.identity.match import match
from hrorch_pipelines.reconcile.as_of import compare_as_of
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse

DATA = Path(__file__).resolve().parents[4] / "shared" / "data" / "employees-10k"
TODAY, EARLIER = date(2001, 3, 15), date(1995, 7, 1)

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="needs ../shared/data/employees-10k beside the repository")

STACK: dict[str, Any] = {
    "organization": {"name": "Ten thousand", "time_zone": "UTC"},
    "people": {"dana": {"name": "Dana", "email": "dana@ten.example"}},
    "systems": {
        "register": {
            "connector": "sql",
            "base_url": "sqlite:///register.db",
            "owner": "dana",
            "records": {
                "worker": {
                    "read": {"table": "employee"},
                    "key": "emp_no",
                    "fields": {"employee_number": "emp_no", "last_name": "last_name", "start_date": "hire_date"},
                },
                **{
                    table: {
                        "read": {"table": table},
                        "key": "emp_no",
                        "parent": "worker",
                        "parent_key": "emp_no",
                        "effective": {"from": "from_date", "to": "to_date"},
                        "fields": {attribute: column},
                    }
                    for table, attribute, column in (
                        ("title", "job_title", "title"),
                        ("salary", "pay_amount", "amount"),
                        ("dept_emp", "department", "dept_no"),
                    )
                },
            },
        },
        "payroll": {
            "connector": "files",
            "base_url": "export",
            "owner": "dana",
            "records": {
                "worker": {
                    "read": {"path": "payroll.csv"},
                    "key": "No",
                    "fields": {
                        "employee_number": "No",
                        "last_name": "Name",
                        "job_title": "Title",
                        "pay_amount": "Salary",
                        "department": {"from": "Dept", "map": {f"Dept {n}": f"d00{n}" for n in range(1, 10)}},
                    },
                }
            },
        },
    },
    "attributes": {
        "employee_number": {"data_type": "employment", "type": "identifier", "required_in": ["payroll"]},
        "last_name": {"data_type": "employment", "type": "name"},
        "start_date": {"data_type": "employment", "type": "date"},
        "job_title": {"data_type": "employment", "type": "text"},
        "department": {"data_type": "employment", "type": "code"},
        "pay_amount": {"data_type": "employment", "type": "money", "sensitivity": "pay", "tolerance": "0.005"},
    },
    "stages": {"worker": {"present_in": ["register"]}, "unknown": {"present_in": ["payroll"]}},
    "authority": {"employment": {"worker": "register", "unknown": "register"}},
    "presence": {"payroll": {"must": "pay_amount IS NOT NULL AND job_title IS NOT NULL"}},
    "matching": {"keys": [{"attributes": ["employee_number"]}]},
    "comparison": {"grace": "0s"},
}


def read(table: str) -> list[dict[str, str]]:
    with gzip.open(DATA / f"{table}.csv.gz", "rt", encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Careers:
    """The files, and what a person's value was on a day: the row begun last of those that count."""

    def __init__(self) -> None:
        self.people = {row["emp_no"]: row for row in read("employee")}
        self.tables = {
            name: read(table)
            for name, table in (("job_title", "title"), ("pay_amount", "salary"), ("department", "dept_emp"))
        }
        self.column = {"job_title": "title", "pay_amount": "amount", "department": "dept_no"}
        self.rows: dict[tuple[str, str], list[dict[str, str]]] = {}
        for name, rows in self.tables.items():
            for row in rows:
                self.rows.setdefault((name, row["emp_no"]), []).append(row)

    def value(self, name: str, number: str, day: date) -> str | None:
        if name not in self.column:
            return self.people[number][name]
        counting = [
            row
            for row in self.rows.get((name, number), [])
            if row["from_date"] <= day.isoformat()
            and (row["to_date"] == "9999-01-01" or day.isoformat() < row["to_date"])
        ]
        best = max(counting, key=lambda row: row["from_date"], default=None)
        return best[self.column[name]] if best else None

    def begins_after(self, name: str, number: str, day: date) -> bool:
        return any(row["from_date"] > day.isoformat() for row in self.rows.get((name, number), []))


@dataclass
class Company:
    careers: Careers
    payroll: dict[str, dict[str, str]]
    stack: Stack
    con: duckdb.DuckDBPyConnection
    cycle: Cycle

    def expected(self, day: date) -> set[tuple[str, str, str]]:
        """(employee number, attribute, state) of everything wrong on a day, from the files alone."""
        found = set()
        for number in self.careers.people:
            ours = {
                name: self.careers.value(name, number, day)
                for name in ("last_name", "job_title", "pay_amount", "department")
            }
            theirs = self.payroll.get(number)
            if theirs is None:
                if ours["pay_amount"] is not None and ours["job_title"] is not None:
                    found.add((number, "employee_number", "missing_record"))
                continue
            for name, value in ours.items():
                if value is None and self.careers.begins_after(name, number, day):
                    continue  # nothing counts yet and something will: scheduled, not compared
                if name == "pay_amount" and value is not None and theirs[name]:
                    same = abs(Decimal(value) - Decimal(theirs[name])) <= Decimal("0.005")
                else:
                    same = (value or "") == theirs[name]
                if not same:
                    found.add((number, name, "disagree"))
        return found

    def found(self) -> set[tuple[str, str, str]]:
        rows = self.con.execute(
            """SELECT g.employee_number, d.attribute, d.state FROM reconcile.discrepancies d
               JOIN golden.persons g USING (person_id) WHERE d.state NOT IN ('scheduled')"""
        ).fetchall()
        assert len(rows) == len(set(rows))
        return set(rows)


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    folder = tmp_path_factory.mktemp("employees")
    careers = Careers()
    payroll = _export(careers, folder / "export")
    _database(careers, folder / "register.db")
    content = yaml.safe_load(yaml.safe_dump(STACK, sort_keys=False))
    content["systems"]["register"]["base_url"] = f"sqlite:///{folder / 'register.db'}"
    content["systems"]["payroll"]["base_url"] = str(folder / "export")
    (folder / "stack.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    stack, home = load_stack(folder / "stack.yaml"), Home(folder / "home")
    clock = SetClock(datetime(TODAY.year, TODAY.month, TODAY.day, 12, tzinfo=UTC))
    for system in stack.systems:
        manifest = observe(stack, system, home, clock)
        assert manifest.trusted, manifest.faults
    with Warehouse(home, clock).write() as con:
        cycle = spine.start(con, stack, home, clock)
        assert all(result.suite_passed for result in validate(con, stack, home, cycle, data_docs=False))
        match(con, stack, cycle)
        assemble(con, stack, cycle)
        decide(con, stack, cycle)
        compare(con, stack, cycle)
        yield Company(careers, payroll, stack, con, cycle)


def _database(careers: Careers, path: Path) -> None:
    """Everything effective-dated goes into one database, its rows in no order."""
    rng = random.Random(7)
    with sqlite3.connect(path) as con:
        for name, rows in {
            "employee": list(careers.people.values()),
            **{
                t: careers.tables[n]
                for n, t in (("job_title", "title"), ("pay_amount", "salary"), ("department", "dept_emp"))
            },
        }.items():
            columns = list(rows[0])
            con.execute(f"CREATE TABLE {name} ({', '.join(f'{column} TEXT' for column in columns)})")
            shuffled = rng.sample(rows, len(rows))
            con.executemany(
                f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})",
                [[row[c] for c in columns] for row in shuffled],
            )


def _export(careers: Careers, folder: Path) -> dict[str, dict[str, str]]:
    """The payroll's file as of TODAY: whoever is paid then, with one in fifty wrong and one in a hundred left out."""
    rng = random.Random(11)
    names = ("last_name", "job_title", "pay_amount", "department")
    rows = {}
    for number in careers.people:
        row = {name: careers.value(name, number, TODAY) or "" for name in names}
        if not row["pay_amount"] or rng.random() < 0.01:
            continue
        if rng.random() < 0.02:
            wrong = rng.choice(names)
            row[wrong] = {
                "last_name": "Wrong",
                "job_title": "Clown",
                "pay_amount": str(int(row["pay_amount"]) + 12),
                "department": "d001" if row["department"] != "d001" else "d002",
            }[wrong]
        rows[number] = row
    folder.mkdir()
    with (folder / "payroll.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["No", "Name", "Title", "Salary", "Dept"])
        for number, row in rows.items():
            writer.writerow(
                [
                    number,
                    row["last_name"],
                    row["job_title"],
                    row["pay_amount"],
                    f"Dept {row['department'][-1]}" if row["department"] else "",
                ]
            )
    return rows


def test_today_exactly_the_planted_differences_are_found(company: Company) -> None:
    expected = company.expected(TODAY)
    assert company.found() == expected
    assert {state for _, _, state in expected} == {"disagree", "missing_record"}


def test_on_an_earlier_day_every_value_is_that_of_that_day(company: Company) -> None:
    today = company.found()
    with compare_as_of(company.con, company.stack, company.cycle, EARLIER):
        then = company.found()
        values = {number: (title, pay, department) for number, title, pay, department in company.con.execute(
            "SELECT employee_number, job_title, pay_amount, department FROM golden.persons WHERE stage = 'worker'"
        ).fetchall()}  # fmt: skip
    assert then == company.expected(EARLIER)
    assert len(then) > 10 * len(today)
    assert company.found() == today
    for number in company.careers.people:
        title, pay, department = (
            company.careers.value(name, number, EARLIER) for name in ("job_title", "pay_amount", "department")
        )
        assert values[number] == (title, pay and Decimal(pay), department)
