"""Real servers on free loopback ports, and stacks of one system to read them with."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.stack.systems import System

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve an ASGI app; gives its base URL."""
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=port, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(5)


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    with ExitStack() as running:
        yield lambda app: running.enter_context(served(app))


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def system(connector: str, base_url: str, records: dict[str, Any], **more: Any) -> System:
    """A declared system; a record is its `read` alone when nothing else matters."""
    full = {name: record if "read" in record else {"read": record, "key": "id"} for name, record in records.items()}
    return System.model_validate(
        {"connector": connector, "base_url": base_url, "owner": "someone", "records": full, **more}
    )
