"""Tries every system and outlet once, with little patience: a check must end even where a system does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from hrorch_pipelines.check.report import ConnectionResult
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.connect import connector_for
from hrorch_pipelines.systems.raw import SystemUnavailable

SHORT = 10.0
"""Seconds a system has to answer."""


def try_connections(stack: Stack, clock: Clock, patience: float = SHORT) -> list[ConnectionResult]:
    """One result per system, then per outlet, in the order declared."""
    hasty = _hasty(stack, patience)
    return [_try(hasty, name, clock, patience) for name in (*stack.systems, *stack.outlets)]


def _hasty(stack: Stack, patience: float) -> Stack:
    """The same stack without retries, and without waiting longer than `patience` for an answer."""
    systems = {}
    for name, system in stack.systems.items():
        timeout = min(system.connection.timeout, timedelta(seconds=patience))
        connection = system.connection.model_copy(update={"timeout": timeout, "retries": 0})
        systems[name] = system.model_copy(update={"connection": connection})
    outlets = {
        name: outlet.model_copy(update={"timeout": min(outlet.timeout, timedelta(seconds=patience))})
        for name, outlet in stack.outlets.items()
    }
    return stack.model_copy(update={"systems": systems, "outlets": outlets})


def _try(stack: Stack, name: str, clock: Clock, patience: float) -> ConnectionResult:
    """In a thread of its own: not every driver (databases above all) knows a time-out."""
    check = _check_of(stack, name, clock)
    outcome: list[ConnectionResult | BaseException] = []

    def attempt() -> None:
        try:
            check()
        except SystemUnavailable as gone:
            outcome.append(ConnectionResult(name, False, gone.what.removeprefix(f"{name}: "), gone.remedy))
        except HrorchError as wrong:
            outcome.append(ConnectionResult(name, False, wrong.what, wrong.remedy))
        except BaseException as unexpected:  # noqa: BLE001  raised again below, in the caller's thread
            outcome.append(unexpected)
        else:
            outcome.append(ConnectionResult(name, True, "reachable"))

    thread = threading.Thread(target=attempt, name=f"check {name}", daemon=True)
    thread.start()
    thread.join(2 * patience)
    if not outcome:
        remedy = "check the address, and that no firewall swallows the connection"
        return ConnectionResult(name, False, f"no answer within {2 * patience:g} seconds", remedy)
    if isinstance(outcome[0], BaseException):
        raise outcome[0]
    return outcome[0]


def _check_of(stack: Stack, name: str, clock: Clock) -> Callable[[], None]:
    if name in stack.systems:
        return connector_for(stack, name, clock).check
    from hrorch_pipelines.systems.making.reach import reach

    return partial(reach, stack, name, clock)
