"""A ledger on both databases, the example stack with alerts of each test's own, and real places that messages go to."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.stack.acting import Alerts
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.ledger_fixtures import *  # noqa: F403

EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"


@pytest.fixture(scope="session")
def example() -> Stack:
    return load_stack(EXAMPLE, env={"HRORCH_MODE": "apply"})


@pytest.fixture
def stack_with(example: Stack) -> Callable[..., Stack]:
    """The example with these words under `alerts`; `people`: alert_urls by person."""

    def make(people: dict[str, list[str]] | None = None, **alerts: Any) -> Stack:
        told = {
            name: owner.model_copy(
                update={"alert_urls": type(owner).model_validate({**_plain(owner), "alert_urls": urls}).alert_urls}
            )
            for name, owner in example.people.items()
            for urls in [(people or {}).get(name, [])]
        }
        return example.model_copy(update={"alerts": Alerts.model_validate(alerts), "people": told})

    return make


def _plain(owner: Any) -> dict[str, Any]:
    return {"name": owner.name, "email": owner.email, "deputy": owner.deputy}


class Receiver:
    """A real HTTP server that keeps what it is sent. `status` is what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if outer.status == 200:
                    outer.got.append(json.loads(body))
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_address[1]}/alerts"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def titles(self) -> list[str]:
        return [one["title"] for one in self.got]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


class Mailbox:
    """A real SMTP server that keeps what it is sent."""

    def __init__(self) -> None:
        from aiosmtpd.controller import Controller

        self.got: list[tuple[list[str], Message]] = []
        self.refuses = False
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()
        self.url = f"mailto://127.0.0.1:{self.port}?from=hrorch@lakeside.example&to={{email}}&mode=insecure"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd calls it so)
        if self.refuses:
            return "451 try later"
        self.got.append((list(envelope.rcpt_tos), message_from_bytes(envelope.content)))
        return "250 kept"

    def text(self, number: int) -> str:
        """Everything readable of one mail."""
        message = self.got[number][1]
        parts = [part.get_payload(decode=True) for part in message.walk() if not part.is_multipart()]
        return "\n".join(part.decode() for part in parts if isinstance(part, bytes))


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    made = Mailbox()
    yield made
    made.controller.stop()
