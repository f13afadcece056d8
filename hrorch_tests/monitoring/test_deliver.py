"""Messages reach real mail and webhook servers, once, in order, masked; what cannot be delivered is kept, retried and told."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring import notices as queue
from hrorch_pipelines.monitoring.deliver import deliver
from hrorch_pipelines.monitoring.run import watch
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import alerts, audit_log, corrections, notices
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import Mailbox, Receiver

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
CALM = {"disk_free": 0}
CANARY = "Zanzibar-Q"


def break_payroll(ledger: Ledger) -> None:
    with ledger.write() as con:
        planted.breaker(con, "payroll", ledger.clock.now())
        planted.correction(con, "ready", ledger.clock.now(), source_id=CANARY, person_id=CANARY)


def mend_payroll(ledger: Ledger) -> None:
    with ledger.write() as con:
        planted.breaker(con, "payroll", ledger.clock.now(), state="closed")
        con.execute(sa.update(corrections).values(state="confirmed"))


def test_mail_reaches_the_owner_alone_and_says_what_to_do(
    ledger: Ledger, stack_with: Callable[..., Stack], mailbox: Mailbox
) -> None:
    stack = stack_with(urls=[mailbox.url], watch=CALM)
    break_payroll(ledger)
    passed = watch(ledger, stack)
    assert (passed.noted.raised, passed.delivered.sent, passed.delivered.waiting) == (1, 1, 0)
    (to, message), text = mailbox.got[0], mailbox.text(0)
    assert to == [stack.people["payroll-lead"].email]
    assert "cannot be written" in str(message["Subject"])
    for word in (
        "Since: 2026-03-02 12:00 UTC",
        "Affects: 1 correction",
        "Owner: payroll-lead",
        "What to do: See whether",
    ):
        assert word in text
    assert CANARY not in text + str(message)
    assert watch(ledger, stack).delivered.taken == 0
    assert len(mailbox.got) == 1


def test_a_webhook_hears_of_the_whole_course_in_order(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack], receiver: Receiver
) -> None:
    stack = stack_with(urls=[receiver.url], watch=CALM)
    break_payroll(ledger)
    watch(ledger, stack)
    ledger_clock.at += 5 * HOUR
    watch(ledger, stack)
    mend_payroll(ledger)
    ledger_clock.at += HOUR
    watch(ledger, stack)
    kinds = [(title.split("] ")[1].split(":")[0], one["type"]) for one in receiver.got for title in [one["title"]]]
    assert [kind for kind, _ in kinds][1:] == ["Still open", "Recovered", "Recovered"]
    assert [kind for _, kind in kinds] == ["failure", "failure", "success", "success"]
    with ledger.read() as con:
        row = con.execute(sa.select(alerts)).one()
        told = con.execute(sa.select(sa.func.count()).where(audit_log.c.action == "alert_told")).scalar_one()
    assert row.detected_at == row.notified_at
    assert told == 4


def test_own_addresses_go_before_everybodys(
    ledger: Ledger, stack_with: Callable[..., Stack], mailbox: Mailbox, receiver: Receiver
) -> None:
    break_payroll(ledger)
    watch(ledger, stack_with({"payroll-lead": [receiver.url]}, urls=[mailbox.url, ""], watch=CALM))
    assert (len(receiver.got), len(mailbox.got)) == (1, 0)


def test_an_outage_of_the_mail_server_loses_nothing_and_is_told_itself(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack], mailbox: Mailbox, receiver: Receiver
) -> None:
    stack = stack_with({"hris-analyst": [receiver.url]}, urls=[mailbox.url], watch=CALM)
    mailbox.refuses = True
    break_payroll(ledger)
    assert watch(ledger, stack).delivered.failed == 1
    assert watch(ledger, stack).delivered.taken == 0  # not before its time
    for _ in range(3):
        ledger_clock.at += 10 * MINUTE
        passed = watch(ledger, stack)
    assert "channel:alerts/0" in {one.key for one in passed.seen.troubles}
    assert any("cannot be delivered to `alerts/0`" in title for title in receiver.titles)
    mailbox.refuses = False
    mend_payroll(ledger)
    ledger_clock.at += 2 * HOUR
    passed = watch(ledger, stack)
    assert [str(message["Subject"]).partition("] ")[2][:9] for _, message in mailbox.got] == ["payroll c", "Recovered"]
    ledger_clock.at += 2 * HOUR
    passed = watch(ledger, stack)
    assert (passed.noted.open, passed.delivered.waiting) == (0, 0)
    assert any("Recovered: Alerts cannot be delivered" in title for title in receiver.titles)


def test_given_up_after_days_and_still_shown(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack], receiver: Receiver
) -> None:
    stack = stack_with(urls=[receiver.url], watch=CALM, keep_trying="1d", escalate_after="99d")
    receiver.status = 500
    break_payroll(ledger)
    tries = 0
    for _ in range(30):
        tries += watch(ledger, stack).delivered.failed
        ledger_clock.at += HOUR
    with ledger.read() as con:
        first = con.execute(sa.select(notices).order_by(notices.c.made_at)).first()
    assert first is not None
    assert first.gave_up_at is not None
    assert first.fault == "undelivered"
    assert "channel:alerts/0" in {one.key for one in watch(ledger, stack).seen.troubles}


def test_an_address_taken_out_of_the_file_is_told_as_such(
    ledger: Ledger, stack_with: Callable[..., Stack], receiver: Receiver
) -> None:
    break_payroll(ledger)
    receiver.status = 500
    watch(ledger, stack_with(urls=[receiver.url], watch=CALM))
    with ledger.write() as con:
        con.execute(sa.update(notices).values(due_at=ledger.clock.now()))
    assert deliver(ledger, stack_with(watch=CALM)).failed == 1
    with ledger.read() as con:
        assert con.execute(sa.select(notices.c.fault)).scalar_one() == "no_address"


def test_a_crash_between_claim_and_sending_sends_it_later(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack], receiver: Receiver
) -> None:
    receiver.status, stack = 500, stack_with(urls=[receiver.url], watch=CALM)
    break_payroll(ledger)
    watch(ledger, stack)
    ledger_clock.at += HOUR
    with ledger.write() as con:
        assert len(queue.claim(con, ledger.clock.now(), 9)) == 1  # and dies here
        assert queue.claim(con, ledger.clock.now(), 9) == []
    receiver.status = 200
    assert deliver(ledger, stack).taken == 0
    ledger_clock.at += queue.LEASE
    assert deliver(ledger, stack).sent == 1


def test_addresses_and_their_secrets_are_told_nowhere(
    ledger: Ledger,
    stack_with: Callable[..., Stack],
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    stack = stack_with(urls=["json://hrorch:hush-hush@127.0.0.1:9/x?cto=1"], watch=CALM)
    break_payroll(ledger)
    assert watch(ledger, stack).delivered.failed == 1
    with ledger.read() as con:
        stored = str(con.execute(sa.select(notices)).all()) + str(con.execute(sa.select(audit_log)).all())
    out = capfd.readouterr()
    assert "hush-hush" not in caplog.text + stored + out.out + out.err + str(stack.alerts)
