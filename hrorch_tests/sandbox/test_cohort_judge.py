"""A cohort is judged by documents alone: a program that does everything is found right, each slip is found as what it is."""

from __future__ import annotations

import shutil
from collections import defaultdict

import pytest

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.cohort import begin, opened, records_apart
from hrorch_pipelines.sandbox.cohort_judge import judge, typed
from hrorch_pipelines.sandbox.cohort_members import Kind
from hrorch_pipelines.sandbox.cohort_records import ENTERPRISE
from hrorch_pipelines.sandbox.company import employee_number
from hrorch_pipelines.sandbox.ids import account
from hrorch_pipelines.sandbox.judge import Twins
from hrorch_pipelines.sandbox.life import Role
from hrorch_pipelines.sandbox.people import role_of
from hrorch_pipelines.sandbox.timeline import life
from hrorch_pipelines.sandbox.world import generate
from hrorch_pipelines.sandbox.world_clock import WorldClock
from hrorch_tests.sandbox.cohort_program import BY, Program


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "world"
    generate(folder, 300, 7)
    begin(folder, size=16)
    return folder


def run(made, folder, days=None, **slips):
    shutil.copytree(made, folder)
    program = Program(folder, **slips)
    program.live(days or (program.cohort.ends - program.cohort.begun).days + 4)
    return program, judge(folder, letters=program.letters, events=list(program.events.values()))


@pytest.fixture(scope="module")
def done(made, tmp_path_factory):
    return run(made, tmp_path_factory.mktemp("done") / "world")


def states(outcomes, kind):
    found = defaultdict(list)
    for one in outcomes:
        if one.kind == kind:
            found[one.handoff].append(one.state)
    return {handoff: one[0] if len(set(one)) == 1 else one for handoff, one in found.items()}


def test_a_program_that_does_everything_is_found_right_in_everything(done):
    _, outcomes = done
    assert [one for one in outcomes if not one.fine] == []
    assert not any(one.state in {"pending", "unseen"} for one in outcomes)
    assert states(outcomes, Kind.PLAIN) == {
        "offer-letter": "once", "check-order": "once", "hris-prehire": "once", "hris-start": "right", "first-day": "once",
        "hris-pay": "right", "hris-first-day": "right", "onboarding-tasks": "once", "payroll-enrolment": "once",
        "payroll-pay": "right", "directory-account": "once", "manager-told": "told", "first-payday": "right",
    }  # fmt: skip
    assert states(outcomes, Kind.RESCINDED)["hris-prehire"] == "taken back"
    assert states(outcomes, Kind.DECLINED)["hris-prehire"] == "absent"
    assert states(outcomes, Kind.MANUAL_REKEY_TYPO)["payroll-enrolment"] == "already"
    assert states(outcomes, Kind.NO_SHOW)["directory-account"] == "taken back"
    assert states(outcomes, Kind.LEAVER) == {
        "leaver-payroll": "taken back", "leaver-directory": "taken back", "leaver-told": "told", "last-payday": "absent",
    }  # fmt: skip


def test_what_the_program_did_is_nobodys_typing(done, made):
    program, _ = done
    rows = typed(program.folder)
    assert all(row.by != BY for row in rows)
    # Payroll takes somebody back by hand: the one thing that the chain asks a person to do.
    by_hand = {Kind.MANUAL_REKEY_PAYROLL, Kind.MANUAL_REKEY_TYPO, Kind.REHIRE}
    assert {row.kind for row in rows if row.system == "payroll"} == by_hand


def test_a_check_comes_back_on_its_own_once_it_was_ordered(done):
    program, _ = done
    with opened(program.folder) as stores:
        held = program.cohort.held(stores, program.today).by_member
    results = {
        one.kind: [row.body["result"] for row in held[one.number].of("check", "reports")]
        for one in program.cohort.members
    }
    assert results[Kind.ADVERSE] == ["consider"]
    assert results[Kind.PLAIN] == ["clear"]
    assert results[Kind.DECLINED] == []
    (early,) = [one for one in program.cohort.members if one.kind is Kind.EARLY_RESULT]
    (report,) = held[early.number].of("check", "reports")
    assert report.body["completed_at"][:10] < early.countersigned.isoformat()


def test_tasks_are_worked_on_and_newcomers_say_who_they_are(done):
    program, _ = done
    with opened(program.folder) as stores:
        held = program.cohort.held(stores, program.today).by_member
    plain = next(one for one in program.cohort.members if one.kind is Kind.PLAIN)
    (newhire,), (hris,) = held[plain.number].of("onboarding"), held[plain.number].of("hris")
    assert newhire.body["status"] in {"in_progress", "completed"}
    assert hris.body["birthDate"] == plain.person.born.isoformat()


