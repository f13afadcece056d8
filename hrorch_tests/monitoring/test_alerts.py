"""An alert is raised once, worsens, escalates and recovers once; nobody is told twice, nothing is lost in quiet hours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring import alerts, digest
from hrorch_pipelines.monitoring.addresses import sendable_at
from hrorch_pipelines.monitoring.alerts import Noted
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.watches import Seen
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.ledger_tables import alerts as table
from hrorch_pipelines.storage.ledger_tables import audit_log, notices
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.drawing import drawn
from hrorch_tests.ledger_fixtures import LEDGER_NOW

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
URL = ["json://127.0.0.1:9/x"]
DOWN = Trouble("breaker:payroll", Watch.BREAKER, "error", "payroll-lead", "Payroll is down.", "Look.", system="payroll")


class Monitor:
    """Passes over troubles of the test's own, a minute after each other."""

    def __init__(self, ledger: Ledger, clock: SetClock, stack: Stack) -> None:
        self.ledger, self.clock, self.stack = ledger, clock, stack
        self.looked: datetime | None = None

    def sees(self, *troubles: Trouble, after: timedelta = MINUTE, blind: Sequence[Watch] = ()) -> Noted:
        self.clock.at += after
        now = self.clock.now()
        with self.ledger.write() as con:
            seals = Seals(con, self.ledger.home.key(), now)
            noted = alerts.note(con, seals, self.stack, Seen(troubles, frozenset(blind)), now, self.looked)
            noted.messages += digest.write(con, self.stack, now)
        self.looked = now
        return noted

    def messages(self) -> list[tuple[str, str]]:
        query = sa.select(notices.c.change, notices.c.recipient).order_by(notices.c.made_at, notices.c.recipient)
        return [(change, who) for change, who in self.rows(query)]

    def rows(self, query: Any) -> list[Any]:
        with self.ledger.read() as con:
            return list(con.execute(query).all())


@pytest.fixture
def monitor(ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack]) -> Monitor:
    return Monitor(ledger, ledger_clock, stack_with(urls=URL))


def test_told_once_however_often_it_is_seen(monitor: Monitor) -> None:
    assert monitor.sees(DOWN) == Noted(raised=1, open=1, messages=1)
    for _ in range(3):
        assert monitor.sees(DOWN) == Noted(open=1)
    assert monitor.messages() == [("raised", "payroll-lead")]


def test_recovered_once_it_was_right_for_a_while_and_raised_anew(monitor: Monitor) -> None:
    monitor.sees(DOWN)
    assert monitor.sees() == Noted(open=1)  # may only have flickered
    assert monitor.sees(after=5 * MINUTE) == Noted(recovered=1, messages=1)
    assert monitor.sees() == Noted()
    assert monitor.sees(DOWN).raised == 1
    assert monitor.messages() == [("raised", "payroll-lead"), ("recovered", "payroll-lead"), ("raised", "payroll-lead")]
    actions = [row.action for row in monitor.rows(sa.select(audit_log).order_by(audit_log.c.sequence))]
    assert actions == ["alert_raised", "alert_recovered", "alert_raised"]


def test_what_flickers_is_one_alert(monitor: Monitor) -> None:
    for _ in range(4):
        monitor.sees(DOWN)
        monitor.sees()
    assert monitor.messages() == [("raised", "payroll-lead")]


def test_what_cannot_be_looked_at_stays_wrong(monitor: Monitor) -> None:
    monitor.sees(DOWN)
    assert monitor.sees(after=HOUR, blind=[Watch.BREAKER]) == Noted(open=1)


def test_worse_is_told_and_better_is_not(monitor: Monitor) -> None:
    critical = Trouble("breaker:payroll", Watch.BREAKER, "critical", "payroll-lead", "Payroll is down.", "Look.")
    monitor.sees(DOWN)
    assert monitor.sees(critical) == Noted(worsened=1, open=1, messages=1)
    assert monitor.sees(DOWN) == Noted(open=1)
    assert monitor.messages() == [("raised", "payroll-lead"), ("worsened", "payroll-lead")]


def test_the_deputy_is_told_once_when_it_stays_open_and_when_it_is_over(monitor: Monitor) -> None:
    monitor.sees(DOWN)
    assert monitor.sees(DOWN, after=4 * HOUR) == Noted(escalated=1, open=1, messages=1)
    assert monitor.sees(DOWN, after=4 * HOUR) == Noted(open=1)
    assert monitor.sees(after=HOUR).recovered == 1
    assert monitor.messages() == [
        ("raised", "payroll-lead"),
        ("escalated", "hris-analyst"),
        ("recovered", "hris-analyst"),
        ("recovered", "payroll-lead"),
    ]


