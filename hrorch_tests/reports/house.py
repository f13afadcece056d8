"""A company of two exports, taken through the real stages over two days, with canaries among its values."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.identity.match import match
from hrorch_pipelines.reconcile.bridge import build_bridges
from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.reconcile.landings import attribute_landings
from hrorch_pipelines.reconcile.money import price
from hrorch_pipelines.reconcile.rates import compute_rates
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse, publish

FIRST_DAY = datetime(2026, 6, 30, 15, tzinfo=UTC)
FORMULA = "=cmd|'/C calc'!A0"
MARKUP = "<script>alert(1)</script>"

CANARIES = {
    "name": "Quzzlewick",
    "other name": "Quzlewickk",
    "birth": "1971-03-17",
    "other birth": "1971-03-18",
    "faith": "Pastafarian",
    "other faith": "Discordian",
    "pay": "123457.89",
    "other pay": "132457.89",
    "pay of a ghost": "98765.43",
    "pay of a missing one": "87654.32",
    "national id": "078-05-1120",
    "quarantined birth": "1893-04-05",
}
"""Values whose attributes are masked; none may appear where nothing was revealed."""

PER_PERIOD = {"ghost": "3,798.67", "missing": "3,371.32", "difference": "346.15"}
"""What these canaries cost per pay period: pay divided by 26, which would tell the pay."""

FIELDS = {
    "employee_number": "number",
    "legal_first_name": "first",
    "legal_last_name": "last",
    "date_of_birth": "born",
    "faith": "faith",
    "national_id": "ssn",
    "job_title": "title",
    "employment_status": "status",
    "start_date": "start",
    "pay_amount": {"from": "pay", "unit": "year"},
}
COLUMNS = ["id", "number", "first", "last", "born", "faith", "ssn", "title", "status", "start", "pay", "by", "at"]


@dataclass(frozen=True)
class House:
    """The stack, its run-time folder, and the moment of the last cycle."""

    stack: Stack
    home: Home
    now: datetime


def attributes() -> dict[str, dict[str, Any]]:
    employment = {"data_type": "employment", "sensitivity": "normal"}
    return {
        "employee_number": {**employment, "type": "identifier", "required_in": ["payroll"]},
        "legal_first_name": {"data_type": "personal", "type": "name"},
        "legal_last_name": {"data_type": "personal", "type": "name", "required_in": ["payroll"]},
        "date_of_birth": {"data_type": "personal", "type": "date"},
        "faith": {"data_type": "personal", "type": "text", "sensitivity": "special"},
        "national_id": {"data_type": "personal", "type": "secret"},
        "job_title": {**employment, "type": "text", "label": "Job <title>"},
        "employment_status": {**employment, "type": "code", "required_in": ["payroll"]},
        "start_date": {**employment, "type": "date"},
        "pay_amount": {
            "data_type": "pay",
            "type": "pay",
            "sensitivity": "pay",
            "tolerance": "0.005",
            "required_in": ["payroll"],
        },
    }


def declaration() -> dict[str, Any]:
    """The stack file: the HRIS decides everything, payroll must have whoever is active."""

    def system(owner: str) -> dict[str, Any]:
        record = {
            "key": "id",
            "fields": FIELDS,
            "changed_by": "by",
            "changed_at": "at",
        }
        return {
            "connector": "files",
            "base_url": "exports",
            "owner": owner,
            "trust": {"max_age": "2h", "max_row_drop": "50%"},
            "records": {"worker": record},
        }

    hris, payroll = system("analyst"), system("lead")
    hris["records"]["worker"]["read"] = {"path": "hris.csv"}
    payroll["records"]["worker"]["read"] = {"path": "payroll.csv"}
    return {
        "organization": {"name": "Ellis & <Sons>", "time_zone": "America/Chicago", "currency": "USD"},
        "people": {
            "analyst": {"name": "Ada Analyst", "email": "ada@example.org", "deputy": "lead"},
            "lead": {"name": "Leo Lead", "email": "leo@example.org"},
        },
        "systems": {"hris": hris, "payroll": payroll},
        "attributes": attributes(),
        "stages": {"worker": {"present_in": ["hris"]}, "candidate": {"present_in": ["payroll"]}},
        "authority": {name: {"worker": "hris", "candidate": "hris"} for name in ("employment", "personal", "pay")},
        "presence": {
            "payroll": {
                "must": "stage = 'worker' AND employment_status = 'active'",
                "must_not": "stage = 'worker' AND employment_status = 'terminated'",
                "live": "employment_status = 'active'",
                "grace": "1h",
            }
        },
        "gates": {
            "hris.worker": [
                {"rule": "range", "attribute": "date_of_birth", "min": "1926-01-01", "due": "1d"},
                {"rule": "max_length", "attribute": "job_title", "max": "60", "severity": "warning"},
            ]
        },
        "matching": {
            "keys": [{"attributes": ["employee_number"], "confirm": ["legal_last_name", "date_of_birth"]}],
            "reviewer": "analyst",
        },
        "comparison": {"grace": "24h", "pay_periods_per_year": 26},
    }


def people() -> list[dict[str, str]]:
    """Forty workers in whom everything agrees."""
    return [
        {
            "id": f"{100 + n}",
            "number": f"E{n:03}",
            "first": f"First{n}",
            "last": f"Last{n}x",
            "born": f"{1960 + n % 40}-05-{1 + n % 28:02}",
            "faith": "none",
            "ssn": f"111-22-{3000 + n}",
            "title": f"Nurse {n % 5}",
            "status": "active",
            "start": "2015-02-01",
            "pay": f"{50000 + 100 * n}.00",
            "by": "",
            "at": "2020-01-01T00:00:00Z",
        }
        for n in range(40)
    ]


def first_day() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """HRIS and payroll with one fault of each kind that a report has to show."""
    hris, payroll = people(), people()
    hris[1]["last"], payroll[1]["last"] = CANARIES["name"], CANARIES["other name"]
    hris[2]["pay"], payroll[2]["pay"] = CANARIES["pay"], CANARIES["other pay"]
    hris[3] |= {"status": "terminated", "pay": CANARIES["pay of a ghost"]}
    payroll[3]["pay"] = CANARIES["pay of a ghost"]
    hris[4]["pay"] = payroll[4]["pay"] = CANARIES["pay of a missing one"]
    hris[5]["born"] = CANARIES["quarantined birth"]
    payroll[6]["title"] = FORMULA
    payroll[7]["title"] = MARKUP
    hris[8]["faith"], payroll[8]["faith"] = CANARIES["faith"], CANARIES["other faith"]
    hris[9]["born"], payroll[9]["born"] = CANARIES["birth"], CANARIES["other birth"]
    hris[10]["ssn"] = CANARIES["national id"]
    payroll[11] |= {"last": "Somebody", "born": "1999-09-09", "first": "Else"}
    return hris, [row for row in payroll if row["number"] != "E004"]


def second_day() -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Two days on: one value typed into payroll by a named person, one that nobody signed, one raise that just happened."""
    hris, payroll = first_day()
    payroll[12] |= {"title": "Nurse 4b", "by": "Leo Lead", "at": "2026-07-02T10:00:00Z"}
    payroll[13] |= {"title": "Nurse 4c", "by": ""}
    hris[14] |= {"pay": "77777.77", "by": "Ada Analyst", "at": "2026-07-02T14:00:00Z"}
    return hris, payroll


