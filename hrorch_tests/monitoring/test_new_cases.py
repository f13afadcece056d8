"""Reviewers hear of new cases in one message, and the cases know it only when the message got through."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring.run import watch
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import Mailbox

HOUR = timedelta(hours=1)
LATER = timedelta(days=30)
CALM = {"disk_free": 0}


def told(ledger: Ledger) -> tuple[int, int]:
    """How many cases there are, and how many their reviewer was told of."""
    with ledger.read() as con:
        return tuple(con.execute(sa.select(sa.func.count(), sa.func.count(cases.c.notified_at))).one())  # type: ignore[return-value]


def open_cases(ledger: Ledger, count: int, what: str, **more: object) -> None:
    now = ledger.clock.now()
    with ledger.write() as con:
        for _ in range(count):
            planted.case(con, now + LATER, detected_at=now, what=what, **more)


def test_many_cases_are_one_message_and_then_no_more(
    ledger: Ledger, stack_with: Callable[..., Stack], mailbox: Mailbox
) -> None:
    stack = stack_with(urls=[mailbox.url], watch=CALM)
    open_cases(ledger, 30, "payroll has another pay amount than hris.")
    open_cases(ledger, 1, "The record waits in quarantine.")
    open_cases(ledger, 2, "Long closed.", state="confirmed")
    watch(ledger, stack)
    (to, message), text = mailbox.got[0], mailbox.text(0)
    assert to == [stack.people["hris-analyst"].email]
    assert "31 new cases wait for you" in str(message["Subject"])
    assert "30 × payroll has another pay amount than hris." in text
    assert "hrorch exceptions list --reviewer hris-analyst" in text
    assert told(ledger) == (33, 31)
    watch(ledger, stack)
    assert len(mailbox.got) == 1
    with ledger.read() as con:
        entries = con.execute(sa.select(sa.func.count()).where(audit_log.c.action == "case_notified")).scalar_one()
    assert entries == 31


def test_each_reviewer_hears_of_their_own(ledger: Ledger, stack_with: Callable[..., Stack], mailbox: Mailbox) -> None:
    stack = stack_with(urls=[mailbox.url], watch=CALM)
    open_cases(ledger, 2, "One.", reviewer="hris-analyst")
    open_cases(ledger, 1, "Another.", reviewer="payroll-lead")
    watch(ledger, stack)
    heard = {to[0]: str(message["Subject"]) for to, message in mailbox.got}
    assert set(heard) == {stack.people["hris-analyst"].email, stack.people["payroll-lead"].email}
    assert "2 new cases wait" in heard[stack.people["hris-analyst"].email]
    assert "1 new case waits" in heard[stack.people["payroll-lead"].email]
    assert len(mailbox.got) == 2


def test_a_case_is_not_told_of_until_the_mail_got_through(
    ledger: Ledger, ledger_clock: SetClock, stack_with: Callable[..., Stack], mailbox: Mailbox
) -> None:
    stack = stack_with(urls=[mailbox.url], watch=CALM)
    mailbox.refuses = True
    open_cases(ledger, 3, "One.")
    watch(ledger, stack)
    assert told(ledger) == (3, 0)
    ledger_clock.at += HOUR
    open_cases(ledger, 1, "Found while the mail was down.")
    mailbox.refuses = False
    watch(ledger, stack)
    ledger_clock.at += HOUR
    watch(ledger, stack)
    assert told(ledger) == (4, 4)
    subjects = [str(message["Subject"]) for _, message in mailbox.got]
    assert [sum(f"{count} new case" in one for one in subjects) for count in (3, 1)] == [1, 1]


def test_without_an_address_nobody_is_said_to_know(ledger: Ledger, stack_with: Callable[..., Stack]) -> None:
    open_cases(ledger, 3, "One.")
    watch(ledger, stack_with(watch=CALM))
    assert told(ledger) == (3, 0)