def test_without_an_address_it_is_still_detected(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack]
) -> None:
    monitor = Monitor(ledger, ledger_clock, stack_with())
    assert monitor.sees(DOWN) == Noted(raised=1, open=1)
    assert len(monitor.rows(sa.select(table.c.detected_at))) == 1


def test_between_two_looks_when_nobody_saw_the_beginning(monitor: Monitor) -> None:
    first = Trouble("disk", Watch.DISK, "error", "hris-analyst", "w", "a")
    later = Trouble("growth", Watch.GROWTH, "error", "hris-analyst", "w", "a")
    monitor.sees(first)
    monitor.sees(first, later, after=10 * MINUTE)
    unknown, between = monitor.rows(sa.select(table).order_by(table.c.detected_at))
    assert '"unknown"' in unknown.detail
    assert (between.since - between.not_before, between.since) == (10 * MINUTE, between.detected_at)


def test_quiet_hours_delay_and_lose_nothing(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack]
) -> None:
    stack = stack_with(urls=URL, quiet_hours="20:00-07:00")
    ledger_clock.at = datetime(2026, 3, 3, 4, 0, tzinfo=UTC)  # 22:00 in Chicago
    monitor = Monitor(ledger, ledger_clock, stack)
    critical = Trouble("disk", Watch.DISK, "critical", "hris-analyst", "Full.", "Make room.")
    monitor.sees(DOWN, critical, after=timedelta(0))
    due = dict((row[0], row[1]) for row in monitor.rows(sa.select(notices.c.severity, notices.c.due_at)))  # noqa: C402
    assert due["critical"] == ledger_clock.at
    assert due["error"] == datetime(2026, 3, 3, 13, 0, tzinfo=UTC)


@given(
    st.integers(0, 365 * 24 * 60).map(lambda minutes: LEDGER_NOW + minutes * MINUTE),
    st.times().map(lambda one: one.strftime("%H:%M")),
    st.times().map(lambda one: one.strftime("%H:%M")),
)
@settings(max_examples=drawn(150), suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_message_never_leaves_in_quiet_hours_nor_waits_a_day(
    stack_with: Callable[..., Stack], now: datetime, begin: str, end: str
) -> None:
    assume(begin != end)
    stack = stack_with(quiet_hours=f"{begin}-{end}")
    at = sendable_at(stack, "error", now)
    assert now <= at <= now + timedelta(hours=25)
    assert sendable_at(stack, "error", at) == at
    assert sendable_at(stack, "critical", now) == now


def test_one_digest_a_day_for_whoever_has_something_open(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack]
) -> None:
    ledger_clock.at = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)  # 06:00 in Chicago
    monitor = Monitor(ledger, ledger_clock, stack_with(urls=URL, digest_at="08:00", escalate_after="9d"))
    other = Trouble("disk", Watch.DISK, "warning", "hris-analyst", "Full.", "Make room.")
    monitor.sees(DOWN, other)
    for _ in range(26):
        monitor.sees(DOWN, other, after=HOUR)
    digests = [who for change, who in monitor.messages() if change == "digest"]
    assert sorted(digests) == ["hris-analyst", "hris-analyst", "payroll-lead", "payroll-lead"]


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.integers(1, 400)), max_size=14))
@settings(max_examples=drawn(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counts_add_up_whatever_comes_and_goes(
    tmp_path_factory: pytest.TempPathFactory,
    stack_with: Callable[..., Stack],
    course: list[tuple[set[str], int]],
) -> None:
    """raised − recovered = open, after every pass; each change makes one message per person told."""
    home = Home(tmp_path_factory.mktemp("home"))
    clock = SetClock(LEDGER_NOW)
    ledger = open_ledger(home, clock, f"sqlite:///{home.root / 'ledger.sqlite'}")
    monitor = Monitor(ledger, clock, stack_with(urls=URL))
    total, made = Noted(), 0
    for keys, minutes in course:
        seen = [Trouble(key, Watch.DISK, "error", "hris-analyst", "w", "a") for key in sorted(keys)]
        noted = monitor.sees(*seen, after=minutes * MINUTE)
        total.raised += noted.raised
        total.recovered += noted.recovered
        made += noted.messages
        assert total.raised - total.recovered == noted.open
        assert noted.open >= len(keys)
    assert len(monitor.messages()) == made
    ledger.close()
