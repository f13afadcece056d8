"""`hrorch monitor`: what is wrong as a table and an exit code, messages sent, times told, failures reported by people."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from hrorch_pipelines.cli import app
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import EXAMPLE, Receiver

Run = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("HRORCH_LEDGER_URL", raising=False)
    made = Home(tmp_path / "home")
    made.root.mkdir()
    ledger = open_ledger(made, SystemClock())
    with ledger.write() as con:
        planted.breaker(con, "payroll", ledger.clock.now())
    ledger.close()
    return made


@pytest.fixture
def run(tmp_path: Path, home: Home, receiver: Receiver) -> Run:
    stack = tmp_path / "stack.yaml"
    alerts = f"\nalerts: {{urls: ['${{ALERTS:-}}', '{receiver.url}'], default_owner: hris-analyst, watch: {{disk_free: 0%}}}}\n"
    for part in ("catalogues", "letters"):
        (tmp_path / part).symlink_to(EXAMPLE.parent / part)
    stack.write_text(EXAMPLE.read_text(encoding="utf-8") + alerts, encoding="utf-8")

    def invoke(*words: str) -> Result:
        paths = ["--stack", str(stack), "--home", str(home.root)]
        return CliRunner().invoke(app, ["monitor", *words, *paths], env={"COLUMNS": "200"})

    return invoke


def test_status_tells_what_is_wrong_and_nobody_is_told(run: Run, receiver: Receiver) -> None:
    done = run("status")
    assert done.exit_code == 1
    assert "Marcus Oyelaran" in done.output
    done = run("status", "--format", "json")
    row = json.loads(done.output)["rows"][0]
    assert row["what"].endswith("cannot be written: 5 failures in a row (timeout).")
    assert row["told"] == "not yet"
    assert receiver.got == []


def test_send_tells_once_and_says_so(run: Run, receiver: Receiver) -> None:
    assert run("send").output == "1 alert open; 1 raised; 1 message sent.\n"
    assert run("send").output == "1 alert open.\n"
    assert len(receiver.got) == 1
    assert run("status").exit_code == 1


def test_send_says_when_a_message_could_not_be_delivered(run: Run, receiver: Receiver) -> None:
    receiver.status = 500
    done = run("send")
    assert done.exit_code == 1
    assert "1 could not be delivered" in done.stderr


def test_what_a_person_noticed_is_told_and_ends_when_they_say_so(run: Run, receiver: Receiver) -> None:
    words = (
        "--what",
        "Badges were not printed.",
        "--by",
        "talent-ops",
        "--since",
        "2020-01-02",
        "--system",
        "onboarding",
    )
    done = run("noticed", *words)
    assert done.exit_code == 0, done.output
    run("send")
    assert "[error] Badges were not printed." in receiver.titles
    told = json.loads(run("times", "--days", "9999", "--format", "json").output)["rows"]
    assert {row["kind"]: row["share_by_people"] for row in told} == {"all": 0.5, "breaker": 0.0, "person": 1.0}
    assert "Badges" in run("status").output
    alert = done.output.split()[1].rstrip(":")
    assert run("over", alert).output == "Over.\n"
    assert "Badges" not in run("status").output
    assert run("over", alert).exit_code == 2
    assert isinstance(run("noticed", "--what", "x", "--by", "nobody").exception, Exception)


def test_an_address_nobody_could_send_to_is_a_fault_that_does_not_quote_it(tmp_path: Path) -> None:
    from hrorch_pipelines.stack.load import load_stack

    stack = tmp_path / "stack.yaml"
    alerts = (
        "\nalerts: {urls: ['carrierpigeon://hush-hush@nowhere'], quiet_hours: '08:00-08:00', default_owner: nobody}\n"
    )
    for part in ("catalogues", "letters"):
        (tmp_path / part).symlink_to(EXAMPLE.parent / part)
    stack.write_text(EXAMPLE.read_text(encoding="utf-8") + alerts, encoding="utf-8")
    with pytest.raises(StackFaults) as told:
        load_stack(stack, env={})
    for word in ("no address that alerts can be sent to", "has no length", "there is no `nobody`"):
        assert word in str(told.value)
    assert "hush-hush" not in str(told.value)
