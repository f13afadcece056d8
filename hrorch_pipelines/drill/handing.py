"""Failures of handoffs: one that never happens, one that waits for somebody, a letter nobody takes, nobody who looks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from hrorch_pipelines.drill.place import NEW
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.served import HOST, RefusingMailServer
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.handoffs.passing import run_pass
from hrorch_pipelines.handoffs.push import push
from hrorch_pipelines.monitoring.scene import owner_of
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.stack.acting import Budget
from hrorch_pipelines.stack.handing import Handoff, Lifecycle
from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.storage.warehouse import open_published

OUTLET, HANDOFF = "drill-mail", "drill-welcome"
PASSES_EVERY = timedelta(minutes=5)
WITHIN = "2h"
LETTER = "drill-letter.txt"


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("handoff", "a handoff never happens", frozenset({Watch.STALLED}), _stalled, silent=True),
        Kind("parked", "a handoff waits for what nobody brings about", frozenset({Watch.PARKED}), _parked, silent=True),
        Kind("letter", "the mail server refuses a letter", frozenset({Watch.LETTERS}), _refused, OUTLET),
        Kind("pass", "nobody looks what handoffs should have made", frozenset({Watch.PASS}), _looked_once, silent=True),
    ]


def _stalled(here: Scenario) -> None:
    """What is due is never sent: its sender is gone."""
    _declare(here)
    _pass(here)


def _parked(here: Scenario) -> None:
    _declare(
        here, requires=[{"that": "false", "missing": "something nobody brings about", "owner": owner_of(here.stack)}]
    )
    _pass(here)


def _refused(here: Scenario) -> None:
    server = RefusingMailServer()
    here.endings.append(server.close)
    _declare(here, port=server.port)
    _pass(here)
    here.each(timedelta(minutes=1), lambda one: push(one.ledger, one.stack, OUTLET, one.clock, sleep=lambda _: None))


def _looked_once(here: Scenario) -> None:
    _declare(here)
    _pass(here)


def _declare(here: Scenario, *, port: int = 9, **more: Any) -> None:
    """A stack with one handoff: a letter to everybody whose address payroll has anew (`place.NEW`)."""
    (here.stack.folder / LETTER).write_text("Welcome.\n", encoding="utf-8")
    owner = owner_of(here.stack)
    handoff = Handoff.model_validate(
        {
            "when": f"payroll_personal_email LIKE '{NEW}%'",
            "then": {"mail": OUTLET, "to": "payroll_personal_email", "subject": "Welcome", "text": LETTER},
            "within": WITHIN,
            "since": "1990-01-01",
            "owner": owner,
            **more,
        }
    )
    outlet = MailOutlet.model_validate(
        {
            "connector": "smtp", "host": HOST, "port": port, "security": "none", "sender": "drill@localhost.example",
            "owner": owner,
        }
    )  # fmt: skip
    budgets = [*here.stack.corrections.budgets, Budget(kind="message", count=100)]
    here.change(
        handoffs={HANDOFF: handoff},
        outlets={OUTLET: outlet},
        lifecycle=Lifecycle(),
        corrections=here.stack.corrections.model_copy(update={"budgets": budgets}),
    )


def _pass(here: Scenario) -> None:
    with open_published(here.home) as con:
        run_pass(here.ledger, con, here.stack, here.now)