def test_each_slip_is_found_as_what_it_is(made, tmp_path):
    missing = {
        (Kind.PLAIN, "directory-account"), (Kind.EARLY_RESULT, "check-order"), (Kind.RESCINDED, "undo"), (Kind.GHOST, "leaver-payroll"),
        (Kind.MANUAL_REKEY_TYPO, "payroll-pay"), (Kind.LATE_AUTHORIZATION, "first-day"), (Kind.LEAVER, "leaver-told"),
    }  # fmt: skip
    twice = {(Kind.MOVED_START, "hris-prehire"), (Kind.FATHER_SON, "offer-letter"), (Kind.PLAIN, "onboarding-tasks")}
    _, outcomes = run(made, tmp_path / "world", leave_out=missing, twice=twice)
    plain = states(outcomes, Kind.PLAIN)
    assert (plain["directory-account"], plain["onboarding-tasks"]) == ("missing", "twice")
    assert states(outcomes, Kind.EARLY_RESULT)["check-order"] == "missing"
    assert states(outcomes, Kind.RESCINDED)["hris-prehire"] == "kept"
    ghost = states(outcomes, Kind.GHOST)
    assert (ghost["leaver-payroll"], ghost["leaver-directory"], ghost["last-payday"]) == (
        "kept",
        "taken back",
        "wrongly",
    )
    typo = states(outcomes, Kind.MANUAL_REKEY_TYPO)
    assert (typo["payroll-pay"], typo["first-payday"]) == ("wrong", "wrong")
    assert states(outcomes, Kind.LATE_AUTHORIZATION)["first-day"] == "missing"
    assert states(outcomes, Kind.MOVED_START)["hris-prehire"] == "twice"
    assert states(outcomes, Kind.FATHER_SON)["offer-letter"] == "twice"
    assert states(outcomes, Kind.LEAVER)["leaver-told"] == "missing"


def test_what_is_not_yet_due_is_pending_and_what_cannot_be_seen_is_unseen(made, tmp_path):
    folder = shutil.copytree(made, tmp_path / "world")
    outcomes = judge(folder)
    assert all(one.fine for one in outcomes)
    assert set(states(outcomes, Kind.PLAIN).values()) == {"pending", "unseen"}
    assert states(outcomes, Kind.CONTRACTOR_TO_EMPLOYEE)["directory-account"] == "already"


def test_records_of_nobody_too_early_ones_and_decisions_of_the_program_are_unexpected(made, tmp_path):
    program, _ = run(made, tmp_path / "world", days=15)
    plain, declined = (
        next(one for one in program.cohort.members if one.kind is kind) for kind in (Kind.PLAIN, Kind.DECLINED)
    )
    with opened(program.folder) as program.stores:
        program.member = plain
        program.new_hris(plain.start.isoformat())
        program.member = declined
        program.enrol("2026-08-03", "N1")
        program.put("directory", "users", "somebody", {"userName": "x@lakeside.example", "active": True})
        offers = program.cohort.held(program.stores, program.today).by_member[declined.number].of("ats", "offers")
        body = {**offers[0].body, "status": "rejected"}
        program.put("ats", "offers", offers[0].id, body, parent=offers[0].parent)
    outcomes = judge(program.folder)
    assert "early" in states(outcomes, Kind.PLAIN)["hris-prehire"]
    assert states(outcomes, Kind.DECLINED)["payroll-enrolment"] == "wrongly"
    told = [one.detail for one in outcomes if one.state == "unexpected"]
    assert any("directory.users somebody is nobody's" in one for one in told)
    assert any("status changed by the program" in one for one in told)


def test_what_is_made_for_the_companys_own_newcomers_is_not_made_again_by_the_story(made, tmp_path):
    """A program hands over for everybody; the story of the company then leaves that to it."""
    world = shutil.copytree(made, tmp_path / "world")
    twins, program = Twins(world, tmp_path / "twins"), Program(world)
    program.now = WorldClock(world).now()
    start = {
        n: life(program.cohort.world, n).spells[0].start
        for n in range(1, 301)
        if role_of(program.cohort.world, n) is Role.PREHIRE
    }
    n = min(start, key=lambda one: start[one])
    number = employee_number(300, n, 0)
    with opened(world) as program.stores:
        assert program.stores["directory"].get("users", account(n)) is None
        enterprise = {"employeeNumber": number}
        program.put(
            "directory", "users", "made", {"userName": "made@lakeside.example", "active": True, ENTERPRISE: enterprise}
        )
    days = (start[n] - program.now.date()).days + 3
    advance(world, days)
    twins.advance(days)
    with opened(world) as stores:
        assert stores["directory"].get("users", account(n)) is None
        assert stores["payroll"].count("employees") > 0
    assert ("directory", "users", account(n)) in records_apart(world)
    assert twins.judge().spoilt == ()
    assert not [one for one in judge(world) if one.state == "unexpected"]
    with opened(world) as program.stores:
        program.put("directory", "users", "again", {"userName": "again@lakeside.example", ENTERPRISE: enterprise})
    assert [one.detail for one in judge(world) if one.state == "unexpected"] == [
        "directory.users again is a second one"
    ]
