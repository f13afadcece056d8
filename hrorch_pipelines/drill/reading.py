"""Failures of reading: a system that is down, answers half, nothing, too slowly or not to us; a gate that holds too much."""

from __future__ import annotations

from functools import partial
from typing import Any

from pydantic import SecretStr

from hrorch_pipelines.drill import hands
from hrorch_pipelines.drill.rounds import READ_EVERY, judged, read
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.monitoring.usual import FEWEST
from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.storage.warehouse import publish

USUAL, LATE = (2, 3, 4), 120
"""Simulated seconds that an answer takes, and by which it then is late. The clock stands while something is read, but for these:
a busy machine is no slow system, and hides none."""
ROUNDS = FEWEST + 2
TOUCHED, SPOILT = 8, 12
"""Records that change in a usual round, and those that the gate then has to hold."""
_REFUSED = frozenset({Watch.UNTRUSTED, Watch.FRESHNESS})


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("down", "a system is down", _REFUSED, lambda here: _down(here, "ats"), "ats"),
        Kind(
            "half-file",
            "an answer breaks off in the middle",
            _REFUSED,
            lambda here: _fault(here, "hris", FaultKind.HALF_FILE),
            "hris",
        ),
        Kind(
            "truncated-page",
            "a page holds fewer rows than it promises",
            _REFUSED,
            lambda here: _fault(here, "ats", FaultKind.TRUNCATED_PAGE),
            "ats",
        ),
        Kind(
            "zero-rows",
            "a system answers, with nothing",
            _REFUSED,
            lambda here: _fault(here, "payroll", FaultKind.EMPTY),
            "payroll",
        ),
        Kind(
            "credentials",
            "our credentials have expired (401)",
            _REFUSED,
            _locked_out,
            "check",
        ),
        Kind(
            "rate-limited",
            "every read is asked to come later (429)",
            _REFUSED,
            lambda here: _fault(here, "onboarding", FaultKind.RATE_LIMITED),
            "onboarding",
        ),
        Kind(
            "slow",
            "a system answers much later than usual",
            frozenset({Watch.SLOW}),
            _slow,
            "onboarding",
            prepare=_usual,
        ),
        Kind(
            "gate",
            "a gate holds far more than usual",
            frozenset({Watch.GATE}),
            _spoilt,
            "payroll",
            prepare=_usual_at_the_gate,
        ),
    ]


def _each_read(here: Scenario, system: str) -> None:
    here.each(READ_EVERY, lambda one: read(one.workplace, [system]))


def _down(here: Scenario, system: str) -> None:
    here.systems.stop(system)
    here.endings.append(lambda: here.systems.start(system))
    _each_read(here, system)


def _fault(here: Scenario, system: str, fault: FaultKind) -> None:
    here.systems.board.switch_on(system, fault)
    _each_read(here, system)


def _locked_out(here: Scenario) -> None:
    system = here.stack.systems["check"]
    expired = {name: SecretStr("expired") for name in system.credentials}
    here.change(systems={**here.stack.systems, "check": system.model_copy(update={"credentials": expired})})
    _each_read(here, "check")


def _usual(here: Scenario) -> None:
    board = here.systems.board
    here.endings.append(partial(setattr, board, "hold", board.hold))
    board.hold = here.clock.wait
    for number in range(ROUNDS):
        here.clock.at = here.now + READ_EVERY
        board.switch_on("onboarding", FaultKind.TIMEOUT, seconds=USUAL[number % len(USUAL)])
        read(here.workplace, ["onboarding"])


def _slow(here: Scenario) -> None:
    here.systems.board.switch_on("onboarding", FaultKind.TIMEOUT, seconds=LATE)
    _each_read(here, "onboarding")


def _usual_at_the_gate(here: Scenario) -> None:
    for number in range(ROUNDS):
        here.clock.at = here.now + READ_EVERY
        _rewrite(here, TOUCHED, {"preferred_first_name": f"Nick {number}"})
        read(here.workplace, ["payroll"])
        judged(here.workplace)
    publish(here.home)


def _spoilt(here: Scenario) -> None:
    _rewrite(here, SPOILT, {"last_name": ""})

    def cycle(one: Scenario) -> None:
        read(one.workplace, ["payroll"])
        judged(one.workplace)
        publish(one.home)

    here.each(READ_EVERY, cycle)


def _rewrite(here: Scenario, count: int, fields: dict[str, Any]) -> None:
    """Somebody changes the first of payroll's employees."""
    for document in here.systems.records["payroll"].store.page("employees", limit=count):
        hands.rewrite(here, "payroll", document, fields)
