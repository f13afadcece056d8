"""`hrorch handoffs …`: a pass from the command line, then what it lists, shows, counts and tells of one person over time."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.cli import main
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.handoffs.states import bring_up
from hrorch_pipelines.reports.handoffs import status, step, steps
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.storage import cycles
from hrorch_tests.authority.house import House
from hrorch_tests.handoffs.chain import START, Office, candidate, declare

STACK = """\
version: 1
organization: {name: Small, time_zone: America/Chicago}
people: {dana: {name: Dana, email: dana@small.example}, rita: {name: Rita, email: rita@small.example}}
systems:
  ats:
    {kind: ats, connector: files, base_url: ., owner: dana, trust: {max_age: 100y}, records: {candidate: {read: {path: a.csv}, key: id,
      fields: {last_name: n, offer_status: o, authorised: a}}}}
  hris:
    {kind: hris, connector: files, base_url: ., owner: dana, trust: {max_age: 100y}, records: {worker: {read: {path: h.csv}, key: id,
      fields: {last_name: n, employment_status: s}}}}
attributes:
  last_name: {data_type: personal, type: name}
  offer_status: {data_type: hiring, type: code, sensitivity: normal}
  authorised: {data_type: hiring, type: boolean, sensitivity: normal}
  employment_status: {data_type: employment, type: code}