def live(folder: Path, days: int = 2) -> House:
    """Run the real stages once a day and publish."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "stack.yaml"
    path.write_text(yaml.safe_dump(declaration(), sort_keys=False), encoding="utf-8")
    stack = load_stack(path, env={})
    home = Home(folder / "home")
    clock = SetClock(FIRST_DAY)
    for number, day in enumerate((first_day, second_day)[:days]):
        clock.at = FIRST_DAY + timedelta(days=2 * number)
        _export(folder / "exports", *day())
        run_cycle(stack, home, clock)
    return House(stack, home, clock.now())


def run_cycle(stack: Stack, home: Home, clock: SetClock) -> None:
    for system in stack.systems:
        manifest = observe(stack, system, home, clock)
        assert manifest.trusted, manifest.faults
    with Warehouse(home, clock).write() as con:
        cycle = spine.start(con, stack, home, clock)
        validate(con, stack, home, cycle, data_docs=False)
        match(con, stack, cycle)
        assemble(con, stack, cycle)
        decide(con, stack, cycle)
        compare(con, stack, cycle)
        explain_causes(con, stack, cycle)
        price(con, stack)
        attribute_landings(con, stack, cycle, home.key())
        compute_rates(con, cycle)
        build_bridges(con, stack, cycle)
        cycles.finish(con, cycle)
    publish(home)


def _export(folder: Path, hris: list[dict[str, str]], payroll: list[dict[str, str]]) -> None:
    folder.mkdir(exist_ok=True)
    for name, rows in (("hris", hris), ("payroll", payroll)):
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
