"""Failures of sending: nobody sends, a target refuses or asks for patience, a mass change is held back."""

from __future__ import annotations

from datetime import timedelta

from hrorch_pipelines.corrections.push import push
from hrorch_pipelines.drill.rounds import planned
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.stack.acting import Budget

PUSHED_EVERY = timedelta(minutes=1)
TARGET = "payroll"
ASKED = 120
"""Seconds that a target asks us to wait, again and again."""


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("queue", "nobody sends what is due", frozenset({Watch.QUEUE}), _nobody, TARGET, silent=True),
        Kind("breaker", "a target fails at every write", frozenset({Watch.BREAKER}), _failing, TARGET),
        Kind(
            "starved",
            "a target's limit lets nothing through (429)",
            frozenset({Watch.STARVED}),
            _starved,
            TARGET,
            silent=True,
        ),
        Kind(
            "mass-change",
            "more changes of one kind than its budget lets pass",
            frozenset({Watch.FROZEN}),
            _mass,
            TARGET,
        ),
    ]


def _nobody(_: Scenario) -> None:
    """What is due lies there since the last cycle: not sending it is all it takes."""


def _failing(here: Scenario) -> None:
    here.systems.board.switch_on(TARGET, FaultKind.UNAVAILABLE)
    here.each(PUSHED_EVERY, _push)


def _starved(here: Scenario) -> None:
    here.systems.board.switch_on(TARGET, FaultKind.RATE_LIMITED, retry_after=ASKED)
    here.each(PUSHED_EVERY, _push)


def _mass(here: Scenario) -> None:
    """A plan over its budget. The budget is small instead of the mistake large: what is held back is the same."""
    small = [Budget(kind=kind, system=TARGET, count=0) for kind in ("name", "pay", "other", "email", "status")]
    here.change(corrections=here.stack.corrections.model_copy(update={"budgets": small}))
    here.each(timedelta(minutes=30), lambda one: planned(one.workplace, one.ledger))


def _push(here: Scenario) -> None:
    push(here.ledger, here.stack, TARGET, here.clock, sleep=lambda _: None)
