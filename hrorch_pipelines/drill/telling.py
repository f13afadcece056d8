"""Failures of what systems tell us: forged messages, clocks that differ, a flood, hints that nobody follows. Over real HTTP."""

from __future__ import annotations

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus

from pydantic import SecretStr

from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.served import serving
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.inbox.app import create_app
from hrorch_pipelines.inbox.sources import DEFAULT_RATE
from hrorch_pipelines.monitoring.arriving import FLOOD, MANY
from hrorch_pipelines.monitoring.terms import Watch

SYSTEM = "hris"
SECRET = b"of-the-drill"
TAKEN = 1
"""Messages a second that the endpoint takes from one source in the flood: fewer than any machine sends."""
MOST = 10 * FLOOD
"""… that are sent at most, until enough were refused: how many that takes depends on how fast this machine is."""


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("forged", "messages with a wrong signature", frozenset({Watch.REFUSED}), _forged, SYSTEM),
        Kind("clock-skew", "a system's clock is an hour behind", frozenset({Watch.REFUSED}), _skewed, SYSTEM),
        Kind("flood", "far more messages than are taken", frozenset({Watch.REFUSED}), _flood, SYSTEM),
        Kind(
            "unheard",
            "a system tells of a change and is not read",
            frozenset({Watch.HINTS}),
            _unheard,
            SYSTEM,
            silent=True,
        ),
    ]


def _forged(here: Scenario) -> None:
    _send(here, MANY + 5, at=here.now, secret=b"another")


def _skewed(here: Scenario) -> None:
    _send(here, MANY + 5, at=here.now - timedelta(hours=1))


def _flood(here: Scenario) -> None:
    with _endpoint(here, rate=TAKEN) as url:
        refused = 0
        for number in range(MOST):
            refused += _post(url, number, here.now, SECRET) == HTTPStatus.TOO_MANY_REQUESTS
            if refused == FLOOD + 1:
                return


def _unheard(here: Scenario) -> None:
    _send(here, 1, at=here.now)


def _send(here: Scenario, count: int, *, at: datetime, secret: bytes = SECRET) -> None:
    """Post messages as the vendor does."""
    with _endpoint(here) as url:
        for number in range(count):
            _post(url, number, at, secret)


@contextmanager
def _endpoint(here: Scenario, rate: int = DEFAULT_RATE) -> Iterator[str]:
    """The endpoint on a free port, which knows the system's secret; gives the URL to post to."""
    system = here.stack.systems[SYSTEM]
    if system.webhook is None:
        raise LookupError(f"{SYSTEM} sends no messages")
    credentials = {**system.credentials, system.webhook.secret: SecretStr(SECRET.decode())}
    here.change(systems={**here.stack.systems, SYSTEM: system.model_copy(update={"credentials": credentials})})
    with serving(create_app(here.workplace, rate=rate)) as url:
        yield f"{url}/webhooks/{SYSTEM}"


def _post(url: str, number: int, at: datetime, secret: bytes) -> int:
    """One message; the status of the answer. A refusal is what is rehearsed."""
    body = json.dumps({"type": "employee.updated", "data": {"companyId": "1", "employeeId": str(number)}}).encode()
    stamp = at.isoformat(timespec="seconds")
    headers = {
        "X-BambooHR-Signature": hmac.new(secret, body + stamp.encode(), hashlib.sha256).hexdigest(),
        "X-BambooHR-Timestamp": stamp,
    }
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=30) as taken:  # noqa: S310  (our own port)
            return int(taken.status)
    except urllib.error.HTTPError as refused:
        refused.close()
        return refused.code
