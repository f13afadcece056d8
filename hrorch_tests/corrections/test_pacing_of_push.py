"""A push uses what the target allows and never more, also when several processes push one after the other or at once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.types import ASGIApp, Receive, Scope, Send

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.corrections import pacing
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.stack.systems import Rate
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for

REQUESTS, PER = 12, 2.0
RATE = Rate(requests=REQUESTS, per=timedelta(seconds=PER))
NETWORK = 0.05
"""Seconds by which requests that left in time may arrive closer together."""


class Counted:
    """Passes requests on and notes when each arrived."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.arrived: list[float] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.arrived.append(time.monotonic())
        await self.app(scope, receive, send)


@contextmanager
def counted(folder: Path, people: int) -> Iterator[tuple[Sandbox, Counted]]:
    """The HRIS, counting at its own door."""
    made: list[Counted] = []
    with sandbox_of(folder, people, SystemClock(), ()) as box:
        listener = box.listeners["hris"]
        plain = listener._make_app

        def counting() -> ASGIApp:
            made.append(Counted(plain()))
            return made[0]

        listener._make_app = counting
        box.start("hris")
        try:
            yield box, made[0]
        finally:
            box.stop("hris")


def child(url: str, root: str, env: dict[str, str]) -> None:
    """Push until nothing is left."""
    clock = SystemClock()
    bench = Bench(open_ledger(Home(Path(root)), clock, url), stack_for(env, rate=RATE, batch=4), clock)
    while bench.states()["ready"] or bench.states()["sent"]:
        if bench.push().stopped:
            time.sleep(0.02)


@pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
def test_two_processes_together_keep_to_the_rate_and_use_it(tmp_path: Path, ledger_url: str, ledger_home: Home) -> None:
    with counted(tmp_path / "world", 40) as (box, door):
        clock = SystemClock()
        bench = Bench(open_ledger(ledger_home, clock, ledger_url), stack_for(box.env, rate=RATE), clock, box)
        bench.put([{"n": n, "attribute": "preferred_name", "before": None, "after": f"Mo{n}"} for n in range(10, 34)])
        context: Any = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["hrorch_tests.corrections.preloaded"])
        both = [context.Process(target=child, args=(ledger_url, str(ledger_home.root), box.env)) for _ in range(2)]
        for one in both:
            one.start()
        for one in both:
            one.join(90)
            assert one.exitcode == 0
        assert bench.states() == {"confirmed": 24}
        times = door.arrived
    assert len(times) >= 24 * 3, "each correction is read, written and read again"
    windows = [sum(start <= at < start + PER - NETWORK for at in times) for start in times]
    assert max(windows) <= REQUESTS, "never more than allowed in any stretch"
    busy = times[-1] - times[0]
    assert len(times) >= 0.95 * REQUESTS * busy / PER, f"{len(times)} requests in {busy:.1f} s"


def test_what_another_process_asked_for_counts(ledger: Ledger) -> None:
    now, elapsed = datetime(2026, 3, 2, 12, tzinfo=UTC), [0.0]
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        elapsed[0] += seconds

    first = SimpleNamespace(rate=RateLimit(RATE, sleep, lambda: elapsed[0]))
    for _ in range(REQUESTS):
        first.rate.wait()
        elapsed[0] += 0.1
    with ledger.write() as con:
        pacing.keep(con, "hris", first, now)
    second = SimpleNamespace(rate=RateLimit(RATE, sleep, lambda: elapsed[0]))
    elapsed[0] += 0.3
    with ledger.read() as con:
        pacing.recall(con, "hris", second, now + timedelta(seconds=0.3))
    second.rate.wait()
    assert naps == [pytest.approx(PER - 1.5)], "the oldest of the twelve was 1.5 s ago"
    second.rate.wait()
    assert naps[1:] == [pytest.approx(0.1)]
