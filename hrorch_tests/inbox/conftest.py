"""A ledger on both databases, and the endpoint over real HTTP, for every test of this room."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.inbox import commit
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.inbox.sending import Post, listening, stack_with_secrets
from hrorch_tests.ledger_fixtures import *  # noqa: F403


@pytest.fixture
def place(ledger_url: str, ledger_home: Home, ledger_clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Workplace:
    """The example stack with a secret for every vendor, and the ledger of this test."""
    monkeypatch.setenv("HRORCH_LEDGER_URL", ledger_url)
    monkeypatch.setattr(commit, "QUIET", timedelta(milliseconds=50))  # nobody waits a second for a count
    return Workplace(stack_with_secrets(), ledger_home, ledger_clock, Warehouse(ledger_home, ledger_clock))


@pytest.fixture
def serve(place: Workplace) -> Iterator[Callable[..., Post]]:
    """Start the endpoint; `serve(rate=…)` gives what sends to it."""
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(listening(place, **options))
