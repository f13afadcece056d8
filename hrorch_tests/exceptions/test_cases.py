"""A case lives as long as what it is about: found twice it is one case, mended it closes, back again it reopens."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.audit.log import GENESIS, link
from hrorch_pipelines.exceptions.cases import Finding, case_id, report, settle
from hrorch_pipelines.exceptions.finding import case_id_sql
from hrorch_pipelines.exceptions.moves import reopen, resolve, waive
from hrorch_pipelines.exceptions.terms import CaseState, Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.exceptions.conftest import Desk


def found(**changes: Any) -> Finding:
    told: dict[str, Any] = {
        "source": "discrepancy",
        "rule": "disagree",
        "what": "Payroll has another pay than the HRIS.",
        "action": "Correct it.",
        "system": "payroll",
        "record": "compensation",
        "source_id": "77",
        "person_id": "p-1",
        "attribute": "pay_amount",
        "expected": "•••(5)",
        "actual": "•••(6)",
        "reference": "d1",
    }
    return Finding(**told | changes)


def tell(desk: Desk, stack: Stack, *findings: Finding) -> tuple[int, int, int]:
    with desk.write() as (con, seals):
        told = report(con, seals, stack, findings, desk.now)
    return told.opened, told.updated, told.reopened


def test_found_again_it_is_the_same_case_seen_later(desk: Desk, stack: Stack) -> None:
    first = desk.now
    assert tell(desk, stack, found()) == (1, 0, 0)
    desk.clock.at += timedelta(hours=1)
    assert tell(desk, stack, found(actual="•••(7)", reference="d2")) == (0, 1, 0)
    row = desk.case(case_id(found()))
    assert (desk.count(), row.detected_at, row.last_seen_at) == (1, first, desk.now)
    assert (row.actual, row.reference, row.state) == ("•••(7)", "d2", "open")
    assert desk.actions() == ["case_opened"], "seeing it again changes nothing that has to be proved"


@pytest.mark.parametrize(
    "changes",
    [{"system": "directory"}, {"attribute": "job_title"}, {"person_id": "p-2"}, {"rule": "ghost"}, {"source": "gate"}],
)
def test_another_place_person_attribute_or_rule_is_another_case(changes: dict[str, Any]) -> None:
    assert case_id(found(**changes)) != case_id(found())


@pytest.mark.parametrize(
    "changes", [{"what": "other words"}, {"expected": "x"}, {"reference": "y"}, {"source_id": "9"}]
)
def test_what_is_told_about_it_makes_no_other_case(changes: dict[str, Any]) -> None:
    assert case_id(found(**changes)) == case_id(found())


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)


@given(text, text, text, text)
def test_the_fingerprint_in_sql_is_the_one_in_python(rule: str, system: str, subject: str, attribute: str) -> None:
    one = Finding("gate", rule, "w", "a", system=system, subject=subject or "s", attribute=attribute)
    with duckdb.connect() as con:
        asked = con.execute(
            f"SELECT {case_id_sql('?', '?', '?', '?', '?')}", ["gate", rule, system, subject or "s", attribute]
        ).fetchall()
    assert asked == [(case_id(one),)]


def test_thousands_in_one_report_are_each_a_case_with_an_entry_in_an_unbroken_chain(desk: Desk, stack: Stack) -> None:
    many = [found(person_id=f"p-{n % 1100}") for n in range(1200)]
    assert sum(tell(desk, stack, *many)) == 1200
    assert desk.count() == 1100
    previous, entries = GENESIS, desk.entries()
    assert len({row.case_id for row in entries}) == 1100
    for row in entries:
        previous = link(previous, row.envelope)
        assert row.hash == previous


def test_due_time_is_working_time_of_the_organization(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found())  # Monday 6:00 in Chicago; one working day
    assert desk.case(case_id(found())).due_at.isoformat() == "2026-03-02T23:00:00+00:00"


def test_a_confirmed_case_seen_again_is_reopened_and_its_clock_goes_on(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found())
    first = desk.now
    desk.clock.at += timedelta(hours=2)
    with desk.write() as (con, seals):
        assert settle(con, seals, stack, [case_id(found())], desk.now, "landed") == 1
        assert settle(con, seals, stack, [case_id(found()), "0" * 32], desk.now, "landed") == 0
    row = desk.case(case_id(found()))
    assert (row.state, row.resolution, row.confirmed_at, row.resolved_at) == (
        "confirmed",
        "by_itself",
        desk.now,
        desk.now,
    )
    desk.clock.at += timedelta(days=1)
    assert tell(desk, stack, found()) == (0, 0, 1)
    row = desk.case(case_id(found()))
    assert (row.state, row.reopened, row.detected_at, row.confirmed_at) == ("open", 1, first, None)
    assert row.due_at > desk.now
    assert desk.actions() == ["case_opened", "case_state", "case_state"]


def test_a_waived_case_stays_waived_until_its_time_runs_out(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found())
    until = desk.now + timedelta(days=3)
    with desk.write() as (con, seals):
        waive(con, seals, stack, case_id(found()), by="hris-analyst", now=desk.now, until=until, reason="migration")
    desk.clock.at = until - timedelta(seconds=1)
    assert tell(desk, stack, found()) == (0, 1, 0)
    assert desk.case(case_id(found())).state == "waived"
    desk.clock.at = until
    assert tell(desk, stack, found()) == (0, 0, 1)
    assert (desk.case(case_id(found())).state, desk.case(case_id(found())).waived_until) == ("open", None)


def test_a_case_let_be_by_an_override_opens_again_when_it_is_reported(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found())
    with desk.write() as (con, seals):
        until = desk.now + timedelta(days=30)
        how = Resolution.OVERRIDE
        waive(
            con,
            seals,
            stack,
            case_id(found()),
            by="hris-analyst",
            now=desk.now,
            until=until,
            reason="r",
            resolution=how,
        )
    assert tell(desk, stack, found()) == (0, 0, 1)


def test_a_resolved_case_that_is_still_found_goes_on_awaiting(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found())
    one = case_id(found())
    with desk.write() as (con, seals):
        resolve(con, seals, stack, one, by="payroll-lead", now=desk.now, resolution=Resolution.ACCEPT_AUTHORITY)
    assert tell(desk, stack, found()) == (0, 1, 0)
    assert desk.case(one).state == "awaiting_confirmation"
    with desk.write() as (con, seals):
        reopen(con, seals, stack, one, now=desk.now, why="not seen in the next snapshot")
    assert (desk.case(one).state, desk.case(one).reopened) == ("open", 1)


def test_a_case_whose_reviewer_is_gone_from_the_stack_file_gets_another_when_it_reopens(
    desk: Desk, stack: Stack
) -> None:
    tell(desk, stack, found())
    with desk.write() as (con, seals):
        settle(con, seals, stack, [case_id(found())], desk.now, "landed")
    fewer = stack.model_copy(update={"people": {"talent-ops": stack.people["talent-ops"]}})
    tell(desk, fewer, found())
    assert desk.case(case_id(found())).reviewer == "talent-ops"


def test_names_longer_than_their_column_stay_different(desk: Desk, stack: Stack) -> None:
    long = [found(subject=str(n), rule="r" * 200 + str(n), source_id="s" * 300 + str(n)) for n in range(2)]
    assert tell(desk, stack, *long) == (2, 0, 0)
    rows = [desk.case(case_id(one)) for one in long]
    assert len({row.source_id for row in rows}) == len({row.rule for row in rows}) == 2
    assert tell(desk, stack, *long) == (0, 2, 0)


def test_the_detail_is_json_without_what_is_not_known(desk: Desk, stack: Stack) -> None:
    tell(desk, stack, found(detail={"count": 3, "writer": None}))
    assert json.loads(desk.case(case_id(found())).detail) == {"count": 3}
    assert hashlib.sha256(b"").hexdigest() not in str(desk.entries())
    assert CaseState(desk.case(case_id(found())).state) is CaseState.OPEN
