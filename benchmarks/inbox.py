"""How many messages the endpoint takes in: proved, committed and answered per second, as a ratio to the promised 1,000.

One process listens, this one sends over real HTTP on kept connections and waits for each answer.
`python benchmarks/inbox.py [--events N] [--connections N] [--size BYTES] [--url URL]`
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import hmac
import json
import multiprocessing
import os
import socket
import statistics
import tempfile
import time
from pathlib import Path

import sqlalchemy as sa
from _measure import machine
from pydantic import SecretStr

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.inbox.serve import serve
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import LEDGER_URL, open_ledger
from hrorch_pipelines.storage.ledger_tables import inbox
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace

PROMISED = 1_000
SECRET = "a-secret-of-this-benchmark"  # noqa: S105
EXAMPLE = Path(__file__).parents[1] / "data" / "stack.yaml"


def stack() -> Stack:
    """The example stack, whose ATS signs."""
    loaded = load_stack(EXAMPLE, env={})
    ats = loaded.systems["ats"]
    credentials = {**ats.credentials, "webhook_secret": SecretStr(SECRET)}
    return loaded.model_copy(
        update={"systems": {**loaded.systems, "ats": ats.model_copy(update={"credentials": credentials})}}
    )


def listen(folder: str, port: int) -> None:
    home, clock = Home(Path(folder)), SystemClock()
    serve(Workplace(stack(), home, clock, Warehouse(home, clock)), port=port, rate=1_000_000)


def request(number: int, size: int) -> bytes:
    """One signed message, as bytes on the wire; `size` bytes of content, as a candidate's whole record has."""
    payload = {"application": {"id": number, "candidate": {"id": number, "notes": "x" * max(0, size - 150)}}}
    body = json.dumps({"action": "candidate_stage_change", "payload": payload}).encode()
    signature = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = f"POST /webhooks/ats HTTP/1.1\r\nHost: x\r\nSignature: sha256 {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def send(port: int, requests: list[bytes], connections: int) -> list[float]:
    """Send everything, each connection one message at a time. Returns the seconds each answer took."""
    waiting, took = iter(requests), []

    async def one() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for message in waiting:
            began = time.perf_counter()
            writer.write(message)
            answer = await reader.readuntil(b"\r\n\r\n")
            took.append(time.perf_counter() - began)
            assert answer.startswith(b"HTTP/1.1 200"), answer
        writer.close()

    await asyncio.gather(*(one() for _ in range(connections)))
    return took


def until_open(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--events", type=int, default=20_000)
    asked.add_argument("--connections", type=int, default=64)
    asked.add_argument("--size", type=int, default=4_000)
    asked.add_argument("--url", help="The ledger, when it is not to be SQLite.")
    given = asked.parse_args()
    if given.url:
        os.environ[LEDGER_URL] = given.url
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    requests = [request(number, given.size) for number in range(given.events)]
    with tempfile.TemporaryDirectory() as folder:
        server = multiprocessing.get_context("spawn").Process(target=listen, args=(folder, port))
        server.start()
        until_open(port)
        began = time.perf_counter()
        took = sorted(asyncio.run(send(port, requests, given.connections)))
        wall = time.perf_counter() - began
        server.terminate()
        server.join()
        ledger = open_ledger(Home(Path(folder)), SystemClock(), given.url)
        with ledger.read() as con:
            landed = con.execute(sa.select(sa.func.count()).select_from(inbox)).scalar_one()
        ledger.close()
    assert landed >= given.events, f"{landed} of {given.events} are in the inbox"
    rate = given.events / wall
    print(f"{machine()}; {given.events:,} messages of {given.size:,} bytes over {given.connections} connections")
    print(f"taken in {rate:,.0f} messages/s   {rate / PROMISED:.2f} × the promised {PROMISED:,}; all are in the inbox")
    print(
        f"answered in {statistics.median(took) * 1000:.1f} ms (median), {took[int(len(took) * 0.99)] * 1000:.1f} ms (99 %)"
    )


if __name__ == "__main__":
    main()
