"""A system that fails again and again is left alone, tried now and then, and its owner told once; nothing is lost meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections import breaker, pacing
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for


@pytest.fixture
def box(tmp_path: Path, ledger_clock: SetClock) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 12, ledger_clock) as running:
        yield running


@pytest.fixture
def bench(box: Sandbox, ledger, ledger_clock) -> Bench:
    made = Bench(ledger, stack_for(box.env), ledger_clock, box)
    for n in range(1, 9):
        made.ready(n, "preferred_name", None, f"Mo{n}")
    return made


def test_it_opens_after_failures_in_a_row_tells_the_owner_once_and_closes_by_itself(bench: Bench, box: Sandbox) -> None:
    box.stop("hris")
    result = bench.push()
    assert (result.taken, result.put_back) == (8, 8)
    assert f"{breaker.OPENS_AFTER} times" in (result.stopped or "")
    assert bench.states() == {"ready": 8}
    (case,) = bench.cases()
    assert (case.source, case.system, case.reviewer) == ("correction", "hris", bench.stack.systems["hris"].owner)

    closed = bench.push()
    assert (closed.taken, closed.stopped is not None) == (0, True), "while it is open nothing is asked of the system"

    bench.clock.at += timedelta(minutes=2)
    probe = bench.push()
    assert probe.stopped is not None, "one failed probe opens it again"
    assert len(bench.cases()) == 1

    box.start("hris")
    bench.clock.at += timedelta(hours=1)
    assert bench.push().confirmed == 8
    assert [one.state for one in bench.cases()] == ["confirmed"]


def test_probes_come_ever_more_rarely(bench: Bench, box: Sandbox) -> None:
    box.stop("hris")
    waits = []
    for _ in range(7):
        bench.push()
        with bench.ledger.read() as con:
            pause = breaker.pause(con, "hris", bench.clock.now())
        assert pause is not None
        waits.append((pause.until - bench.clock.now()).total_seconds())
        bench.clock.at = pause.until + timedelta(seconds=1)
    assert all(after > before * 1.2 for before, after in pairwise(waits[:4])), waits
    assert max(waits) <= breaker.LONGEST_WAIT + breaker.FIRST_WAIT / 4
    box.start("hris")
    bench.clock.at += timedelta(hours=1)
    assert bench.push().confirmed == 8, "an outage uses up nobody's tries"


def test_refusals_do_not_open_it(bench: Bench, box: Sandbox) -> None:
    for n in range(1, 9):
        bench.ready(n, "work_email", f"w{n}@lakeside.example", f"w{n % 8 + 1}@lakeside.example")
    result = bench.push()
    assert (result.failed, result.confirmed, result.stopped) == (8, 8, None)


def test_a_long_retry_after_is_obeyed_and_costs_no_case(bench: Bench, box: Sandbox) -> None:
    box.board.switch_on("hris", "rate_limited", times=1, retry_after=90, skip=2, path="/employees/")
    result = bench.push()
    assert "asked us to wait" in (result.stopped or "")
    assert bench.states()["confirmed"] + bench.states()["ready"] + bench.states()["sent"] == 8
    bench.clock.at += timedelta(seconds=80)
    assert bench.push().taken == 0
    bench.clock.at += timedelta(seconds=11)
    bench.push()
    bench.clock.at += timedelta(seconds=11)
    bench.push()
    assert bench.states() == {"confirmed": 8}
    assert bench.cases() == []
    assert len(bench.writes()) == 8


def test_a_short_retry_after_is_waited_for(bench: Bench, box: Sandbox) -> None:
    box.board.switch_on("hris", "rate_limited", times=1, retry_after=1, skip=2, path="/employees/")
    result = bench.push()
    assert (result.put_back, result.confirmed, result.stopped) == (1, 7, None)
    assert any(1 <= nap <= 1.5 for nap in bench.naps)


def test_waiting_doubles_up_to_a_limit_with_jitter() -> None:
    waits = [[pacing.grown(attempt, first=5, longest=1800) for _ in range(40)] for attempt in range(1, 14)]
    for attempt, some in enumerate(waits):
        least = min(5 * 2**attempt, 1800)
        assert all(least <= wait <= least + 1.25 for wait in some)
        assert len(set(some)) > 30
