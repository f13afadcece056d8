"""Real servers on free ports over a small world of known values; each test gets its own folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import CLIENT_ID, CLIENT_SECRET, KEY, TOKEN, Sandbox
from hrorch_tests.sandbox.servers.small_world import NOW, fill

Connect = Callable[..., httpx.Client]


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small world, made once; never written to."""
    folder = tmp_path_factory.mktemp("small-world")
    fill(folder)
    return folder


@pytest.fixture
def sandbox(filled: Path, tmp_path: Path) -> Iterator[Sandbox]:
    """The small world's sandbox, nothing started yet."""
    shutil.copytree(filled, tmp_path, dirs_exist_ok=True)
    made = Sandbox(tmp_path, base_port=None, clock=SetClock(NOW))
    yield made
    made.stop()


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    """`connect(system)` starts a system and gives a client that is signed in."""
    clients = []

    def connected(system: str, **settings: object) -> httpx.Client:
        sandbox.start(system)
        client = httpx.Client(base_url=sandbox.url(system), timeout=5, **settings)
        sign_in(client, system)
        clients.append(client)
        return client

    yield connected
    for client in clients:
        client.close()


def sign_in(client: httpx.Client, system: str) -> None:
    if system == "ats":
        form = {"grant_type": "client_credentials"}
        answer = client.post("/auth/token", data=form, auth=(CLIENT_ID, CLIENT_SECRET))
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    elif system in {"hris", "check"}:
        client.auth = (KEY, "x" if system == "hris" else "")
    else:
        client.headers["Authorization"] = f"Bearer {TOKEN}"
