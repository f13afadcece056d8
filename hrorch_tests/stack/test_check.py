"""`check_stack` binds all SQL, tries every system over the wire, and tells each outcome apart."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from hrorch_pipelines.check import CheckReport, check_stack
from hrorch_pipelines.clock import SystemClock
from hrorch_tests.stack.conftest import SECRET, VALID, spoilt


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRIS_KEY", SECRET)


def check(folder: Path, text: str, *, connect: bool = False, patience: float = 5) -> CheckReport:
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    return check_stack(folder / "stack.yaml", SystemClock(), connect=connect, patience=patience)


def test_the_valid_file_binds(folder: Path) -> None:
    report = check(folder, VALID)
    assert (report.faults, report.exit_code) == ((), 0)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("when: \"hris.status <> 'prehire'\"", "when: \"hris.statos <> 'prehire'\"", "statos"),
        ("when: \"hris.status <> 'prehire'\"", "when: \"hris.status <>\"", "is not SQL"),
        ("live: \"pay > 0\"", "live: \"birth_date > 0\"", "birth_date"),
        ("sql: \"start_date > birth_date\"", "sql: \"start_date > born\"", "there is no column `born`"),
        ("sql: \"start_date > birth_date\"", "sql: \"start_date >\"", "syntax error"),
        ("sql: \"start_date > birth_date\"", "sql: \"read_text('/etc/hostname') IS NULL\"", ""),
        ("sql: \"start_date > birth_date\"", "sql: \"count(*) > 1\"", ""),
        ("birth_date: born", "birth_date: 'born[x'", "cannot be read"),
        ("status: status\n", "status: {from: status, sql: \"upper(valu)\"}\n", "valu"),
        ("status: status\n", "status: {from: status, sql: \"random()\"}\n", "random"),
        ("key: row", "key: {from: row, sql: \"now()\"}", "now"),
        ("        parent: worker\n", "        where: \"field('a') =\"\n        parent: worker\n", "the SQL cannot be read"),
        ("department: {from: Dept, ", "department: {from: Dept, sql: \"field('Dept') || nope\", ", "nope"),
    ],
)  # fmt: skip
def test_what_does_not_bind_is_a_fault_on_its_line(folder: Path, old: str, new: str, what: str) -> None:
    text, line = spoilt(old, new)
    report = check(folder, text)
    assert [fault.line for fault in report.faults] == [line], report.faults
    assert what in report.faults[0].what
    assert report.exit_code == 2


def test_a_fault_of_sql_never_quotes_the_environment(folder: Path) -> None:
    text, _ = spoilt('sql: "start_date > birth_date"', 'sql: "start_date > ${HRIS_KEY}"')
    report = check(folder, text)
    assert report.faults
    assert not any(SECRET in str(fault) for fault in report.faults)


def test_a_file_with_faults_is_reported_and_nothing_is_tried(folder: Path) -> None:
    report = check(folder, VALID.replace("owner: lead", "owner: nobody"), connect=True)
    assert (len(report.faults), report.connections, report.exit_code) == (1, (), 2)


class People(BaseHTTPRequestHandler):
    """A system that knows one token."""

    def do_GET(self) -> None:
        known = self.headers["Authorization"] == f"Bearer {SECRET}"
        body = json.dumps({"people": [{"id": 1}], "next": None} if known else {}).encode()
        self.send_response(200 if known else 401)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def server() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), People) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_each_system_tells_its_own_outcome(folder: Path, server: str) -> None:
    text = VALID.replace("https://hris.small.example", server)
    report = check(folder, text, connect=True)
    hris, payroll = report.connections
    assert (hris.system, hris.ok) == ("hris", True)
    assert (payroll.system, payroll.ok) == ("payroll", False)
    assert "payroll.csv" in payroll.what
    assert payroll.remedy
    assert report.exit_code == 1
    (folder / "payroll.csv").write_text("EmpNo,Name,Dept,Pay\n", encoding="utf-8")
    assert check(folder, text, connect=True).exit_code == 0


def test_a_wrong_credential_says_so_and_shows_none(folder: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRIS_KEY", "wrong-secret")
    hris = check(folder, VALID.replace("https://hris.small.example", server), connect=True).connections[0]
    assert not hris.ok
    assert "credentials" in hris.remedy
    assert "wrong-secret" not in hris.what + hris.remedy


def test_a_system_that_never_answers_does_not_hold_up_the_check(folder: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        text = VALID.replace("https://hris.small.example", f"http://127.0.0.1:{silent.getsockname()[1]}")
        hris = check(folder, text, connect=True, patience=0.3).connections[0]
    assert not hris.ok
    assert "answer" in hris.what


@pytest.mark.parametrize("name", ["data/stack.yaml", "docs/examples/two-files/stack.yaml"])
def test_the_stacks_we_ship_have_no_fault(name: str) -> None:
    report = check_stack(Path(__file__).parents[2] / name, SystemClock(), connect=False)
    assert report.faults == ()