stages: {any: {present_in: [ats, hris]}}
authority: {personal: {any: ats}, hiring: {any: ats}, employment: {any: hris}}
handoffs:
  tell:
    when: offer_status = 'extended'
    requires: [{that: authorised, missing: the candidate's authorisation, owner: rita}]
    then: {ask: Somebody is to be told., action: Tell them}
    within: 2h
    since: "2020-01-01"
    owner: dana
"""


@pytest.fixture
def hrorch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[object, Any]]:
    """A home in which a cycle was published in which Cy's offer is extended and not authorised; and the command in it."""
    (tmp_path / "stack.yaml").write_text(STACK, encoding="utf-8")
    published = tmp_path / "home" / "published" / "hrorch.duckdb"
    published.parent.mkdir(parents=True)
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    house = House(load_stack(tmp_path / "stack.yaml"), str(published))
    house.put(
        "ats", "candidate", [{"id": "c", "last_name": "Moriarty", "offer_status": "extended", "authorised": False}]
    )
    house.put("hris", "worker", [{"id": "1", "last_name": "Watson", "employment_status": "active"}])
    house.link([("ats", "c", "p-candidate"), ("hris", "1", "p-worker")])
    house.changed("ats", "candidate", "c", "offer_status", at)
    cycle = house.open(at)
    from hrorch_pipelines.authority.cells import assemble
    from hrorch_pipelines.authority.golden import decide

    assemble(house.con, house.stack, cycle)
    decide(house.con, house.stack, cycle)
    bring_up(house.con, house.stack, cycle)
    cycles.finish(house.con, cycle)
    house.con.close()
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("HRORCH_LEDGER_URL", "HRORCH_CLOCK_OFFSET"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> tuple[object, Any]:
        monkeypatch.setattr(sys, "argv", ["hrorch", "handoffs", *words, "--stack", str(tmp_path / "stack.yaml")])
        monkeypatch.setenv("HRORCH_HOME", str(tmp_path / "home"))
        capsys.readouterr()
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        out = capsys.readouterr().out
        return code, json.loads(out) if "json" in words else out

    return call


def test_from_a_pass_to_what_is_told_of_it(hrorch: Callable[..., tuple[object, Any]]) -> None:
    code, out = hrorch("pass")
    assert (code, out.strip()) == (0, "1 steps moved, 1 newly late.")
    assert hrorch("pass") == (0, "Nothing has changed.\n")

    code, listed = hrorch("list", "--format", "json")
    assert code == 1  # it is late
    (row,) = listed["rows"]
    assert (row["handoff"], row["state"], row["late"]) == ("tell", "parked", "late")
    assert (row["missing"], row["whose"]) == ("the candidate's authorisation", "Rita")
    assert row["true_from"].startswith("2026-03-02T12:00")
    assert hrorch("list", "--state", "done")[0] == 0
    assert (
        len(
            hrorch("list", "--state", "stalled", "--handoff", "tell", "--person", "ats:c", "--format", "json")[1][
                "rows"
            ]
        )
        == 1
    )
    assert hrorch("list", "--state", "lost")[0] == 2
    assert hrorch("list", "--handoff", "lost")[0] == 2

    code, told = hrorch("status", "--format", "json")
    assert (code, told["rows"][0]["parked"], told["rows"][0]["stalled"]) == (1, 1, 1)

    code, shown = hrorch("show", row["step_id"][:10], "--format", "json")
    assert code == 0
    assert {line["field"] for line in shown[0]["rows"]} >= {"missing", "due at", "person id"}
    assert next(entry["action"] for entry in shown[-1]["rows"]) == "handoff_step"
    assert hrorch("show", "nothing")[0] == 2


def test_one_persons_states_are_masked_until_somebody_gives_a_name(hrorch: Callable[..., tuple[object, Any]]) -> None:
    code, told = hrorch("timeline", "ats:c", "--format", "json")
    assert code == 0
    assert [(row["axis"], row["state"]) for row in told["rows"]] == [("application", "present"), ("offer", "extended")]
    (worker,) = hrorch("timeline", "hris:1", "--format", "json")[1]["rows"]
    assert worker["state"] != "active"
    (worker,) = hrorch("timeline", "hris:1", "--reveal", "--by", "dana", "--format", "json")[1]["rows"]
    assert worker["state"] == "active"
    assert hrorch("timeline", "hris:1", "--reveal")[0] == 2
    assert hrorch("timeline", "hris:1", "--known-at", "2020-01-01", "--format", "json")[1]["rows"] == []
    assert hrorch("timeline", "nobody")[0] == 2


def test_what_would_be_sent_can_be_asked_and_nothing_goes_in_propose(hrorch: Callable[..., tuple[object, Any]]) -> None:
    assert hrorch("push", "--dry-run", "--format", "json")[1]["rows"] == []
    assert "propose" in hrorch("push")[1]
    assert hrorch("push", "--all")[0] == 2
    assert hrorch("approve", "nothing", "--by", "dana")[0] == 2
    assert hrorch("reject", "nothing", "--by", "dana", "--reason", "no")[0] == 2
    assert hrorch("release", "--kind", "hire", "--target", "hris", "--by", "dana", "--reason", "x")[0] == 2


@pytest.fixture
def office(ledger: Any, ledger_clock: SetClock) -> Office:
    ledger_clock.at = START
    made = Office(ledger, declare(), ledger_clock)
    made.run()
    made.seen.see("ats", "ann", candidate(authorised=False), ledger_clock.now())
    made.run()
    return made


def test_steps_and_their_actions_are_listed_on_both_databases_without_a_value(office: Office) -> None:
    table = steps(office.ledger, office.stack)
    assert {row[table.place("handoff")] for row in table.rows} == {"offer-letter", "order-check"}
    letter = office.step("offer-letter")
    tables = step(office.ledger, office.stack, letter.step_id)
    said = next(table for table in tables if table.title == "What they say")
    values = candidate(authorised=False)
    assert {row[1] for row in said.rows} == {"to", "fields.name"}
    assert not any(values["personal_email"] in str(row) or values["last_name"] == row[2] for row in said.rows)
    revealed = next(
        t for t in step(office.ledger, office.stack, letter.step_id, reveal=True) if t.title == "What they say"
    )
    assert values["personal_email"] in {row[2] for row in revealed.rows}
    counted = status(office.ledger, office.stack)
    row = {line[0]: line for line in counted.rows}["offer-letter"]
    assert (row[counted.place("due")], row[counted.place("waiting")]) == (1, 1)
    assert {line[0] for line in counted.rows} == set(office.stack.handoffs)


def test_the_day_of_the_first_row_is_the_earliest(office: Office) -> None:
    table = steps(office.ledger, office.stack, limit=1)
    every = steps(office.ledger, office.stack)
    assert table.rows == every.rows[:1]
    assert table.notes == (f"{len(every.rows)} steps; the 1 due first are shown.",)
    assert date.fromisoformat(str(table.rows[0][table.place("due_at")].date())) >= START.date()
