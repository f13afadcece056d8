"""The service over real HTTP: alive, ready or not and why, figures that Prometheus' own parser reads; and it watches."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from hrorch_pipelines.clock import SetClock, SystemClock
from hrorch_pipelines.monitoring.gauges import exposition
from hrorch_pipelines.monitoring.serve import create_app
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.monitoring import planted
from hrorch_tests.monitoring.conftest import Receiver
from hrorch_tests.waiting import eventually

HOUR = timedelta(hours=1)


def workplace(stack: Stack, folder: Path) -> Workplace:
    home = Home(folder / "home")
    home.root.mkdir()
    return Workplace(stack, home, SystemClock(), Warehouse(home, SystemClock()))


@contextmanager
def served(place: Workplace, every: timedelta | None = None) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(create_app(place, every=every), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)


def figures(text: str) -> dict[tuple[str, ...], float]:
    return {
        (one.name, *(one.labels[name] for name in sorted(one.labels))): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_every_figure_is_counted_in_the_ledger(ledger: Ledger, ledger_clock: SetClock, example: Stack) -> None:
    now = ledger_clock.now()
    planted.snapshot(ledger.home, "hris", now - HOUR)
    planted.published(ledger.home, cycles=[now - 2 * HOUR])
    with ledger.write() as con:
        planted.correction(con, "ready", now)
        planted.correction(con, "ready", now)
        planted.case(con, now - HOUR)
        planted.breaker(con, "payroll", now)
    told = figures(exposition(ledger, example).decode())
    assert told["hrorch_corrections", "ready", "payroll"] == 2
    assert told["hrorch_cases_open", "gate"] == told["hrorch_cases_overdue",] == 1
    assert told["hrorch_breaker_open", "payroll"] == 1
    assert told["hrorch_snapshot_age_seconds", "hris"] == 3600
    assert told["hrorch_cycle_age_seconds",] == 7200


def test_alive_at_once_and_ready_when_something_is_published(example: Stack, tmp_path: Path) -> None:
    place = workplace(example, tmp_path)
    with served(place) as url:
        assert httpx.get(f"{url}/healthz").text == "ok\n"
        answer = httpx.get(f"{url}/readyz")
        assert (answer.status_code, answer.text) == (503, "No result has been published yet.\n")
        planted.published(place.home)
        assert httpx.get(f"{url}/readyz").status_code == 200
        answer = httpx.get(f"{url}/metrics")
        assert answer.headers["content-type"].startswith("text/plain; version=")
        assert ("hrorch_messages_waiting",) in figures(answer.text)


def test_it_watches_by_itself_and_tells(
    stack_with: Callable[..., Stack], tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HRORCH_LEDGER_URL", raising=False)
    place = workplace(stack_with(urls=[receiver.url], watch={"disk_free": 0}), tmp_path)
    ledger = place.ledger()
    with ledger.write() as con:
        planted.breaker(con, "payroll", place.clock.now())
    ledger.close()
    with served(place, timedelta(seconds=0.2)):
        eventually(lambda: receiver.got)
        time.sleep(0.6)  # it looks three times more
    assert len(receiver.got) == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_monitor_that_has_stopped_looking_is_not_healthy(
    example: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("hrorch_pipelines.monitoring.run.watch", broken)
    with served(workplace(example, tmp_path), timedelta(seconds=0.2)) as url:
        assert eventually(lambda: httpx.get(f"{url}/healthz").status_code == 503)
