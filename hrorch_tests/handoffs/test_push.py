"""A push of actions: looked for before it is made, committed before it leaves, seen afterwards; and what troubles do to it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hrorch_pipelines.corrections import breaker, lease
from hrorch_pipelines.storage.ledger_tables import actions, audit_values
from hrorch_tests.handoffs.acting import Bench, stack_for
from hrorch_tests.handoffs.memory_place import Place, fault


@pytest.fixture
def bench(ledger, ledger_clock, tmp_path: Path) -> Bench:
    return Bench(ledger, stack_for(tmp_path), ledger_clock)


def test_a_record_is_made_once_and_its_step_is_done_with_the_confirmation(bench: Bench) -> None:
    place, one = Place(), bench.ready("hris-prehire", "p1")
    result = bench.push("hris", place)
    assert (result.taken, result.sent, result.confirmed) == (1, 1, 1)
    row = bench.row(one)
    assert (row.state, row.source_id, row.receipt) == ("confirmed", "hris-1", "hris-1")
    assert None not in (row.sent_at, row.acknowledged_at, row.confirmed_at)
    assert row.lease is None
    step = bench.step(one)
    assert (step.state, step.done_how) == ("done", "action")
    assert bench.history(one) == ["sending", "sent", "confirmed"]
    bench.push("hris", place)
    assert place.makes == {"p1@lakeside.example": 1}


def test_what_is_there_already_is_not_made_again(bench: Bench) -> None:
    place, one = Place(made={"p1@lakeside.example": "by-hand"}), bench.ready("hris-prehire", "p1")
    result = bench.push("hris", place)
    assert (result.already_there, result.sent) == (1, 0)
    assert not place.makes
    assert (bench.row(one).source_id, bench.row(one).sent_at) == ("by-hand", None)
    assert (bench.step(one).state, bench.step(one).done_how) == ("done", "already")


def test_nobody_acts_on_what_is_unclear_and_its_owner_is_asked(bench: Bench) -> None:
    place, one = Place(unclear={"p1@lakeside.example"}), bench.ready("hris-prehire", "p1")
    assert bench.push("hris", place).conflicted == 1
    assert not place.makes
    assert (bench.row(one).state, bench.step(one).state) == ("conflicted", "due")
    (case,) = bench.cases()
    assert (case.source, case.reviewer, case.system, case.person_id) == ("handoff", "hris-analyst", "hris", "p1")
    assert bench.row(one).case_id == case.case_id
    assert "two records" in case.what
    assert "p1@" not in case.what + case.action

    bench.ready("hris-prehire", "p1", step_id=bench.row(one).step_id, revision=1)
    place.unclear.clear()
    assert bench.push("hris", place).confirmed == 1
    assert bench.cases()[0].state == "confirmed", "the case is closed by the action that went well"


def test_an_answer_that_was_lost_is_decided_by_looking(bench: Bench) -> None:
    place, one = Place(troubles=[("after", fault("unknown"))]), bench.ready("hris-prehire", "p1")
    result = bench.push("hris", place)
    assert (result.sent, result.confirmed) == (0, 1)
    assert place.makes == {"p1@lakeside.example": 1}
    assert bench.step(one).done_how == "action"
    assert bench.row(one).acknowledged_at is not None


def test_a_request_that_never_arrived_is_sent_again_when_patience_is_over(bench: Bench) -> None:
    place, one = Place(troubles=[("before", fault("unknown"))]), bench.ready("hris-prehire", "p1")
    assert bench.push("hris", place).unknown == 1
    other = bench.ready("hris-prehire", "p1")
    stranger = bench.ready("hris-prehire", "p2")
    result = bench.push("hris", place)
    assert result.confirmed == 1, "an unknown outcome holds up that person only"
    assert (bench.row(stranger).state, bench.row(other).state) == ("confirmed", "ready")
    bench.clock.at += timedelta(seconds=3)
    result = bench.push("hris", place)
    assert (result.resumed, result.unknown_resolved) == (1, 1)
    bench.push("hris", place)
    assert bench.row(one).state == "confirmed"
    assert bench.row(one).attempts == 2
    assert place.makes["p1@lakeside.example"] == 1


def test_a_process_that_died_while_sending_is_found_out_about_by_looking(bench: Bench) -> None:
    place = Place(made={"p1@lakeside.example": "hris-7"})
    now = bench.clock.now()
    one = bench.ready(
        "hris-prehire",
        "p1",
        state="sending",
        sent_at=now,
        attempts=1,
        lease="dead",
        lease_until=now + timedelta(seconds=60),
    )
    assert bench.push("hris", place).resumed == 0, "its lease may still be held"
    bench.clock.at += timedelta(seconds=61)
    result = bench.push("hris", place)
    assert (result.resumed, result.confirmed, result.unknown_resolved) == (1, 1, 1)
    assert (bench.row(one).source_id, bench.step(one).done_how) == ("hris-7", "action")
    assert not place.makes


def test_taken_and_never_shown_is_a_case(bench: Bench) -> None:
    place, one = Place(lagging=100), bench.ready("hris-prehire", "p1")
    assert bench.push("hris", place).waiting == 1
    bench.clock.at += timedelta(seconds=3)
    assert bench.push("hris", place).diverged == 1
    assert (bench.row(one).state, bench.row(one).fault) == ("diverged", "not_seen")
    assert bench.cases()[0].rule == "action:hris-prehire"


def test_what_the_place_refuses_for_good_is_a_case_and_what_it_cannot_take_now_waits(bench: Bench) -> None:
    place = Place(troubles=[("before", fault("refused", "422")), ("before", fault("not_done", "503"))])
    one, two = bench.ready("hris-prehire", "p1"), bench.ready("hris-prehire", "p2")
    result = bench.push("hris", place)
    assert (result.failed, result.put_back) == (1, 1)
    assert (bench.row(one).state, bench.row(one).fault) == ("failed", "422")
    row = bench.row(two)
    assert (row.state, row.attempts, row.sent_at) == ("ready", 1, None)
    assert row.due_at > bench.clock.now()
    bench.clock.at += timedelta(minutes=1)
    assert bench.push("hris", place).confirmed == 1


def test_a_place_that_is_away_costs_no_try_and_is_left_alone_after_a_while(bench: Bench) -> None:
    place, ids = Place(down=True), [bench.ready("hris-prehire", f"p{n}") for n in range(9)]
    for _ in range(8):
        bench.push("hris", place)
        bench.clock.at += timedelta(minutes=1)
    assert {bench.row(one).attempts for one in ids} == {0}
    (case,) = bench.cases()
    assert case.rule == "breaker"
    place.down = False
    bench.clock.at += timedelta(hours=1)
    for _ in range(3):
        bench.push("hris", place)
        bench.clock.at += timedelta(minutes=30)
    assert bench.states() == {"confirmed": 9}
    assert set(place.makes.values()) == {1}
    assert bench.cases()[0].state == "confirmed"


def test_an_outlet_has_a_breaker_of_its_own(bench: Bench) -> None:
    for n in range(6):
        bench.ready("offer-letter", f"p{n}")
    bench.push("letters", Place(down=True))
    assert bench.push("letters", Place()).stopped
    (case,) = bench.cases()
    assert (case.system, case.reviewer) == ("letters", "hris-analyst")
    with bench.ledger.read() as con:
        assert breaker.pause(con, "letters", bench.clock.now()) is not None
        assert breaker.pause(con, "hris", bench.clock.now()) is None


def test_a_push_of_corrections_keeps_a_push_of_actions_out(bench: Bench) -> None:
    bench.ready("hris-prehire", "p1")
    with bench.ledger.write() as con:
        assert lease.take(con, "hris", "somebody", bench.clock.now(), timedelta(seconds=60))
    assert "under way" in (bench.push("hris", Place()).stopped or "")
    assert bench.states() == {"ready": 1}


def test_in_mode_propose_nothing_leaves(bench: Bench) -> None:
    place = Place()
    bench.ready("hris-prehire", "p1")
    for rules in ({"mode": "propose"}, {"never_touch": {"systems": ["hris"]}}, {"targets": ["payroll"]}):
        stack = stack_for(bench.stack.folder, **rules)
        assert Bench(bench.ledger, stack, bench.clock).push("hris", place).stopped
    watching = bench.stack.model_copy(
        update={"lifecycle": bench.stack.lifecycle.model_copy(update={"handoffs": "watch"})}
    )
    assert Bench(bench.ledger, watching, bench.clock).push("hris", place).stopped
    assert not place.makes
    assert bench.states() == {"ready": 1}


def test_what_the_stack_file_no_longer_says_is_withdrawn_and_what_needs_two_waits_for_them(bench: Bench) -> None:
    one = bench.ready("hris-prehire", "p1")
    less = bench.stack.model_copy(update={"handoffs": {}})
    assert Bench(bench.ledger, less, bench.clock).push("hris", Place()).withdrawn == 1
    assert bench.row(one).state == "withdrawn"
    two = bench.ready("hris-prehire", "p2")
    strict = stack_for(bench.stack.folder, four_eyes=["hire"])
    Bench(bench.ledger, strict, bench.clock).push("hris", Place())
    assert bench.row(two).state == "awaiting_approval"


def test_tries_are_bounded(bench: Bench) -> None:
    bench = Bench(bench.ledger, stack_for(bench.stack.folder, tries=2), bench.clock)
    place = Place(troubles=[("before", fault("not_done", "503"))] * 9)
    one = bench.ready("hris-prehire", "p1")
    for _ in range(3):
        bench.push("hris", place)
        bench.clock.at += timedelta(minutes=20)
    assert (bench.row(one).state, bench.row(one).attempts) == ("failed", 2)


def test_each_persons_actions_happen_in_the_order_proposed_and_who_waited_longest_comes_first(bench: Bench) -> None:
    later = bench.ready("rename", "p2", source_id="2")
    del later
    first = bench.ready("hris-prehire", "p1", proposed_at=bench.clock.now() - timedelta(days=2))
    order: list[str] = []

    class Watched(Place):
        def make(self, making, seen):
            order.append(making.content.values["work_email"])
            return super().make(making, seen)

    for n in (3, 4):
        bench.ready("hris-prehire", f"p{n}")
    bench.push("hris", Watched(), limit=2, changer=_NeverAsked())
    assert bench.row(first).state == "confirmed"
    assert order == ["p1@lakeside.example"], "then the rename, which was proposed second"
    bench.push("hris", Watched())
    assert order == [f"p{n}@lakeside.example" for n in (1, 3, 4)]


def test_a_letter_is_kept_sealed_before_it_leaves_and_its_acceptance_is_its_confirmation(bench: Bench) -> None:
    place, one = Place(), bench.ready("offer-letter", "p1")
    kept: list[int] = []
    make = place.make

    def looking(making, seen):
        kept.append(len(bench.letters()))
        assert bench.row(one).state == "sending"
        return make(making, seen)

    place.make = looking  # type: ignore[method-assign]
    assert bench.push("letters", place).confirmed == 1
    assert kept == [1]
    ((key, letter),) = place.letters
    assert (key, letter.to, letter.text) == (one, "p1@home.example", "Dear Äpfelbaum,\nwelcome.\n")
    (part,) = bench.letters()
    assert "Äpfelbaum".encode() not in part.content_sealed
    assert len(part.digest) == 64
    assert bench.step(one).state == "done"


def test_a_letter_whose_acceptance_was_lost_goes_again_unchanged_under_the_same_id(bench: Bench) -> None:
    place, one = Place(troubles=[("after", fault("unknown"))]), bench.ready("offer-letter", "p1")
    result = bench.push("letters", place)
    assert result.put_back == 1
    assert "same Message-ID" in bench.row(one).why
    (bench.stack.folder / "offer.txt").write_text("Something else {{ name }}", encoding="utf-8")
    assert bench.push("letters", place).confirmed == 1
    assert [key for key, _ in place.letters] == [one, one]
    assert place.letters[0][1] == place.letters[1][1], "the one that was kept"
    assert len(bench.letters()) == 1
    assert bench.history(one) == ["sending", "ready", "sending", "sent", "confirmed"]


def test_a_letter_that_cannot_be_filled_is_a_case_and_nothing_is_sent(bench: Bench) -> None:
    place = Place()
    one = bench.ready("offer-letter", "p1", {"to": "p1@home.example", "fields": {}})
    assert bench.push("letters", place).failed == 1
    assert bench.row(one).state == "failed"
    assert not place.letters
    assert not bench.letters()


def test_an_event_is_made_moved_and_taken_out_under_one_uid(bench: Bench) -> None:
    place, one = Place(), bench.ready("first-day", "p1")
    assert bench.push("calendar", place).confirmed == 1
    uid = bench.row(one).source_id
    assert place.made[uid].sequence == 0
    step_id = bench.row(one).step_id
    moved = {"starts": "2026-04-08", "location": None, "attendees": [], "fields": {}}
    bench.ready("first-day", "p1", moved, step_id=step_id, purpose="again", revision=1)
    assert bench.push("calendar", place).confirmed == 1
    assert place.made[uid].starts.isoformat() == "2026-04-08"
    bench.ready("first-day", "p1", moved, step_id=step_id, purpose="undo", verb="cancel", revision=1)
    assert bench.push("calendar", place).confirmed == 1
    assert place.made[uid].cancelled
    assert place.made[uid].sequence == 3
    assert place.makes == {uid: 3}


def test_what_was_said_is_in_the_log_only_sealed(bench: Bench) -> None:
    bench.ready("hris-prehire", "p1")
    bench.push("hris", Place())
    with bench.ledger.read() as con:
        sealed = con.execute(sa.select(audit_values.c.after_sealed)).scalars().all()
    assert len([one for one in sealed if one]) == 1
    assert "p1@lakeside" not in str(bench.entries())
    bench.ways_are_allowed()


def test_what_was_erased_is_withdrawn(bench: Bench) -> None:
    one = bench.ready("hris-prehire", "p1")
    with bench.ledger.write() as con:
        con.execute(sa.update(actions).values(content_sealed=None))
    assert bench.push("hris", Place()).withdrawn == 1
    assert bench.row(one).state == "withdrawn"


class _NeverAsked:
    """A target that is there and refuses everything."""

    def read(self, write):  # noqa: ARG002
        raise fault("refused", "403")

    def close(self):
        """Nothing to give back."""
