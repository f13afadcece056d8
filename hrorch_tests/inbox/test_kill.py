"""SIGKILL at any moment while messages arrive: whatever was answered with 200 is in the inbox, exactly once.

The endpoint is a real process behind a real port; its clients send again what was not answered, as the vendors do.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.inbox.serve import serve
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import inbox
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.inbox.sending import VENDORS, stack_with_secrets

AT_ONCE = 24
STACK = stack_with_secrets()
"""Read once, by the server that the endpoints are forked from."""


def child(url: str, root: str, port: int) -> None:
    """Listen until somebody kills us."""
    os.environ["HRORCH_LEDGER_URL"] = url
    clock, home = SystemClock(), Home(Path(root))
    serve(Workplace(STACK, home, clock, Warehouse(home, clock)), port=port, rate=100_000)


@pytest.fixture(scope="module")
def forks() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hrorch_tests.inbox.preloaded"])
    return context


class Life:
    """Kills and starts the endpoint again and again, until there have been enough kills."""

    def __init__(self, forks: Any, url: str, root: str, port: int) -> None:
        self._make = lambda: forks.Process(target=child, args=(url, root, port), daemon=True)
        self._port = port
        self.process: Any = None
        self.kills = 0

    async def lead(self, kills: int, chance: random.Random) -> None:
        while self.kills < kills:
            await self.begin()
            await asyncio.sleep(chance.uniform(0.0, 0.25))
            self.process.kill()
            self.process.join()
            self.kills += 1
        await self.begin()

    async def begin(self) -> None:
        """Started, and answering."""
        self.process = self._make()
        self.process.start()
        while True:
            assert self.process.is_alive()
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            writer.close()
            return


async def send(port: int, life: Life, kills: int, count: int) -> tuple[set[str], int]:
    """Send `count` messages at least, and go on while there are kills to come. Returns message ids answered 200, and failures."""
    accepted: set[str] = set()
    failures = 0
    clock = SystemClock()

    def numbers() -> Iterator[int]:
        for n in range(1_000_000):
            if n >= count and life.kills >= kills:
                return
            yield n

    source = numbers()

    async def worker(client: httpx.AsyncClient) -> None:
        nonlocal failures
        for n in source:
            message = VENDORS["checkr" if n % 2 else "gusto"](n, clock.now())
            while True:
                try:
                    answer = await client.post(
                        f"/webhooks/{message.system}", content=message.body, headers=message.headers
                    )
                    if answer.status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                failures += 1
                await asyncio.sleep(0.01)
            accepted.add(f"check:evt{n}" if n % 2 else f"payroll:u-{n}")
            await asyncio.sleep(0.005)

    limits = httpx.Limits(max_connections=AT_ONCE)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", limits=limits, timeout=20) as client:
        leader = asyncio.create_task(life.lead(kills, random.Random(7)))
        await asyncio.gather(*(worker(client) for _ in range(AT_ONCE)))
        await leader
    return accepted, failures


@pytest.mark.parametrize(
    ("ledger_url", "kills"),
    [
        pytest.param("sqlite", 12, id="sqlite"),
        pytest.param("postgresql", 6, id="postgresql"),
        pytest.param("sqlite", 200, id="sqlite-long", marks=pytest.mark.long),
        pytest.param("postgresql", 200, id="postgresql-long", marks=pytest.mark.long),
    ],
    indirect=["ledger_url"],
)
@pytest.mark.timeout(900)
def test_killed_anywhere_what_was_answered_is_in_the_inbox_once(
    ledger_url: str, ledger_home: Home, forks: Any, kills: int
) -> None:
    ledger = open_ledger(ledger_home, SystemClock(), ledger_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    life = Life(forks, ledger_url, str(ledger_home.root), port)
    try:
        accepted, failures = asyncio.run(send(port, life, kills, 300))
    finally:
        if life.process is not None:
            life.process.kill()
            life.process.join()
    with ledger.read() as con:
        found = con.execute(sa.select(inbox.c.message_id)).scalars().all()
    ledger.close()
    assert life.kills == kills
    assert failures >= kills, "the kills were felt"
    assert len(accepted) >= 300
    assert len(found) == len(set(found))
    assert set(found) == accepted, "each was sent until it was answered"
