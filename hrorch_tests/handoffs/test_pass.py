"""What one pass after another makes of a person's state: steps, actions, cases. And that doubt, budgets and people hold it."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb
import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.errors import NotAnApproverError, NothingFrozenError, ReasonNeededError
from hrorch_pipelines.exceptions import moves
from hrorch_pipelines.exceptions.terms import Resolution
from hrorch_pipelines.handoffs.approving import approve, reject, release
from hrorch_pipelines.handoffs.columns import empty_relation
from hrorch_pipelines.handoffs.conditions import parsed
from hrorch_pipelines.handoffs.errors import ActionDecidedError, UnknownActionError
from hrorch_pipelines.handoffs.evaluating import evaluate
from hrorch_pipelines.handoffs.facts import rules_of
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.handoffs.acting import EXAMPLE
from hrorch_tests.handoffs.chain import HANDOFFS, START, Office, candidate, declare, only, states
from hrorch_tests.handoffs.histories import Town
from hrorch_tests.handoffs.memory_place import fault

LATER = timedelta(hours=1)


def opened(ledger, clock, folder, stack):
    """A town whose office knows the handoffs since an hour ago."""
    clock.at = START
    stack._folder = folder
    (folder / "offer.txt").write_text("Dear {{ name }},\nwelcome.\n", encoding="utf-8")
    town = Town(Office(ledger, stack, clock))
    town.office.run()
    clock.at += LATER
    return town


@pytest.fixture
def town(tmp_path):
    """How to open a town with some handoffs, on SQLite: `town("first-day", …)`."""
    home, clock = Home(tmp_path / "home"), SetClock(START)
    home.root.mkdir()
    ledgers = []

    def make(*names, stack=None, **changes):
        ledgers.append(open_ledger(home, clock))
        return opened(ledgers[0], clock, tmp_path, stack or declare(only(*names) if names else None, **changes))

    yield make
    for one in ledgers:
        one.close()


def see(town, system="ats", person="ann", **more):
    """The product comes to know a record as it is now."""
    record = (
        candidate(person, **more)
        if system == "ats"
        else {"id": f"{system}-{person}", "application": f"{person}-1", **more}
    )
    town.office.seen.see(system, person, record, town.office.clock.now())


def on(town):
    """Time goes on; one pass."""
    town.office.clock.at += LATER
    return town.office.run()


def live(town):
    return {row.rule: row.reviewer for row in town.office.cases() if row.state in {"open", "awaiting_confirmation"}}


SIGNED = {"offer_status": "countersigned"}


def test_a_whole_hire_goes_its_way_on_both_databases(ledger, ledger_clock, tmp_path):
    town = opened(ledger, ledger_clock, tmp_path, declare())
    town.office.twice = True
    see(town, **SIGNED)
    result = town.office.run()
    assert result.handoffs["offer-letter"].evaluated == result.handoffs["offer-letter"].accounted == 1
    for _ in range(4):
        town.push()
        ledger_clock.at += LATER
        see(town, "check", check_result="clear")
        town.office.run()
    assert states(town.office.steps()) == {
        "offer-letter": "done", "order-check": "done", "hris-record": "done", "payroll-record": "done", "first-day": "done",
    }  # fmt: skip
    assert {row.state for row in town.office.actions()} <= {"confirmed", "withdrawn"}
    assert town.places["hris"].of("ann-1")["employment_status"] == "pre-hire"
    with ledger.read() as con:
        told = con.execute(sa.select(audit_log.c.envelope).where(audit_log.c.action == "handoff_step")).scalars().all()
    assert not any("Nowak" in one or "home.example" in one for one in told)
    with ledger.read() as con:
        assert verify(con, workers=1).ok


def test_what_is_missing_is_parked_with_its_name_and_owner_and_goes_on_when_it_is_there(town):
    here = town("order-check")
    see(here, authorised=False)
    on(here)
    step = here.office.step("order-check")
    assert (step.state, step.missing, step.missing_owner) == ("parked", "the candidate's authorisation", "rita")
    assert not here.office.actions()
    see(here)
    assert on(here).handoffs["order-check"].proposed == 1
    step, (action,) = here.office.step("order-check"), here.office.actions()
    assert (step.state, step.missing, step.released_at) == ("due", None, here.office.clock.now())
    assert (action.verb, action.record, action.kind, action.state) == ("create", "report", "hire", "ready")


def test_what_is_no_longer_to_happen_is_dropped_and_begins_again_as_another_revision(town):
    here = town("order-check")
    see(here)
    on(here)
    see(here, offer_status="draft")
    assert on(here).total("withdrawn") == 1
    assert here.office.step("order-check").state == "dropped"
    see(here)
    assert on(here).total("reopened") == 1
    assert [(row.state, row.revision) for row in here.office.actions()] == [("withdrawn", 0), ("ready", 1)]


def test_what_had_to_happen_before_the_handoff_counted_is_left_alone(town):
    here = town("order-check", "hris-record", "account")
    here.office.seen.see("ats", "old", candidate("old"), START - timedelta(days=30))
    here.office.seen.see(
        "ats",
        "due",
        candidate("due", **SIGNED, start_date=START.date() + timedelta(days=8)),
        START - timedelta(days=30),
    )
    on(here)
    assert {row.person_id: (row.state, row.done_how) for row in here.office.steps("order-check")} == {
        "old": ("done", "before"), "due": ("done", "before"),
    }  # fmt: skip
    assert not here.office.steps("account"), "its day has not come"
    here.office.clock.at += timedelta(days=2)
    on(here)
    # The offer is old, and the day on which the account is due came today.
    assert here.office.step("account", "due").state == "due"
    assert [row.handoff for row in here.office.actions()] == ["account"]
    assert not here.office.cases()


def test_what_somebody_did_is_not_done_again(town):
    here = town("hris-record")
    see(here, **SIGNED)
    on(here)
    see(here, "hris", employment_status="pre-hire")
    on(here)
    step, (action,) = here.office.step("hris-record"), here.office.actions()
    assert (step.state, step.done_how, action.state) == ("done", "by_hand", "withdrawn")
    see(here, "hris", "bob", employment_status="pre-hire")
    see(here, person="bob", **SIGNED)
    on(here)
    assert here.office.step("hris-record", "bob").done_how == "already"


def test_what_it_says_is_what_is_true_when_it_is_sent(town):
    here = town("hris-record")
    see(here, **SIGNED)
    on(here)
    see(here, **SIGNED, start_date=date(2026, 5, 1))
    on(here)
    old, new = here.office.actions()
    assert (old.state, new.state, new.revision, old.step_id) == ("withdrawn", "ready", 1, new.step_id)
    with here.office.ledger.read() as con:
        said = Seals(con, here.office.ledger.home.key(), here.office.clock.now()).open("ann", new.content_sealed)
    assert '"start_date":"2026-05-01"' in (said or "")
    assert '"manager":null' in (said or "")


INVITE = {"first-day": {**HANDOFFS["first-day"], "requires": []}}


def test_an_event_moves_with_its_day_and_the_step_stays_done(town):
    here = town(stack=declare(INVITE))
    see(here, **SIGNED)
    on(here)
    here.push()
    assert here.office.step("first-day").state == "done"
    see(here, **SIGNED, start_date=date(2026, 4, 8))
    assert on(here).total("proposed") == 1
    assert here.office.step("first-day").state == "done"
    see(here, **SIGNED)
    on(here)  # moved back before anybody was told: nothing has to be told
    assert [(row.purpose, row.state) for row in here.office.actions()] == [("do", "confirmed"), ("again", "withdrawn")]
    see(here, **SIGNED, start_date=date(2026, 4, 9))
    on(here)
    here.push()
    on(here)
    (event,) = here.places["calendar"].made.values()
    assert (event.starts, event.cancelled) == (date(2026, 4, 9), False)
    see(here, **SIGNED, start_date=date(2026, 1, 9))
    assert on(here).total("proposed") == 0, "an event that is over is not moved"


def test_what_was_made_is_taken_back_and_what_was_not_is_dropped(town):
    here = town("first-day", "hris-record", "order-check")
    here.office.twice = True
    see(here, **SIGNED)
    for _ in range(3):
        on(here)
        here.push()
    see(here, person="bob", **SIGNED)
    see(here, person="bob", offer_status="rescinded")
    see(here, offer_status="rescinded")
    on(here)
    assert states(row for row in here.office.steps() if row.person_id == "ann") == {
        "first-day": "compensating", "hris-record": "compensating", "order-check": "done",
    }  # fmt: skip
    here.push()
    on(here)
    assert here.office.step("hris-record").state == here.office.step("first-day").state == "compensated"
    assert here.places["hris"].of("ann-1")["employment_status"] == "cancelled"
    assert [one.cancelled for one in here.places["calendar"].made.values()] == [True]
    assert not [row for row in here.office.steps() if row.person_id == "bob"]
    see(here, **SIGNED)
    for _ in range(3):
        on(here)
        here.push()
    assert here.office.step("first-day").state == "done"
    assert [one.cancelled for one in here.places["calendar"].made.values()] == [False]


def test_what_may_have_been_made_is_waited_for_before_it_is_taken_back(town):
    here = town(stack=declare(INVITE))
    see(here, **SIGNED)
    on(here)
    here.places["calendar"].troubles = [("after", fault("unknown"))]
    here.push()
    see(here, offer_status="rescinded")
    if here.office.actions()[0].state != "confirmed":
        on(here)
        assert here.office.step("first-day").state == "compensating"
        assert len(here.office.actions()) == 1
    for _ in range(4):
        here.office.clock.at += LATER
        here.push()
        on(here)
    assert here.office.step("first-day").state == "compensated"
    assert [(row.purpose, row.verb, row.state) for row in here.office.actions()] == [
        ("do", "invite", "confirmed"), ("undo", "cancel", "confirmed"),
    ]  # fmt: skip


def test_an_undo_that_is_not_needed_after_all_is_not_sent(town):
    here = town(stack=declare(INVITE))
    see(here, **SIGNED)
    on(here)
    here.push()
    see(here, offer_status="rescinded")
    on(here)
    see(here, **SIGNED)
    on(here)
    assert here.office.step("first-day").state == "done"
    assert [(row.purpose, row.state) for row in here.office.actions()] == [("do", "confirmed"), ("undo", "withdrawn")]


def test_what_somebody_took_back_before_us_is_not_taken_back_again(town):
    one = HANDOFFS["hris-record"]
    back = {**one["compensate"], "when": "ats_offer_status = 'rescinded' AND hris_employment_status = 'pre-hire'"}
    here = town(stack=declare({"hris-record": {**one, "compensate": back}}))
    see(here, **SIGNED)
    on(here)
    here.push()
    see(here, offer_status="rescinded")
    here.office.seen.see("hris", "ann", here.places["hris"].of("ann-1"), here.office.clock.now())
    on(here)
    assert here.office.step("hris-record").state == "compensating"
    gone = {**here.places["hris"].of("ann-1"), "employment_status": "terminated"}
    here.office.seen.see("hris", "ann", gone, here.office.clock.now())
    on(here)
    assert here.office.step("hris-record").state == "compensated"
    assert [row.state for row in here.office.actions()] == ["confirmed", "withdrawn"]


def test_what_was_not_our_doing_is_taken_back_by_somebody(town):
    here = town("hris-record")
    see(here, "hris", employment_status="pre-hire")
    see(here, **SIGNED)
    on(here)
    see(here, offer_status="rescinded")
    on(here)
    assert here.office.step("hris-record").state == "compensating"
    assert live(here) == {"undo:hris-record": "dana"}
    here.office.seen.see("hris", "ann", None, here.office.clock.now())
    on(here)
    assert here.office.step("hris-record").state == "compensated"
    assert not live(here)
    assert not here.office.actions()


def test_a_person_is_asked_and_the_step_is_done_when_they_answer(town):
    here = town("adverse")
    here.office.twice = True
    for person in ("ann", "bob"):
        see(here, person=person, **SIGNED)
        see(here, "check", person, check_result="consider")
    on(here)
    assert {row.state for row in here.office.steps()} == {"asked"}
    ledger, now = here.office.ledger, here.office.clock.now()
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        case = here.office.step("adverse").case_id
        moves.resolve(
            con, seals, here.office.stack, case, by="dana", now=now, resolution=Resolution.EDITED, reason="done"
        )
    see(here, "check", "bob", check_result="clear")
    on(here)
    assert (here.office.step("adverse").state, here.office.step("adverse").done_how) == ("done", "by_hand")
    assert here.office.step("adverse", "bob").state == "dropped"
    assert not live(here)


def test_whoever_can_bring_it_about_is_told_once_that_it_is_late(town):
    here = town("order-check")
    see(here, authorised=False)
    on(here)
    here.office.clock.at += timedelta(days=3)
    assert on(here).newly_stalled == 1
    assert live(here) == {"stalled:order-check": "rita"}
    assert on(here).handoffs["order-check"].stalled == 1
    see(here)
    on(here)
    here.push()
    assert here.office.step("order-check").state == "done"
    assert not live(here)


def test_a_day_that_moves_moves_what_is_late(town):
    one = {**HANDOFFS["order-check"], "within": "90d", "by": "ats_start_date - 20"}
    here = town(stack=declare({"order-check": one}))
    see(here, authorised=False, start_date=date(2026, 3, 20))
    on(here)
    assert live(here) == {"stalled:order-check": "rita"}
    see(here, authorised=False)
    on(here)
    assert not live(here)
    assert here.office.step("order-check").due_at.date() == date(2026, 3, 13)


def test_doubt_holds_what_looks_at_it_and_nothing_else(town):
    here = town("order-check", "adverse", "hris-record")
    here.office.twice = True
    see(here)
    on(here)
    assert here.office.actions()[0].state == "ready"
    here.office.seen.stale("check")
    see(here, person="bob")
    result = on(here)
    assert result.total("in_doubt") == 0
    assert [row.state for row in here.office.actions("order-check")] == ["ready", "ready"], (
        "it is done by looking there"
    )
    here.office.seen.stale("ats")
    see(here, person="cy")
    result = on(here)
    assert result.handoffs["order-check"].in_doubt == 3
    assert {row.state for row in here.office.actions("order-check")} == {"proposed"}
    assert {row.person_id for row in here.office.steps("order-check")} == {"ann", "bob"}
    here.office.seen.stale()
    on(here)
    assert [row.state for row in here.office.actions("order-check")] == ["ready"] * 3


def test_a_value_that_is_held_at_a_gate_holds_its_person_only(town):
    here = town("order-check")
    see(here)
    see(here, person="bob")
    on(here)
    # The fourth attribute of the ATS, the offer's status, waits in quarantine.
    here.office.seen.see("ats", "ann", candidate(), here.office.clock.now(), marks="   q    ")
    assert on(here).total("in_doubt") == 1
    assert {row.person_id: row.state for row in here.office.actions()} == {"ann": "proposed", "bob": "ready"}
    assert here.office.step("order-check").state == "due"


def test_what_begins_in_doubt_is_parked_until_it_can_be_told(town):
    """A value that is withheld for one person has no other owner who would be told that something waits for it."""
    here = town("order-check")
    see_at = here.office.seen.see
    for person in ("ann", "bob"):
        see_at("ats", person, candidate(person), here.office.clock.now(), marks="    w   ")
    assert on(here).unsent == {}
    told = [(row.person_id, row.state, row.missing) for row in here.office.steps("order-check")]
    assert sorted(told) == [(one, "parked", "what cannot be told now: ats_authorised") for one in ("ann", "bob")]
    assert on(here).total("in_doubt") == 2, "the next pass leaves them as they are"
    here.office.clock.at += timedelta(days=30)
    here.office.seen.stale()
    on(here)
    assert live(here) == {"stalled:order-check": "dana"}, "and it becomes late like any other"
    see(here)
    see(here, person="bob", offer_status="draft")
    on(here)
    assert {row.person_id: row.state for row in here.office.steps("order-check")} == {"ann": "due", "bob": "dropped"}


def test_over_budget_all_of_it_freezes_until_its_owner_lets_it_pass(town):
    here = town("order-check", corrections__budgets=[{"kind": "hire", "count": 3, "owner": "rita"}])
    here.office.twice = True
    for number in range(4):
        see(here, person=f"p{number}")
    assert on(here).unsent == {"frozen": 4}
    assert live(here) == {"over_budget:handoffs": "rita"}
    ledger, stack = here.office.ledger, here.office.stack
    with pytest.raises(NotAnApproverError):
        release(ledger, stack, "hire", "check", "dana", "so be it")
    with pytest.raises(ReasonNeededError):
        release(ledger, stack, "hire", "check", "rita", " ")
    assert release(ledger, stack, "hire", "check", "rita", "a big cohort") == 4
    assert not live(here)
    with pytest.raises(NothingFrozenError):
        release(ledger, stack, "hire", "check", "rita", "again")
    assert on(here).unsent == {"ready": 4}
    here.push()
    see(here, person="p9")
    assert on(here).unsent == {"ready": 1}, "what was let pass counts no more"


def test_what_was_sent_within_a_day_counts(town):
    here = town("order-check", corrections__budgets=[{"kind": "hire", "count": 3, "owner": "rita"}])
    for number in range(3):
        see(here, person=f"p{number}")
    on(here)
    here.push()
    see(here, person="p9")
    assert on(here).unsent == {"frozen": 1}
    here.office.clock.at += timedelta(days=1)
    assert on(here).unsent == {"ready": 1}


def test_four_eyes_and_a_no_that_stays_a_no(town):
    here = town("order-check", corrections__four_eyes=["hire"])
    see(here)
    see(here, person="bob")
    assert on(here).unsent == {"awaiting_approval": 2}
    ledger, stack = here.office.ledger, here.office.stack
    first, second = (row.action_id for row in here.office.actions())
    with pytest.raises(NotAnApproverError):
        approve(ledger, stack, [first], "nobody")
    with pytest.raises(UnknownActionError):
        approve(ledger, stack, ["none"], "dana")
    assert approve(ledger, stack, [first], "dana") == 1
    assert reject(ledger, stack, [second], "dana", "not this one") == 1
    with pytest.raises(ActionDecidedError):
        approve(ledger, stack, [second], "dana")
    on(here)
    assert sorted(row.state for row in here.office.actions()) == ["ready", "rejected"]


@pytest.mark.parametrize(
    ("change", "state"), [({"corrections__mode": "propose"}, "proposed"), ({"lifecycle__handoffs": "watch"}, None)]
)
def test_nothing_is_sent_that_the_stack_file_does_not_let(town, change, state):
    here = town("order-check", "adverse", **change)
    see(here, **SIGNED)
    see(here, "check", check_result="consider")
    see(here, person="bob")
    on(here)
    here.push()
    assert {row.state for row in here.office.actions()} == ({state} if state else set())
    assert here.office.step("order-check", "bob").state == "due"
    assert here.office.step("adverse").state == ("asked" if state else "due")
    assert not here.places["check"].made


def test_switched_off_nothing_is_looked_at_and_nothing_goes(town):
    here = town("order-check")
    see(here)
    on(here)
    off = declare(only("order-check"), lifecycle__handoffs="off")
    see(here, person="bob")
    result = here.office.run(off)
    assert (dict(result.handoffs), result.unsent) == ({}, {"proposed": 1})


def test_a_handoff_that_is_declared_no_more_is_given_up(town):
    here = town("order-check", "adverse")
    see(here)
    on(here)
    here.office.run(declare(only("adverse")))
    assert here.office.step("order-check").state == "dropped"
    assert [row.state for row in here.office.actions()] == ["withdrawn"]


def test_sql_that_fails_on_a_value_is_its_owners_case_and_stops_nobody_else(town):
    wrong = {**HANDOFFS["adverse"], "when": "CAST(ats_last_name AS INTEGER) > 0"}
    here = town(stack=declare({**only("order-check"), "adverse": wrong}))
    see(here)
    result = on(here)
    assert result.handoffs["adverse"].fault is not None
    assert live(here) == {"unevaluated:adverse": "dana"}
    assert states(here.office.steps()) == {"order-check": "due"}
    here.office.run(declare(only("order-check", "adverse")))
    assert not live(here)


def test_two_persons_who_are_one_have_one_step(town):
    here = town("order-check")
    see(here)
    see(here, "check", "ann")
    on(here)
    assert here.office.step("order-check").state == "done"
    here.office.seen.see("ats", "ann", None, here.office.clock.now())
    here.office.seen.see("check", "ann", None, here.office.clock.now())
    here.office.seen.see("ats", "bob", candidate(), here.office.clock.now())
    here.office.seen.con.execute("INSERT INTO identity.persons VALUES ('ann', now(), 'bob')")
    on(here)
    assert [(row.person_id, row.state) for row in here.office.steps()] == [("ann", "done")]


def test_what_failed_is_tried_again_only_when_something_is_different(town):
    here = town("order-check", corrections__tries=1)
    see(here)
    on(here)
    here.places["check"].troubles = [("before", fault("refused", "invalid"))]
    here.push()
    assert on(here).total("proposed") == 0
    assert [row.state for row in here.office.actions()] == ["failed"]
    assert "action:order-check" in live(here)
    other = declare(only("order-check"), corrections__tries=2)
    other._folder = here.office.stack.folder
    assert here.office.run(other).total("proposed") == 1
    here.office.stack = other
    here.push()
    assert here.office.step("order-check").state == "done"
    assert not live(here)


def test_a_manager_is_written_as_the_targets_own_id_and_waited_for(town):
    here = town("hris-record")
    see(here, "hris", "boss", employment_status="active")
    see(here, **SIGNED, manager="nobody")
    see(here, person="bob", **SIGNED, manager="boss")
    on(here)
    parked = here.office.step("hris-record")
    assert (parked.state, parked.missing) == ("parked", "the record of `manager` in hris")
    (action,) = here.office.actions()
    with here.office.ledger.read() as con:
        said = Seals(con, here.office.ledger.home.key(), here.office.clock.now()).open("bob", action.content_sealed)
    assert '"manager":"hris-boss"' in (said or "")


def test_every_handoff_of_the_example_can_be_evaluated():
    stack = load_stack(EXAMPLE, env={})
    with duckdb.connect() as con:
        texts = (
            "step_id handoff written_as once_per state how missing_then said action_id case_id person_id action_state"
        )
        declared = [f"{name} VARCHAR" for name in f"{texts} action_stack action_said".split()]
        declared += [f"{name} TIMESTAMPTZ" for name in ("true_from", "due_at", "done_at")] + [
            "answered BOOLEAN",
            "twin BOOLEAN",
        ]
        con.execute(f"CREATE TEMP TABLE handoff_steps ({', '.join(declared)})")
        con.execute("CREATE TEMP TABLE handoff_erased (person_id VARCHAR)")
        con.execute(
            f"CREATE TEMP TABLE handoff_state AS SELECT *, []::VARCHAR[] AS doubtful FROM ({empty_relation(stack)})"
        )
        for one in parsed(stack).values():
            found = evaluate(con, stack, rules_of(stack, one), b"k" * 32)
            assert (found.evaluated, found.outcomes) == (1, {"nothing": 1})
