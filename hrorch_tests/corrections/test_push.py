"""A push changes what still is as expected, once, and calls it done only when the target shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for


@pytest.fixture
def box(tmp_path: Path, ledger_clock: SetClock) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 30, ledger_clock) as running:
        yield running


@pytest.fixture
def bench(box: Sandbox, ledger, ledger_clock) -> Bench:
    return Bench(ledger, stack_for(box.env), ledger_clock, box)


def test_a_value_is_confirmed_when_the_target_shows_it(bench: Bench) -> None:
    one = bench.ready(3, "preferred_name", None, "Mo")
    result = bench.push()
    assert (result.taken, result.sent, result.confirmed) == (1, 1, 1), result
    assert bench.stored(3, "preferredName") == "Mo"
    assert bench.history(one) == ["correction_proposed", "sending", "sent", "confirmed"]
    row = bench.row(one)
    assert row.sent_at and row.acknowledged_at and row.confirmed_at and row.lease is None and row.attempts == 1
