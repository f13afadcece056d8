"""From what is wrong in the systems to cases, and from what is mended to closed ones: real stages, day after day."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.exceptions import collect as collecting
from hrorch_pipelines.exceptions.moves import resolve, waive
from hrorch_pipelines.exceptions.overrides import live_overrides, set_override
from hrorch_pipelines.exceptions.terms import Resolution
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_tests.exceptions.company import Company, counted

Make = Callable[..., Company]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    def company(change: Callable[[dict[str, Any]], None] = lambda _: None, ledger: Ledger | None = None) -> Company:
        clock = ledger.clock if ledger else SetClock
        if ledger is None:
            clock = SetClock(collecting_day())
            ledger = open_ledger(Home(tmp_path / "home"), clock)
        assert isinstance(clock, SetClock)
        return Company(tmp_path, ledger, clock, change)

    return company


def collecting_day() -> Any:
    from hrorch_tests.exceptions.company import MONDAY

    return MONDAY


def test_a_life_of_cases_on_both_databases(make: Make, ledger: Ledger) -> None:
    house = make(ledger=ledger)
    right, house.hris[5]["born"] = house.hris[5]["born"], "1893-04-05"  # fails its gate
    house.payroll[2]["pay"] = "51200.00"  # was 50200.00
    house.payroll[3]["title"] = "Porter"
    house.payroll = [row for row in house.payroll if row["number"] != "E004"]
    first = house.day()
    assert counted(first)
    assert (first.opened, first.updated, first.confirmed) == (4, 0, 0)
    gate, pay, missing = (
        house.only(source="gate"),
        house.only(attribute="pay_amount"),
        house.only(rule="missing_record"),
    )
    assert (gate.reviewer, pay.reviewer, missing.reviewer) == ("analyst", "lead", "lead")
    assert gate.expected
    assert "1893" not in "".join(str(cell) for cell in gate)
    assert "51200" not in "".join(str(cell) for row in house.cases() for cell in row), "a value lies in a case"
    assert missing.attribute is None, "seven empty cells of a missing record are one case"
    assert pay.cause == "One digit wrong"

    again = house.again()
    assert (again.opened, again.updated, again.reopened, again.confirmed) == (0, 4, 0, 0)

    house.hris[5]["born"] = right
    house.payroll[2]["pay"] = house.hris[2]["pay"]
    second = house.day()
    assert counted(second)
    assert second.confirmed == 2
    assert {(row.source, row.state, row.resolution) for row in house.cases(state="confirmed")} == {
        ("gate", "confirmed", "by_itself"),
        ("discrepancy", "confirmed", "by_itself"),
    }

    house.payroll[2]["pay"] = "51200.00"
    third = house.day()
    assert third.reopened == 1
    assert (house.only(attribute="pay_amount").reopened, house.only(attribute="pay_amount").state) == (1, "open")


def test_a_gate_case_waits_until_the_copies_agree_too(make: Make) -> None:
    house = make()
    house.day()
    house.hris[5]["born"] = "1893-04-05"
    house.day()
    assert house.only(source="gate").state == "open"
    house.hris[5]["born"] = "1970-01-01"  # passes, and payroll has another
    told = house.day()
    assert (told.awaiting, told.confirmed) == (1, 0)
    assert house.only(source="gate").state == "awaiting_confirmation"
    house.day(hours=30)  # the grace of 24 h is over: now it is a disagreement of its own
    assert house.only(source="gate").state == "awaiting_confirmation"
    house.payroll[5]["born"] = "1970-01-01"
    house.day()
    assert {row.state for row in house.cases()} == {"confirmed"}


def test_what_is_stale_is_neither_confirmed_nor_reopened(make: Make) -> None:
    house = make()
    house.payroll[2]["pay"] = "51200.00"
    house.payroll[3]["title"] = "Porter"
    house.day()
    title = house.only(attribute="job_title")
    until = house.clock.now() + timedelta(hours=10)
    house.act(waive, title.case_id, by="lead", until=until, reason="known")
    told = house.day(observe_only=("hris",))  # payroll's snapshot is a day old
    assert (told.confirmed, told.reopened, told.waivers_ended) == (0, 0, 0)
    assert {row.state for row in house.cases()} == {"open", "waived"}
    told = house.day(observe_only=("payroll", "hris"))
    assert (told.confirmed, told.reopened + told.waivers_ended) == (0, 1), "back again, the waiver's time is over"


def test_a_value_hidden_in_quarantine_does_not_close_its_discrepancy(make: Make) -> None:
    house = make()
    house.payroll[5]["title"] = "Porter"
    house.day()
    assert house.only(attribute="job_title").state == "open"
    house.hris[5]["born"] = "1893-04-05"
    house.hris[5]["title"] = "Porter"  # agrees, but the record is held: nobody has vouched for it
    house.day()
    assert house.only(attribute="job_title").state == "open"
    house.hris[5]["born"] = house.payroll[5]["born"]
    house.day()
    assert house.only(attribute="job_title").state == "confirmed"


def test_a_resolution_not_seen_in_the_next_snapshot_opens_the_case_again(make: Make) -> None:
    house = make()
    house.payroll[3]["title"] = "Porter"
    house.day()
    case = house.only(attribute="job_title")
    house.clock.at += timedelta(hours=1)
    house.act(resolve, case.case_id, by="lead", resolution=Resolution.EDITED)
    assert house.again().in_vain == 0, "the snapshot is older than the promise"
    assert house.only(attribute="job_title").state == "awaiting_confirmation"
    assert house.day().in_vain == 1
    assert (house.only(attribute="job_title").state, house.only(attribute="job_title").reopened) == ("open", 1)


def test_an_untrusted_snapshot_is_a_case_of_its_owner_until_a_good_one_comes(make: Make) -> None:
    house = make()
    house.day()
    whole = house.payroll
    house.payroll = whole[:3]
    told = house.day()
    case = (
        house.only(source="snapshot", rule="row_drop")
        if house.cases(rule="row_drop")
        else house.cases(source="snapshot")[0]
    )
    assert (told.opened >= 1, case.reviewer, case.system) == (True, "lead", "payroll")
    assert all(row.source == "snapshot" for row in house.cases()), "what the refused snapshot lacks is no case"
    house.day()
    assert {row.state for row in house.cases()} == {"open"}, "refused again: the same cases"
    house.payroll = whole
    house.day()
    assert {row.state for row in house.cases()} == {"confirmed"}


def test_a_question_of_identity_is_a_case_until_it_is_answered(make: Make) -> None:
    house = make()
    house.payroll[11] |= {"last": "Somebody", "born": "1999-09-09", "first": "Else"}
    house.day()
    case = house.only(source="identity")
    assert (case.reviewer, case.state) == ("analyst", "open")
    assert "Somebody" not in "".join(str(cell) for row in house.cases() for cell in row)
    house.payroll[11] = dict(house.hris[11])
    house.day()
    assert house.only(source="identity").state == "confirmed"


def test_a_mass_of_one_kind_is_one_case_that_counts_and_lists_them(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collecting, "MANY", 10)
    monkeypatch.setattr(collecting, "FEW", 3)
    house = make()
    house.payroll[0]["title"] = "Porter"
    house.day()
    single = house.only(attribute="job_title")
    for row in house.payroll[1:31]:
        row["title"] = "Porter"
    told = house.day()
    assert counted(told)
    assert (told.folded, told.masses, told.opened) == (30, 1, 1)
    (mass,) = [row for row in house.cases(attribute="job_title") if row.case_id != single.case_id]
    detail = json.loads(mass.detail)
    assert detail["count"] == 30
    assert detail["list"] == "hrorch report discrepancies --system payroll --state disagree --attribute job_title"
    assert house.only(case_id=single.case_id).state == "open", "a case somebody has stays theirs"
    for row, right in zip(house.payroll[1:26], house.hris[1:26], strict=True):
        row["title"] = right["title"]
    told = house.day()
    assert (told.folded, told.opened) == (5, 0), "below many it goes on, until few are left"
    for row, right in zip(house.payroll[26:29], house.hris[26:29], strict=True):
        row["title"] = right["title"]
    told = house.day()
    assert (told.folded, told.opened, house.only(case_id=mass.case_id).state) == (0, 2, "confirmed")


def test_warnings_are_cases_only_where_a_route_asks_for_them(make: Make) -> None:
    house = make()
    house.hris[6]["title"] = house.payroll[6]["title"] = "N" * 61
    told = house.day()
    assert (told.left["warning"], told.opened) == (1, 0)


def test_a_routed_warning_is_a_case_of_severity_warning(make: Make) -> None:
    def routed(declared: dict[str, Any]) -> None:
        declared["exceptions"] = {
            "routes": [{"source": "gate", "attribute": "job_title", "reviewer": "lead", "due": "4h"}]
        }

    house = make(routed)
    house.hris[6]["title"] = house.payroll[6]["title"] = "N" * 61
    told = house.day()
    case = house.only(attribute="job_title")
    assert (told.left["warning"], case.severity, case.reviewer) == (0, "warning", "lead")


def test_an_override_lets_one_value_be_and_everything_else_go_on(make: Make) -> None:
    house = make()
    house.payroll[3]["title"] = "Porter"
    house.day()
    case = house.only(attribute="job_title")
    until = house.clock.now() + timedelta(days=60)

    def override(con: Any, seals: Any, stack: Any, now: Any) -> None:
        sets = {"system": "payroll", "value": "Porter", "reason": "union title", "by": "lead", "expires_at": until}
        set_override(
            con, seals, stack, person_id=case.person_id, attribute="job_title", case_id=case.case_id, now=now, **sets
        )
        how = Resolution.OVERRIDE
        waive(con, seals, stack, case.case_id, by="lead", now=now, until=until, reason="union title", resolution=how)

    house.act(override)
    house.payroll[3]["pay"] = "1.00"
    told = house.day()
    assert counted(told)
    assert told.left["overridden"] == 1
    assert house.only(attribute="job_title").state == "waived"
    assert house.only(attribute="pay_amount").person_id == case.person_id, (
        "the person's other fields are watched as before"
    )
    house.payroll[3]["title"] = "Janitor"
    assert house.day().reopened == 1, "what was allowed is not what is there"
    house.payroll[3]["title"] = house.hris[3]["title"]
    told = house.day()
    assert (told.overrides_ended, house.only(attribute="job_title").state) == (1, "confirmed")
    with house.ledger.read() as con:
        assert live_overrides(con, house.clock.now()) == []


def test_what_the_planner_corrects_is_no_case_and_what_it_refuses_is_one(make: Make) -> None:
    def writable(declared: dict[str, Any]) -> None:
        payroll = declared["systems"]["payroll"]
        payroll["writes"] = {"attributes": ["job_title"]}
        payroll["records"]["worker"]["write"] = {"drop": "changes/{date}-{batch}.csv", "columns": ["{key}", "{after}"]}

    house = make(writable)
    house.plan = True
    house.payroll[2]["pay"] = "51200.00"
    house.payroll[3]["title"] = "Porter"
    house.payroll = [row for row in house.payroll if row["number"] != "E004"]
    told = house.day()
    assert counted(told)
    assert told.left["correction"] == 1
    assert {(row.attribute, row.rule) for row in house.cases()} == {
        ("pay_amount", "disagree"),
        (None, "missing_record"),
    }
    assert "may not write" in house.only(attribute="pay_amount").action


def test_a_crash_between_two_transactions_leaves_only_what_the_next_pass_does(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "PER_TRANSACTION", 2)
    house = make()
    for row in house.payroll[:7]:
        row["title"] = "Porter"
    real, calls = collecting.report, iter(range(99))

    def crashing(*args: Any) -> Any:
        if next(calls) == 2:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(collecting, "report", crashing)
    with pytest.raises(KeyboardInterrupt):
        house.day()
    monkeypatch.setattr(collecting, "report", real)
    assert len(house.cases()) == 4
    told = house.cycle()
    assert (told.opened, told.updated, len(house.cases())) == (3, 4, 7)
