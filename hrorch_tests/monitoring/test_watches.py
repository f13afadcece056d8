"""Each watch sees its own failure, says whose it is and since when, and nothing while all is well."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable
from datetime import timedelta

import pytest

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.heads import export
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring import beats, keeping
from hrorch_pipelines.monitoring.run import look_now
from hrorch_pipelines.monitoring.scene import Scene
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.watches import WATCHES, look
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import inbox, inbox_refused
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.monitoring import planted

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def stack(stack_with: Callable[..., Stack]) -> Stack:
    return stack_with(watch={"disk_free": 0})


def found(ledger: Ledger, stack: Stack) -> dict[str, Trouble]:
    return {one.key: one for one in look_now(ledger, stack).troubles}


def test_nothing_is_wrong_before_anything_ran(ledger: Ledger, stack: Stack) -> None:
    assert found(ledger, stack) == {}


def test_a_system_not_read_for_too_long_is_its_owners(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    for name in stack.systems:
        planted.snapshot(ledger.home, name, now - (3 * HOUR if name == "hris" else MINUTE))
    seen = found(ledger, stack)
    assert set(seen) == {"freshness:hris"}
    assert seen["freshness:hris"].owner == "hris-analyst"
    assert seen["freshness:hris"].since == now - HOUR  # silent: the event and its limit


def test_a_system_that_never_answered_is_told_once_others_did(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    for name in set(stack.systems) - {"check"}:
        planted.snapshot(ledger.home, name, now)
    assert set(found(ledger, stack)) == {"freshness:check"}


def test_refused_snapshots_in_a_row_whoever_refused_them(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    for name in stack.systems:
        planted.snapshot(ledger.home, name, now - HOUR)
    planted.snapshot(ledger.home, "payroll", now - 40 * MINUTE, trusted=False)
    assert "untrusted:payroll" not in found(ledger, stack)
    planted.snapshot(ledger.home, "payroll", now - 20 * MINUTE, at_gate=True)
    seen = found(ledger, stack)["untrusted:payroll"]
    assert (seen.affects, seen.since) == ({"snapshots": 2}, now - 20 * MINUTE)
    planted.snapshot(ledger.home, "payroll", now)
    assert "untrusted:payroll" not in found(ledger, stack)


def test_no_cycle_for_too_long(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    now = ledger.clock.now()
    for name in stack.systems:
        planted.snapshot(ledger.home, name, now)
    planted.published(ledger.home, cycles=[now - 5 * HOUR])
    assert "cycle" not in found(ledger, stack)
    ledger_clock.at = now + 2 * HOUR
    assert found(ledger, stack)["cycle"].since == now + HOUR


def test_a_gate_out_of_its_own_band(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    usual = [("hris", now - (n + 1) * HOUR, 2 + n % 3, 200) for n in range(12)]
    planted.published(ledger.home, cycles=[now], receipts=[*usual, ("hris", now, 4, 200)])
    assert "gate:hris" not in found(ledger, stack)
    planted.published(ledger.home, cycles=[now], receipts=[*usual, ("hris", now, 40, 160)])
    assert found(ledger, stack)["gate:hris"].affects == {"records": 40}
    planted.published(ledger.home, cycles=[now], receipts=[("hris", now, 40, 160)])
    assert "gate:hris" not in found(ledger, stack)  # nothing is usual yet


def test_an_open_breaker_and_no_second_alert_for_its_queue(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        planted.breaker(con, "payroll", now - HOUR)
        planted.correction(con, "ready", now - 5 * HOUR)
    seen = found(ledger, stack)
    assert set(seen) == {"breaker:payroll"}
    assert (seen["breaker:payroll"].owner, seen["breaker:payroll"].affects) == ("payroll-lead", {"corrections": 1})


def test_a_queue_that_does_not_drain_and_one_starved_by_a_limit(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        planted.correction(con, "ready", now - HOUR)
    assert found(ledger, stack) == {}
    with ledger.write() as con:
        planted.breaker(con, "payroll", now, state="closed", failures=0, retry_at=now + MINUTE)
    assert set(found(ledger, stack)) == {"starved:payroll"}
    with ledger.write() as con:
        planted.breaker(con, "payroll", now - HOUR, state="closed", failures=0)
        planted.correction(con, "sending", now - 3 * HOUR)
    assert found(ledger, stack) == {}  # it came back an hour ago and has a backlog
    with ledger.write() as con:
        planted.breaker(con, "payroll", now - 3 * HOUR, state="closed", failures=0)
    seen = found(ledger, stack)
    assert set(seen) == {"queue:payroll"}
    assert seen["queue:payroll"].affects == {"corrections": 2, "persons": 2}


def test_nothing_is_late_while_nothing_may_be_sent(ledger: Ledger, stack: Stack) -> None:
    held = stack.model_copy(update={"corrections": stack.corrections.model_copy(update={"mode": "propose"})})
    with ledger.write() as con:
        planted.correction(con, "ready", ledger.clock.now() - DAY)
    assert found(ledger, held) == {}


def test_a_mass_termination_is_critical_and_its_budgets_owners(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        for _ in range(4):
            planted.correction(con, "frozen", now - HOUR, target="directory", kind="termination")
        planted.correction(con, "frozen", now, kind="pay")
    seen = found(ledger, stack)
    assert seen["frozen:directory:termination"].severity == "critical"
    assert seen["frozen:directory:termination"].owner == "hris-analyst"
    assert seen["frozen:directory:termination"].affects == {"corrections": 4, "persons": 4}
    assert seen["frozen:payroll:pay"].owner == "payroll-lead"


def test_cases_past_their_time_are_one_alert_per_reviewer(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        for hours in (1, 5, -1):
            planted.case(con, now - hours * HOUR, person_id="p")
        planted.case(con, now - DAY, state="confirmed")
    seen = found(ledger, stack)
    assert seen["overdue:hris-analyst"].since == now - 5 * HOUR
    assert seen["overdue:hris-analyst"].affects == {"cases": 2, "persons": 1}


def test_silence_and_failing_ticks(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    lives = [
        beats.Beat("daemon SENSOR", now, timedelta(seconds=30)),
        beats.Beat("sensor slow", now - 15 * MINUTE, 10 * MINUTE),
        beats.Beat("sensor gone", now - 15 * MINUTE, MINUTE),
        beats.Beat("sensor crashing", now, MINUTE, 4, now - 3 * MINUTE, "ValueError"),
        beats.Beat("schedule nightly", now - 20 * HOUR),
    ]
    with ledger.write() as con:
        beats.write(con, lives)
    seen = found(ledger, stack)
    assert {key: one.severity for key, one in seen.items()} == {
        "heartbeat:sensor gone": "error",
        "tick:sensor crashing": "error",
    }
    assert seen["heartbeat:sensor gone"].since == now - 5 * MINUTE
    assert "ValueError" in seen["tick:sensor crashing"].what


def test_a_silent_daemon_is_one_failure_however_much_is_silent_with_it(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    names = ("daemon SENSOR", "daemon SCHEDULER", "sensor watch", "sensor push", "monitor")
    with ledger.write() as con:
        beats.write(con, [beats.Beat(name, now - HOUR, MINUTE) for name in names])
    seen = found(ledger, stack)
    assert {key: (one.severity, one.since) for key, one in seen.items()} == {
        "heartbeat:daemon": ("critical", now - 50 * MINUTE),
        "heartbeat:monitor": ("critical", now - 50 * MINUTE),
    }


def test_what_was_switched_off_is_expected_no_more(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        beats.write(con, [beats.Beat("sensor old", now - DAY, MINUTE), beats.Beat("webhooks", now)])
        beats.write(con, [beats.Beat("sensor new", now, MINUTE)], instead_of=["sensor "])
        assert [one.name for one in beats.read(con)] == ["sensor new", "webhooks"]


def test_an_audit_log_that_goes_on_unsigned(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    began = ledger.clock.now()
    _entry(ledger)
    ledger_clock.at = began + 3 * DAY
    assert found(ledger, stack)["audit_head"].since == began + 2 * DAY
    export(ledger)
    assert found(ledger, stack) == {}
    _entry(ledger)
    ledger_clock.at = began + 6 * DAY
    assert "audit_head" in found(ledger, stack)


def test_little_room_and_a_disk_that_fills(
    ledger: Ledger, stack_with: Callable[..., Stack], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1000, 960, 40))
    stack, now = stack_with(), ledger.clock.now()
    assert found(ledger, stack)["disk"].severity == "critical"
    with ledger.write() as con:
        for days, size in ((2, 100), (1, 110), (0, 120)):
            keeping.note_size(con, size, now - days * DAY)
    assert "growth" in found(ledger, stack)  # 10 a day, 40 left, a week to go


def test_a_watch_that_cannot_look_is_told_and_stops_no_other(ledger: Ledger, stack: Stack) -> None:
    def broken(_: Scene) -> list[Trouble]:
        raise KeyError("a value nobody may see")

    with ledger.write() as con:
        planted.breaker(con, "payroll", ledger.clock.now())
    with ledger.read() as con:
        here = Scene(stack, ledger.home, con, None, ledger.clock.now())
        seen = look(here, ((broken, frozenset({Watch.DISK})), *WATCHES))  # type: ignore[arg-type]
    assert {one.key for one in seen.troubles} == {"watch:broken", "breaker:payroll"}
    assert Watch.DISK in seen.blind
    assert "KeyError" in seen.troubles[0].what
    assert "nobody may see" not in seen.troubles[0].what


def _entry(ledger: Ledger) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        append(con, Seals(con, ledger.home.key(), now), [Entry(Action.STACK_LOADED)], now, "hash")


def test_hints_nobody_follows_and_messages_that_no_longer_fit(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    event = {"system": "hris", "state": "new", "digest": "d"}
    hour = now.replace(minute=0, second=0, microsecond=0)
    with ledger.write() as con:
        con.execute(inbox.insert().values(message_id="1", received_at=now - 3 * HOUR, **event))
        con.execute(inbox.insert().values(message_id="2", received_at=now - HOUR, **event))
        con.execute(inbox.insert().values(message_id="3", received_at=now - 9 * HOUR, **event | {"state": "done"}))
        for system, reason, count in (("hris", "wrong_signature", 30), ("payroll", "unsigned", 3), ("-", "stale", 99)):
            con.execute(inbox_refused.insert().values(system=system, reason=reason, hour=hour, count=count))
    seen = found(ledger, stack)
    assert set(seen) == {"hints:hris", "refused:hris:wrong_signature"}
    assert (seen["hints:hris"].since, seen["hints:hris"].affects) == (now - HOUR, {"events": 2})


def test_a_read_that_takes_far_longer_than_usual(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    for name in stack.systems:
        planted.snapshot(ledger.home, name, now - MINUTE)
    planted.published(ledger.home, cycles=[now])
    for number in range(8):
        planted.snapshot(ledger.home, "payroll", now - (9 - number) * HOUR, took=timedelta(seconds=60 + number))
    assert "slow:payroll" not in found(ledger, stack)
    planted.snapshot(ledger.home, "payroll", now, took=10 * MINUTE)
    assert set(found(ledger, stack)) == {"slow:payroll"}
