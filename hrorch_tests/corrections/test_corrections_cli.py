"""The command shows what is planned, masked; decides under a name; its dry run tells each request and sends none."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from hrorch_pipelines.cli.app import app
from hrorch_pipelines.cli.corrections import corrections_app
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.guard import guard
from hrorch_pipelines.corrections.proposal import Proposal, insert
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.workplace import Workplace, open_workplace
from hrorch_tests.corrections.planning import CYCLE
from hrorch_tests.corrections.test_guard import Bench

STACK = """\
organization: {name: Small, time_zone: America/Chicago}
people:
  dana: {name: Dana, email: d@small.example, deputy: omar}
  omar: {name: Omar, email: o@small.example, deputy: dana}
systems:
  hris:
    connector: files
    base_url: .
    owner: dana
    records: {worker: {read: {path: hris.csv}, key: id, fields: {name: name, pay: {from: pay, unit: year}}}}
  payroll:
    connector: sql
    base_url: sqlite:///DATABASE
    owner: omar
    records:
      worker:
        read: {table: staff}
        key: id
        fields: {name: full_name, pay: {from: salary, unit: year}}
        write: {table: staff}
    writes: {attributes: [name, pay]}
attributes:
  name: {data_type: personal, type: name}
  pay: {data_type: compensation, type: pay, sensitivity: pay}
stages: {worker: {present_in: [hris, payroll]}}
authority: {personal: {worker: hris}, compensation: {worker: hris}}
corrections: {mode: apply, four_eyes: [pay], approvers: [dana, omar], budgets: [{kind: name, count: 1}]}
"""


class Office:
    """A stack file, a payroll database, and two corrections of one record, guarded."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "payroll.sqlite"
        with sqlite3.connect(self.database) as con:
            con.execute("CREATE TABLE staff (id TEXT PRIMARY KEY, full_name TEXT, salary NUMERIC)")
            con.execute("INSERT INTO staff VALUES ('p0', 'Ann Leigh', 60000), ('p1', 'Bo', 1), ('p2', 'Cy', 2)")
        (folder / "stack.yaml").write_text(STACK.replace("DATABASE", str(self.database)), encoding="utf-8")
        self.workplace: Workplace = open_workplace(folder / "stack.yaml", folder / "home", SetClock(CYCLE))
        self.ledger: Ledger = self.workplace.ledger()
        self.ids = self.propose("P0", "p0", [("name", "Ann Leigh", "Ann Lee"), ("pay", "60000.0000", "50000.0000")])
        self.guard()

    def propose(self, person: str, source_id: str, changes: list[tuple[str, str, str]]) -> dict[str, str]:
        proposals = [
            Proposal(person, "payroll", "worker", source_id, name, before, after, discrepancy_id=f"{person}-{name}")
            for name, before, after in changes
        ]
        with self.ledger.write() as con:
            seals = Seals(con, self.workplace.home.key(), CYCLE)
            ids = insert(con, seals, self.workplace.stack, proposals, CYCLE)
        return dict(zip((name for name, _, _ in changes), ids, strict=True))

    def guard(self) -> None:
        bench = Bench(self.ledger, self.workplace.stack)
        guard(self.ledger, bench.con, self.workplace.stack, bench.cycle)

    def run(self, *words: str) -> Result:
        places = ["--stack", str(self.folder / "stack.yaml"), "--home", str(self.folder / "home")]
        return CliRunner().invoke(app, ["corrections", *words, *places])

    def json(self, *words: str) -> list[dict[str, Any]]:
        told = self.run(*words, "--format", "json")
        assert told.exit_code in {0, 1}, told.output
        found = json.loads(told.stdout)
        return list(found["rows"] if isinstance(found, dict) else found)

    def staff(self) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.database) as con:
            return con.execute("SELECT * FROM staff ORDER BY id").fetchall()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_the_list_is_masked_and_says_why_each_stands_where_it_does(office: Office) -> None:
    assert corrections_app.registered_commands
    rows = office.json("list")
    assert {(row["attribute"], row["state"], row["why"]) for row in rows} == {
        ("name", "ready", "within its budgets"),
        ("pay", "awaiting_approval", "a second person has to agree"),
    }
    assert not any(value in str(rows) for value in ("Leigh", "60000", "50000"))
    assert [row["attribute"] for row in office.json("list", "--state", "ready")] == ["name"]
    assert office.json("list", "--attribute", "pay", "--state", "confirmed") == []


