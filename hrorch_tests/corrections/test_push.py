"""A push changes what still is as expected, once, and calls it done only when the target shows it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.push import PushResult
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.storage.ledger_tables import audit_log, corrections, overrides, person_keys
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for


@pytest.fixture
def box(tmp_path: Path, ledger_clock: SetClock) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 12, ledger_clock) as running:
        yield running


@pytest.fixture
def bench(box: Sandbox, ledger, ledger_clock) -> Bench:
    return Bench(ledger, stack_for(box.env), ledger_clock, box)


def only(**counts: int) -> PushResult:
    return PushResult(**counts)


def test_a_value_is_confirmed_when_the_target_shows_it(bench: Bench) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    assert bench.push() == only(taken=1, sent=1, confirmed=1)
    assert bench.stored(3, "preferredName") == "Mo"
    assert bench.history(one) == ["correction_proposed", "sending", "sent", "confirmed"]
    row = bench.row(one)
    assert row.sent_at
    assert row.acknowledged_at
    assert row.confirmed_at
    assert (row.lease, row.attempts) == (None, 1)


def test_corrections_of_one_record_are_one_write(bench: Bench) -> None:
    bench.ready(3, "preferred_name", None, "Mo")
    bench.ready(3, "postcode", "02134", "60601")
    assert bench.push() == only(taken=2, sent=2, confirmed=2)
    assert bench.writes() == [("3", ("preferredName", "zipcode"), "hrorch-integration")]


def test_what_is_already_there_is_confirmed_without_a_write(bench: Bench) -> None:
    one = bench.ready(3, "postcode", "99999", "02134")
    assert bench.push() == only(taken=1, already_there=1)
    assert bench.writes() == []
    assert bench.history(one) == ["correction_proposed", "confirmed"]
    assert bench.row(one).sent_at is None


def test_a_value_somebody_else_brought_is_left_alone_and_its_writer_named(bench: Bench) -> None:
    one = bench.ready(3, "postcode", "02134", "60601")
    bench.edit(3, by="Rosa Quint", zipcode="73301")
    assert bench.push() == only(taken=1, conflicted=1)
    assert bench.stored(3, "zipcode") == "73301"
    (case,) = bench.cases()
    assert (case.source, case.reference, case.attribute) == ("correction", one, "postcode")
    assert "Rosa Quint" in case.what
    assert not {"73301", "60601", "02134"} & {case.expected, case.actual}
    assert bench.row(one).state == "conflicted"


def test_a_record_that_is_gone_is_a_conflict(bench: Bench) -> None:
    bench.ready(404, "postcode", "02134", "60601")
    assert bench.push() == only(taken=1, conflicted=1)


def test_a_withheld_value_is_never_written_over(bench: Bench) -> None:
    one = bench.ready(9, "personal_email", None, "new@mail.example")
    result = bench.push()
    assert (result.failed, bench.writes(), bench.row(one).fault) == (1, [], "not_shown")


def test_one_bad_value_fails_alone(bench: Bench) -> None:
    bad = bench.ready(3, "work_email", "w3@lakeside.example", "w5@lakeside.example")
    good = bench.ready(3, "preferred_name", None, "Mo")
    other = bench.ready(4, "preferred_name", None, "Jo")
    result = bench.push()
    assert (result.taken, result.failed, result.confirmed) == (3, 1, 2)
    assert [bench.row(one).state for one in (bad, good, other)] == ["failed", "confirmed", "confirmed"]
    assert bench.stored(3, "workEmail") == "w3@lakeside.example"
    assert [case.attribute for case in bench.cases()] == ["work_email"]


def test_pushing_again_changes_nothing(bench: Bench) -> None:
    bench.ready(3, "preferred_name", None, "Mo")
    bench.push()
    before = bench.writes()
    assert bench.push() == PushResult()
    assert bench.writes() == before


def test_nothing_is_sent_until_the_stack_file_says_apply(bench: Bench) -> None:
    bench.stack = stack_for(bench.box.env, mode="propose")
    one = bench.ready(3, "preferred_name", None, "Mo")
    result = bench.push()
    assert result.taken == 0
    assert "apply" in (result.stopped or "")
    assert bench.row(one).state == "ready"


@pytest.mark.parametrize(
    ("rules", "state"),
    [
        ({"never_touch": {"attributes": ["postcode"]}}, "withdrawn"),
        ({"never_touch": {"records": ["hris:3"]}}, "withdrawn"),
        ({"four_eyes": ["postcode"]}, "awaiting_approval"),
        ({"four_eyes": ["personal"]}, "awaiting_approval"),
    ],
)
def test_rules_made_since_the_plan_hold_at_the_last_moment(bench: Bench, rules, state) -> None:
    bench.stack = stack_for(bench.box.env, **rules)
    one = bench.ready(3, "postcode", "02134", "60601")
    assert bench.push() == only(taken=1, withdrawn=1)
    assert (bench.row(one).state, bench.writes()) == (state, [])


def test_an_approval_of_another_before_value_is_dead(bench: Bench) -> None:
    bench.stack = stack_for(bench.box.env, four_eyes=["postcode"])
    now = bench.clock.now()
    wrong = bench.ready(
        3, "postcode", "02134", "60601", approved_by="dana", approved_at=now, approved_mark="of another"
    )
    own = bench.ready(4, "postcode", "02134", "60601", approved_by="hrorch", approved_at=now)
    right = bench.ready(5, "postcode", "02134", "60601", approved_by="dana", approved_at=now)
    with bench.ledger.write() as con:
        for one in (own, right):
            con.execute(
                sa.update(corrections)
                .where(corrections.c.correction_id == one)
                .values(approved_mark=corrections.c.before_mark)
            )
    assert bench.push() == only(taken=3, sent=1, confirmed=1, withdrawn=2)
    assert [bench.row(one).state for one in (wrong, own, right)] == [
        "awaiting_approval",
        "awaiting_approval",
        "confirmed",
    ]
    assert bench.row(wrong).approved_by is None


@pytest.mark.parametrize(("system", "sent"), [("hris", False), (None, False), ("payroll", True)])
def test_an_override_made_since_stops_it(bench: Bench, system, sent) -> None:
    one = bench.ready(3, "postcode", "02134", "60601")
    now = bench.clock.now()
    with bench.ledger.write() as con:
        con.execute(
            overrides.insert().values(
                override_id="o1", person_id="person-00003", attribute="postcode", system=system, value_mark="x", reason="why",
                made_by="dana", made_at=now, expires_at=now + timedelta(days=9),
            )
        )  # fmt: skip
    bench.push()
    assert bench.row(one).state == ("confirmed" if sent else "withdrawn")


def test_a_refused_snapshot_of_the_target_stops_writing_to_it(bench: Bench) -> None:
    from hrorch_pipelines.snapshots.manifest import Manifest, write_manifest

    moment = bench.clock.now()
    manifest = Manifest(
        snapshot_id="hris-20260302T120000000000Z", system="hris", owner="dana", started_at=moment, observed_at=moment,
        trusted=False, stack_hash="x",
    )  # fmt: skip
    folder = bench.ledger.home.untrusted / "hris" / manifest.snapshot_id
    folder.mkdir(parents=True)
    write_manifest(folder, manifest)
    bench.ready(3, "postcode", "02134", "60601")
    result = bench.push()
    assert (result.taken, bench.writes()) == (0, [])
    assert "not trusted" in (result.stopped or "")


def test_an_answer_that_never_came_is_decided_by_reading(bench: Bench, box: Sandbox) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    box.board.switch_on("hris", "lost_answer", times=1)
    assert bench.push() == only(taken=1, confirmed=1)
    assert bench.writes() == [("3", ("preferredName",), "hrorch-integration")]
    assert bench.history(one) == ["correction_proposed", "sending", "confirmed"]
    assert bench.row(one).acknowledged_at is not None


def test_a_write_that_got_lost_is_sent_again_only_after_patience(bench: Bench, box: Sandbox) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    box.board.switch_on("hris", "outage", times=1, path="/employees/3", skip=1)
    first = bench.push()
    assert (first.unknown, bench.row(one).state) == (1, "sending")
    assert bench.push().unknown <= 1  # not due, or looked at again: nothing is sent meanwhile
    assert bench.writes() == []
    bench.clock.at += timedelta(seconds=5)
    result = bench.push()
    assert (result.unknown_resolved, result.put_back, result.confirmed) == (1, 1, 1)
    assert len(bench.writes()) == 1
    assert bench.row(one).attempts == 2


def test_a_slow_target_is_waited_for_by_later_pushes(bench: Bench, box: Sandbox) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    box.board.switch_on("hris", "lagging_reads", times=1, reads=2)
    assert bench.push() == only(taken=1, sent=1, waiting=1)
    other = bench.ready(3, "postcode", "02134", "60601")
    assert bench.push().taken == 0, "the record has something under way"
    bench.clock.at += timedelta(seconds=1)
    result = bench.push()
    assert (result.resumed, result.confirmed, result.taken) == (1, 2, 1)
    assert [bench.row(key).state for key in (one, other)] == ["confirmed", "confirmed"]


def test_a_write_that_was_taken_and_not_kept_diverges(bench: Bench, box: Sandbox) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    box.board.switch_on("hris", "ignored_write", times=1)
    assert bench.push().waiting == 1
    bench.clock.at += timedelta(seconds=5)
    assert bench.push() == only(resumed=1, diverged=1)
    assert (bench.row(one).state, [case.reference for case in bench.cases()]) == ("diverged", [one])


def test_a_later_confirmation_settles_what_an_earlier_one_raised(bench: Bench) -> None:
    bench.ready(3, "postcode", "02134", "60601")
    bench.edit(3, zipcode="73301")
    bench.push()
    bench.ready(3, "postcode", "73301", "60601")
    bench.push()
    assert [case.state for case in bench.cases()] == ["confirmed"]


def test_tries_are_used_up(bench: Bench, box: Sandbox) -> None:
    bench.stack = stack_for(box.env, tries=2)
    one = bench.ready(3, "preferred_name", None, "Mo")
    for _ in range(2):
        box.board.switch_on("hris", "unavailable", times=1, path="/employees/3", skip=1)
        bench.push()
        bench.clock.at += timedelta(hours=1)
    assert (bench.row(one).state, bench.row(one).attempts, bench.writes()) == ("failed", 2, [])
    assert [case.reference for case in bench.cases()] == [one]


def test_a_persons_corrections_arrive_in_the_order_proposed(bench: Bench, box: Sandbox) -> None:
    bench.stack = stack_for(box.env, writes={"hris": ["postcode", "job_title"]})
    first = bench.ready(3, "postcode", "02134", "60601")
    second = bench.ready(3, "job_title", "Nurse", "Cook", record="job", data_type="employment")
    box.board.switch_on("hris", "unavailable", times=1, path="/employees/3$", skip=1)
    result = bench.push()
    assert (result.taken, result.put_back, bench.writes()) == (2, 2, [])
    assert bench.push().taken == 0, "the second waits for the first, which is not due"
    bench.clock.at += timedelta(minutes=1)
    assert bench.push().confirmed == 2
    assert bench.row(first).sent_at <= bench.row(second).sent_at


def test_two_dates_of_one_record_go_one_after_the_other(bench: Bench, box: Sandbox) -> None:
    bench.stack = stack_for(box.env, writes={"hris": ["job_title"]})
    bench.ready(3, "job_title", "Nurse", "Cook", record="job", effective_from=date(2026, 2, 10))
    bench.ready(3, "job_title", "Cook", "Chef", record="job", effective_from=date(2026, 2, 20))
    assert bench.push().confirmed == 1
    assert bench.push().confirmed == 1
    rows = [fields for _, fields, _ in bench.writes(collection="jobInfo")]
    assert len(rows) == 2


def test_an_erased_person_is_not_written(bench: Bench) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    with bench.ledger.write() as con:
        con.execute(sa.update(person_keys).values(wrapped_key=None, destroyed_at=bench.clock.now()))
    assert bench.push() == only(taken=1, withdrawn=1)
    assert (bench.row(one).state, bench.writes()) == ("withdrawn", [])


def test_a_person_erased_between_sending_and_seeing_holds_nobody_up(bench: Bench, box: Sandbox) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    box.board.switch_on("hris", "lagging_reads", times=1, reads=9)
    assert bench.push().waiting == 1
    with bench.ledger.write() as con:
        con.execute(sa.update(person_keys).values(wrapped_key=None, destroyed_at=bench.clock.now()))
    other = bench.ready(4, "preferred_name", None, "Jo")
    bench.clock.at += timedelta(seconds=1)
    assert bench.push() == only(resumed=1, withdrawn=1, taken=1, sent=1, confirmed=1)
    assert [bench.row(key).state for key in (one, other)] == ["withdrawn", "confirmed"]


def test_a_second_push_of_the_same_target_leaves_at_once(bench: Bench) -> None:
    from hrorch_pipelines.corrections import lease

    bench.ready(3, "preferred_name", None, "Mo")
    now = bench.clock.now()
    with bench.ledger.write() as con:
        assert lease.take(con, "hris", "somebody", now, timedelta(seconds=30))
    assert "under way" in (bench.push().stopped or "")
    bench.clock.at += timedelta(seconds=31)
    assert bench.push().confirmed == 1, "a lease that ran out holds nobody up"


def test_every_change_of_state_has_its_entry_in_the_chain(bench: Bench, box: Sandbox) -> None:
    from hrorch_pipelines.audit.log import GENESIS, link

    for n in range(1, 7):
        bench.ready(n, "preferred_name", None, f"Mo{n}")
    bench.edit(2, preferredName="Other")
    box.board.switch_on("hris", "lost_answer", times=1, path="/employees/4$")
    bench.push()
    with bench.ledger.read() as con:
        entries = con.execute(sa.select(audit_log).order_by(audit_log.c.sequence)).all()
    previous = GENESIS
    for sequence, entry in enumerate(entries, start=1):
        previous = link(previous, entry.envelope)
        assert (entry.sequence, entry.hash) == (sequence, previous)
    assert not any("Mo3" in entry.envelope for entry in entries)
