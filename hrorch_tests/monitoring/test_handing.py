"""Handoffs that do not happen, wait for somebody, pile up, are held back or not looked for; people who left and are still there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.handoffs import alive
from hrorch_pipelines.monitoring.detection import detection, failures
from hrorch_pipelines.monitoring.run import evaluate, look_now
from hrorch_pipelines.monitoring.terms import Trouble
from hrorch_pipelines.stack.handing import Handoff, Lifecycle
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, screenings, steps
from hrorch_tests.monitoring import planted

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
HANDOFF = Handoff.model_validate(
    {
        "when": "in_hris",
        "then": {"ask": "Do it.", "action": "Do it."},
        "within": "1h",
        "owner": "hris-analyst",
    }
)
OUTLET = MailOutlet.model_validate(
    {
        "connector": "smtp",
        "host": "localhost",
        "security": "none",
        "sender": "hr@lakeside.example",
        "owner": "talent-ops",
    }
)


@pytest.fixture
def stack(stack_with: Callable[..., Stack]) -> Stack:
    return stack_with(watch={"disk_free": 0, "cycle": "300d"}).model_copy(
        update={"handoffs": {"enrol": HANDOFF}, "outlets": {"letters": OUTLET}, "lifecycle": Lifecycle()}
    )


def step(con: sa.Connection, state: str, due: datetime, **more: Any) -> str:
    one = uuid.uuid4().hex
    values: dict[str, Any] = {
        "step_id": one, "handoff": "enrol", "person_id": one[:8], "once_per": "m", "state": state, "state_at": due - HOUR,
        "true_from": due - HOUR, "known_at": due - HOUR, "due_at": due, "owner": "hris-analyst", "last_seen_at": due,
    }  # fmt: skip
    con.execute(steps.insert().values(**values | more))
    return one


def action(con: sa.Connection, state: str, at: datetime, *, due: datetime | None = None, **more: Any) -> str:
    """An action, with a step of its own that waits for it."""
    one = uuid.uuid4().hex
    step_id = step(con, "due", due or at + 300 * DAY, action_id=one, last_seen_at=at)
    values: dict[str, Any] = {
        "action_id": one, "step_id": step_id, "handoff": "enrol", "purpose": "do", "person_id": one[:8], "target": "payroll",
        "verb": "create", "kind": "hire", "state": state, "state_at": at, "proposed_by": "hrorch", "proposed_at": at,
    }  # fmt: skip
    con.execute(actions.insert().values(**values | more))
    return one


def found(ledger: Ledger, stack: Stack) -> dict[str, Trouble]:
    return {one.key: one for one in look_now(ledger, stack).troubles}


def test_a_step_that_did_not_happen_is_its_owners_from_when_its_time_was_up(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        step(con, "due", now + MINUTE)
        step(con, "done", now - DAY)
        step(con, "dropped", now - DAY)
        step(con, "compensated", now - DAY)
    assert found(ledger, stack) == {}
    with ledger.write() as con:
        action(con, "awaiting_approval", now - HOUR, due=now - 2 * HOUR)
        action(con, "frozen", now - HOUR, due=now - HOUR)
        step(con, "asked", now - MINUTE, handoff="tell", owner="payroll-lead")
        step(con, "compensating", now - MINUTE, owner="somebody who left")
    seen = found(ledger, stack)
    assert set(seen) - {"frozen:actions:payroll:hire"} == {"stalled:enrol:hris-analyst", "stalled:tell:payroll-lead"}
    one = seen["stalled:enrol:hris-analyst"]
    assert (one.since, one.affects, one.owner) == (now - 2 * HOUR, {"persons": 3, "steps": 3}, "hris-analyst")
    assert "held back by its budget (1)" in one.what
    assert "waits for an approver (1)" in one.what
    assert seen["stalled:tell:payroll-lead"].owner == "payroll-lead"


def test_a_parked_step_is_the_business_of_whoever_can_bring_it_about(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        for _ in range(2):
            step(con, "parked", now - HOUR, missing="the candidate's authorisation", missing_owner="talent-ops")
        step(con, "parked", now - 2 * HOUR, missing="a clear check", missing_owner="talent-ops")
        step(con, "parked", now - HOUR, missing="the manager")
        step(con, "parked", now + 30 * DAY, handoff="long", state_at=now - 4 * DAY)
    seen = found(ledger, stack)
    assert set(seen) == {"parked:enrol:talent-ops", "parked:enrol:hris-analyst"}
    told = seen["parked:enrol:talent-ops"]
    assert (told.owner, told.since, told.affects) == ("talent-ops", now - 2 * HOUR, {"persons": 3, "steps": 3})
    assert "the candidate's authorisation (2), a clear check (1)" in told.what
    with ledger.write() as con:
        con.execute(sa.update(steps).where(steps.c.handoff == "long").values(state_at=now - 6 * DAY))
    assert found(ledger, stack)["parked:long:hris-analyst"].since == now - DAY  # within is long; patience is not


def test_nobody_is_late_during_a_statutory_wait(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        step(con, "asked", now - HOUR, case_id="c")
        con.execute(
            screenings.insert().values(
                case_id="c", round=1, position=1, step="s", action="a", working=True, source="law",
                rule_since=now.date(), began_at=now, waits_from=now - HOUR, waits_until=now + DAY,
            )
        )  # fmt: skip
    assert found(ledger, stack) == {}
    ledger_clock.at = now + DAY + MINUTE
    assert "stalled:enrol:hris-analyst" in found(ledger, stack)


def test_nothing_is_said_of_handoffs_that_are_switched_off(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        step(con, "due", now - DAY)
        step(con, "parked", now - DAY)
    off = stack.model_copy(update={"lifecycle": Lifecycle.model_validate({"handoffs": "off"})})
    assert found(ledger, off) == {}
    assert len(found(ledger, stack)) == 2


def test_actions_that_wait_too_long_and_those_a_limit_holds_up(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        action(con, "ready", now - 3 * HOUR)
        action(con, "ready", now - 3 * HOUR, target="letters", verb="mail")
        action(con, "ready", now - HOUR, target="directory")
        planted.breaker(con, "directory", now, state="closed", retry_at=now + MINUTE)
    seen = found(ledger, stack)
    assert set(seen) == {"queue:actions:payroll", "queue:actions:letters", "starved:actions:directory"}
    assert (seen["queue:actions:letters"].owner, seen["queue:actions:payroll"].since) == ("talent-ops", now - HOUR)
    with ledger.write() as con:
        planted.breaker(con, "letters", now)
        planted.breaker(con, "payroll", now)
    seen = found(ledger, stack)
    assert set(seen) == {"breaker:letters", "breaker:payroll", "starved:actions:directory"}  # said once
    assert seen["breaker:letters"].owner == "talent-ops"
    assert seen["breaker:payroll"].affects == {"corrections": 0, "actions": 1}
    quiet = stack.model_copy(update={"corrections": stack.corrections.model_copy(update={"mode": "propose"})})
    assert "starved:actions:directory" not in found(ledger, quiet)


def test_a_queue_that_grows_is_told_before_it_is_late(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        for _ in range(60):
            action(con, "ready", now - 20 * MINUTE)
    seen = found(ledger, stack)["growing:payroll"]
    assert (seen.severity, seen.affects["actions"]) == ("warning", 60)
    with ledger.write() as con:
        for _ in range(60):
            action(con, "confirmed", now - 20 * MINUTE, confirmed_at=now - MINUTE)
        con.execute(sa.update(steps).values(state="done"))
    assert found(ledger, stack) == {}


def test_a_mass_of_actions_held_back_is_the_budgets_owners(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        action(con, "frozen", now - HOUR, kind="termination", target="payroll")
        action(con, "frozen", now, kind="message", target="letters", verb="mail")
    seen = found(ledger, stack)
    told = {key: (one.severity, one.owner, one.since) for key, one in seen.items() if key.startswith("frozen")}
    assert told == {
        "frozen:actions:payroll:termination": ("critical", "hris-analyst", now - HOUR),
        "frozen:actions:letters:message": ("error", "talent-ops", now),
    }


def test_a_letter_nobody_takes_is_told_as_long_as_somebody_waits_for_it(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        action(con, "ready", now, target="letters", verb="mail", attempts=2, fault="timeout")
        assert not found(ledger, stack)
    with ledger.write() as con:
        action(con, "ready", now, target="letters", verb="mail", attempts=3, fault="timeout")
        action(con, "failed", now - HOUR, target="letters", verb="mail", fault="refused", proposed_at=now - 2 * HOUR)
    told = found(ledger, stack)["letters:letters:enrol"]
    assert (told.owner, told.affects) == ("talent-ops", {"messages": 2, "persons": 2})
    assert (told.not_before, told.since) == (now - 2 * HOUR, now - HOUR)
    with ledger.write() as con:
        con.execute(sa.update(steps).values(state="done"))
    assert found(ledger, stack) == {}


def test_the_pass_itself_is_watched(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    now = ledger.clock.now()
    ledger_clock.at = now + 3 * HOUR
    assert "pass" not in found(ledger, stack)  # nothing to look at yet
    planted.published(ledger.home, cycles=[now, now + HOUR])
    assert found(ledger, stack)["pass"].since == now + 2 * HOUR
    alive.sign(ledger, now + 30 * MINUTE)
    assert found(ledger, stack)["pass"].since == now + 2 * HOUR + 30 * MINUTE
    alive.sign(ledger, now + 2 * HOUR)
    assert "pass" not in found(ledger, stack)
    ledger_clock.at = now + 5 * HOUR
    without = stack.model_copy(update={"handoffs": {}})
    assert ("pass" in found(ledger, stack), "pass" in found(ledger, without)) == (True, False)


def ghost_rows(home: Home, rows: list[tuple[str, str, float | None, datetime]]) -> None:
    with duckdb.connect(str(home.published)) as con:
        con.execute("SET TimeZone = 'UTC'; CREATE SCHEMA IF NOT EXISTS reconcile")
        con.execute(
            "CREATE OR REPLACE TABLE reconcile.discrepancies (person_id VARCHAR, copy_system VARCHAR, state VARCHAR, "
            "money_at_risk DECIMAL(18,2), first_seen_at TIMESTAMPTZ)"
        )
        for person, system, money, at in rows:
            con.execute("INSERT INTO reconcile.discrepancies VALUES (?, ?, 'ghost', ?, ?)", [person, system, money, at])


def test_ghosts_where_pay_is_kept_are_critical_and_no_pay_is_told(ledger: Ledger, stack: Stack) -> None:
    now = ledger.clock.now()
    planted.published(ledger.home, cycles=[now - 6 * HOUR, now - HOUR, now])
    ghost_rows(ledger.home, [("a", "payroll", 1234.56, now - HOUR), ("b", "directory", None, now)])
    alive.sign(ledger, now)
    seen = found(ledger, stack)
    paid = seen["ghost:payroll"]
    assert (paid.severity, paid.owner, paid.affects) == ("critical", "payroll-lead", {"persons": 1})
    assert (paid.not_before, paid.since) == (now - 6 * HOUR, now - HOUR)
    assert "1,000–2,000 USD" in paid.what
    assert "1234" not in paid.what
    assert (seen["ghost:directory"].severity, seen["ghost:directory"].owner) == ("error", "it-directory")
    ghost_rows(ledger.home, [(str(n), "payroll", 1234.56, now) for n in range(5)])
    assert "At risk: 6,200 USD per pay period" in found(ledger, stack)["ghost:payroll"].what


def test_without_a_result_ghosts_do_not_recover(ledger: Ledger, ledger_clock: SetClock, stack: Stack) -> None:
    now = ledger.clock.now()
    planted.published(ledger.home, cycles=[now])
    ghost_rows(ledger.home, [("a", "payroll", None, now)])
    assert evaluate(ledger, stack)[1].raised == 1
    ledger.home.published.unlink()
    ledger_clock.at += HOUR
    assert evaluate(ledger, stack)[1].open == 1


def test_time_to_detect_a_stalled_step_counts_from_its_limit(
    ledger: Ledger, ledger_clock: SetClock, stack: Stack
) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        step(con, "due", now)
    ledger_clock.at = now + 3 * MINUTE
    evaluate(ledger, stack)
    with ledger.read() as con:
        (every, stalled) = detection(failures(con), ledger.clock.now())
    assert (every.detected, stalled.kind, stalled.mean_upper, stalled.mean_midpoint) == (1, "stalled", 3.0, 3.0)
