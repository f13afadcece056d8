"""What people may do to a case, and that everything else is refused in plain words and changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from hrorch_pipelines.exceptions import errors, moves
from hrorch_pipelines.exceptions.cases import case_id, report, settle
from hrorch_pipelines.exceptions.escalation import escalate
from hrorch_pipelines.exceptions.terms import CaseState, Resolution
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.exceptions.conftest import Desk
from hrorch_tests.exceptions.test_cases import found

ONE = case_id(found())
BY = "payroll-lead"
Act = Callable[..., None]


@pytest.fixture
def case(desk: Desk, stack: Stack) -> Desk:
    with desk.write() as (con, seals):
        report(con, seals, stack, [found()], desk.now)
    desk.clock.at += timedelta(minutes=10)
    return desk


def act(desk: Desk, stack: Stack, move: Act, **more: Any) -> None:
    with desk.write() as (con, seals):
        move(con, seals, stack, more.pop("id", ONE), **{"by": BY, "now": desk.now} | more)


EVERY: dict[str, tuple[Act, dict[str, Any]]] = {
    "acknowledge": (moves.acknowledge, {}),
    "begin": (moves.begin, {}),
    "resolve": (moves.resolve, {"resolution": Resolution.EDITED}),
    "waive": (moves.waive, {"reason": "r"}),
    "reassign": (moves.reassign, {"to": "hris-analyst"}),
    "reopen": (moves.reopen, {"why": "w"}),
}
WAITING = "awaiting_confirmation"
LEADS = {
    "open": {"acknowledge": "acknowledged", "begin": "in_progress", "resolve": WAITING, "waive": "waived", "reassign": "open"},
    "acknowledged": {"begin": "in_progress", "resolve": WAITING, "waive": "waived", "reassign": "acknowledged"},
    "in_progress": {"resolve": WAITING, "waive": "waived", "reassign": "in_progress"},
    WAITING: {"waive": "waived", "reassign": WAITING, "reopen": "open"},
    "waived": {"waive": "waived", "reassign": "waived", "reopen": "open"},
    "confirmed": {"reopen": "open"},
}  # fmt: skip


def bring(desk: Desk, stack: Stack, state: str) -> None:
    way = {
        "open": None,
        "acknowledged": "acknowledge",
        "in_progress": "begin",
        "awaiting_confirmation": "resolve",
        "waived": "waive",
    }
    if state == "confirmed":
        with desk.write() as (con, seals):
            settle(con, seals, stack, [ONE], desk.now, "landed")
    elif name := way[state]:
        make(desk, stack, name)
    assert desk.case(ONE).state == state


def make(desk: Desk, stack: Stack, name: str) -> None:
    move, more = EVERY[name]
    if name == "waive":
        more = more | {"until": desk.now + timedelta(days=2)}
    act(desk, stack, move, **more)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("state", LEADS)
def test_the_table_of_moves_holds_and_every_move_is_logged(case: Desk, stack: Stack, state: str, name: str) -> None:
    bring(case, stack, state)
    before, entries = case.case(ONE), len(case.entries())
    if name in LEADS[state]:
        make(case, stack, name)
        assert case.case(ONE).state == LEADS[state][name]
        last = case.entries()[-1]
        assert (len(case.entries()), last.case_id, last.actor, last.person_id) == (entries + 1, ONE, BY, "p-1")
        if name != "reassign":
            told = json.loads(last.envelope)["detail"]
            assert (told["from"], told["to"]) == (state, LEADS[state][name])
    else:
        with pytest.raises(errors.MoveNotAllowedError) as refused:
            make(case, stack, name)
        assert state.replace("_", " ") in str(refused.value)
        assert case.case(ONE) == before
        assert len(case.entries()) == entries


def test_every_moment_is_kept(case: Desk, stack: Stack) -> None:
    found_at, seen = case.case(ONE).detected_at, {}
    with case.write() as (con, seals):
        assert moves.notify(con, seals, stack, [ONE], case.now) == 1
        assert moves.notify(con, seals, stack, [ONE], case.now) == 0
    seen["notified_at"] = case.now
    for name, move in (("acknowledged_at", "acknowledge"), ("resolved_at", "resolve")):
        case.clock.at += timedelta(hours=1)
        make(case, stack, move)
        seen[name] = case.now
    case.clock.at += timedelta(hours=1)
    with case.write() as (con, seals):
        settle(con, seals, stack, [ONE], case.now, "landed")
    row = case.case(ONE)
    assert {name: getattr(row, name) for name in seen} == seen
    assert (row.detected_at, row.confirmed_at, row.resolution) == (found_at, case.now, "edited")


@pytest.mark.parametrize("reason", [None, "", "  "])
def test_a_waiver_needs_a_reason(case: Desk, stack: Stack, reason: str | None) -> None:
    with pytest.raises(errors.ReasonNeededError, match="reason"):
        act(case, stack, moves.waive, until=case.now + timedelta(days=1), reason=reason)
    assert case.case(ONE).state == "open"


@pytest.mark.parametrize("days", [None, 0, -1])
def test_a_waiver_needs_a_day_to_come(case: Desk, stack: Stack, days: int | None) -> None:
    until = None if days is None else case.now + timedelta(days=days)
    with pytest.raises(errors.ExpiryError):
        act(case, stack, moves.waive, until=until, reason="because")
    assert case.case(ONE).state == "open"


def test_who_is_not_in_the_stack_file_neither_acts_nor_gets_a_case(case: Desk, stack: Stack) -> None:
    with pytest.raises(errors.UnknownReviewerError, match="payroll-led"):
        act(case, stack, moves.acknowledge, by="payroll-led")
    with pytest.raises(errors.UnknownReviewerError):
        act(case, stack, moves.reassign, to="nobody")
    assert case.actions() == ["case_opened"]


def test_a_case_nobody_knows_is_a_clear_error_and_a_beginning_is_enough(case: Desk, stack: Stack) -> None:
    for unknown in ("0" * 32, ONE[:5], "%%%%%%%%", ""):
        with pytest.raises(errors.UnknownCaseError):
            act(case, stack, moves.acknowledge, id=unknown)
    act(case, stack, moves.acknowledge, id=ONE[:8])
    assert case.case(ONE).state == "acknowledged"


def test_a_reassigned_case_has_the_new_reviewers_deputy_and_is_new_to_them(case: Desk, stack: Stack) -> None:
    act(case, stack, moves.reassign, to="talent-ops")
    row = case.case(ONE)
    assert (row.reviewer, row.deputy, row.notified_at) == ("talent-ops", "hris-analyst", None)
    assert json.loads(case.entries()[-1].envelope)["detail"] == {"from": BY, "to": "talent-ops"}


def test_a_clock_that_jumps_back_makes_no_case_older_than_its_finding(case: Desk, stack: Stack) -> None:
    case.clock.at -= timedelta(days=2)
    act(case, stack, moves.begin)
    row = case.case(ONE)
    assert row.acknowledged_at == row.detected_at


def test_what_is_overdue_goes_to_the_deputy_once_and_says_so(case: Desk, stack: Stack) -> None:
    due = case.case(ONE).due_at
    late = stack.model_copy(
        update={"exceptions": stack.exceptions.model_copy(update={"escalate_after": timedelta(hours=2)})}
    )
    assert escalate(case.ledger, late, due + timedelta(hours=2)) == [], "two hours of the night are no working time"
    morning = due + timedelta(hours=18)  # 11:00 in Chicago
    assert escalate(case.ledger, late, morning) == [ONE]
    assert escalate(case.ledger, late, morning + timedelta(days=1)) == []
    row = case.case(ONE)
    assert (row.escalated_at, row.state, row.reviewer, row.deputy) == (morning, "open", BY, "hris-analyst")
    last = case.entries()[-1]
    assert (last.action, json.loads(last.envelope)["detail"]["deputy"]) == ("case_escalated", "hris-analyst")


@pytest.mark.parametrize("state", ["awaiting_confirmation", "waived", "confirmed"])
def test_what_waits_for_no_person_is_not_escalated(case: Desk, stack: Stack, state: str) -> None:
    bring(case, stack, state)
    assert escalate(case.ledger, stack, case.now + timedelta(days=30)) == []


def test_states_have_a_move_or_are_closed() -> None:
    assert set(LEADS) == {state.value for state in CaseState}