def test_revealing_needs_a_name_and_is_logged(office: Office) -> None:
    told = office.run("list", "--reveal")
    assert isinstance(told.exception, HrorchError)
    assert "50000" in str(office.json("list", "--reveal", "--by", "dana"))


def test_one_correction_tells_its_history(office: Office) -> None:
    told = office.run("show", office.ids["pay"][:12], "--format", "json")
    assert told.exit_code == 0, told.output
    assert "correction proposed" in told.stdout or "correction_proposed" in told.stdout
    assert "awaiting_approval" in told.stdout
    assert "50000" not in told.stdout
    assert isinstance(office.run("show", "none").exception, HrorchError)


def test_a_decision_bears_a_name_and_takes_effect(office: Office) -> None:
    assert office.run("approve", office.ids["pay"], "--by", "omar").exit_code == 0
    assert office.run("reject", office.ids["name"], "--by", "dana", "--reason", "she married").exit_code == 0
    states = {row["attribute"]: row["state"] for row in office.json("list", "--state", "ready", "--state", "rejected")}
    assert states == {"pay": "ready", "name": "rejected"}
    assert isinstance(office.run("approve", office.ids["name"], "--by", "omar").exception, HrorchError)


def test_the_dry_run_tells_each_request_and_sends_none(office: Office) -> None:
    before = office.staff()
    (row,) = office.json("push", "--dry-run")
    assert (row["target"], row["source_id"], row["attributes"], row["method"]) == ("payroll", "p0", "name", "UPDATE")
    assert "full_name" in row["body"]
    assert "Lee" not in row["body"]
    (both,) = office.json("push", "--dry-run", "--all")
    assert sorted(both["attributes"].split(", ")) == ["name", "pay"]
    assert office.staff() == before
    assert {row["state"] for row in office.json("list")} == {"ready", "awaiting_approval"}


def test_the_dry_run_says_what_would_not_be_sent(office: Office) -> None:
    with sqlite3.connect(office.database) as con:
        con.execute("UPDATE staff SET full_name = 'Ann Li' WHERE id = 'p0'")
    (row,) = office.json("push", "--dry-run")
    assert (row["method"], row["note"]) == (None, "name not sent: the target has come to hold another value")
    (unread,) = office.json("push", "--dry-run", "--no-read")
    assert unread["method"] == "UPDATE"


def test_a_push_sends_what_is_ready_and_nothing_else(office: Office) -> None:
    told = office.run("push")
    assert told.exit_code == 0, (told.output, told.exception)
    assert office.staff()[0] == ("p0", "Ann Lee", 60000)
    assert [row["attribute"] for row in office.json("list", "--state", "confirmed")] == ["name"]


def test_in_mode_propose_push_sends_nothing_and_says_so(office: Office) -> None:
    path = office.folder / "stack.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("mode: apply", "mode: propose"), encoding="utf-8")
    told = office.run("push")
    assert "Nothing is sent" in told.stdout
    assert office.staff()[0] == ("p0", "Ann Leigh", 60000)


def test_a_frozen_segment_is_released_by_its_owner(office: Office) -> None:
    office.propose("P1", "p1", [("name", "Bo", "Bob")])
    office.guard()
    assert len(office.json("list", "--state", "frozen")) == 2
    words = ("release", "--kind", "name", "--target", "payroll", "--reason", "looked at all")
    assert office.run(*words, "--by", "omar").stdout == "2 released.\n"
    assert len(office.json("list", "--state", "ready")) == 2


def test_what_is_not_ready_is_never_sent_by_asking_for_all(office: Office) -> None:
    assert office.run("push", "--all").exit_code == 2
