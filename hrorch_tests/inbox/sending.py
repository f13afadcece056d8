"""The vendors' side, written from their documents and not from our code: what they send, how they sign it, and over real HTTP."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from pydantic import SecretStr

from hrorch_pipelines.inbox.app import create_app
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.webhooks import Webhook
from hrorch_pipelines.workplace import Workplace

EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"
SECRETS = {
    "onboarding": "generic-secret",
    "ats": "gh-secret",
    "hris": "bamboo-private-key",
    "payroll": "gusto-token",
    "check": "checkr-api-key",
}
GENERIC = {
    "scheme": "hmac",
    "signing": {
        "header": "X-Signature",
        "prefix": "v1=",
        "encoding": "base64",
        "signed": "{id}.{timestamp}.{body}",
        "timestamp": "X-Timestamp",
        "id": "header:X-Id",
        "kind": ["kind"],
        "subject": ["about.key"],
    },
}


def stack_with_secrets() -> Stack:
    """The example stack; onboarding signs by the generic scheme, the directory sends nothing."""
    stack = load_stack(EXAMPLE, env={})
    systems = dict(stack.systems)
    for name, secret in SECRETS.items():
        system = systems[name]
        webhook = Webhook.model_validate(GENERIC) if name == "onboarding" else system.webhook
        assert webhook is not None
        credentials = {**system.credentials, webhook.secret: SecretStr(secret)}
        systems[name] = system.model_copy(update={"credentials": credentials, "webhook": webhook})
    return stack.model_copy(update={"systems": systems})


def hexed(secret: str, content: bytes) -> str:
    return hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()


@dataclass(frozen=True)
class Message:
    """One message as it goes over the wire."""

    system: str
    body: bytes
    headers: dict[str, str]


def greenhouse(n: int, at: datetime, secret: str = SECRETS["ats"]) -> Message:
    content = {
        "action": "candidate_stage_change",
        "payload": {
            "application": {
                "id": 9000 + n,
                "candidate": {"id": n, "first_name": "Żanna", "last_name": "Canary7", "updated_at": at.isoformat()},
            }
        },
    }
    body = json.dumps(content).encode()
    return Message("ats", body, {"Signature": f"sha256 {hexed(secret, body)}", "Greenhouse-Event-ID": f"{n}"})


def bamboohr(n: int, at: datetime, secret: str = SECRETS["hris"]) -> Message:
    content = {"type": "employee.updated", "data": {"companyId": "1", "employeeId": f"{n}", "changedFields": ["ssn"]}}
    body, stamp = json.dumps(content).encode(), at.isoformat(timespec="seconds")
    signature = hexed(secret, body + stamp.encode())
    return Message("hris", body, {"X-BambooHR-Signature": signature, "X-BambooHR-Timestamp": stamp})


def checkr(n: int, at: datetime, secret: str = SECRETS["check"]) -> Message:
    content = {
        "id": f"evt{n}",
        "object": "event",
        "type": "report.completed",
        "created_at": at.isoformat(),
        "data": {"object": {"id": f"r{n}", "object": "report", "candidate_id": f"c{n}", "result": "consider"}},
    }
    body = json.dumps(content).encode()
    return Message("check", body, {"X-Checkr-Signature": hexed(secret, body)})


def gusto(n: int, at: datetime, secret: str = SECRETS["payroll"]) -> Message:
    content = {
        "uuid": f"u-{n}",
        "event_type": "employee.updated",
        "entity_type": "Employee",
        "entity_uuid": f"e-{n}",
        "timestamp": int(at.timestamp()),
    }
    body = json.dumps(content).encode()
    return Message("payroll", body, {"X-Gusto-Signature": hexed(secret, body)})


def generic(n: int, at: datetime, secret: str = SECRETS["onboarding"]) -> Message:

    body = json.dumps({"kind": "task.done", "about": {"key": f"t{n}", "name": "Canary7"}}).encode()
    stamp = str(int(at.timestamp()))
    signed = hmac.new(secret.encode(), f"m{n}.{stamp}.".encode() + body, hashlib.sha256).digest()
    headers = {"X-Signature": "v1=" + base64.b64encode(signed).decode(), "X-Timestamp": stamp, "X-Id": f"m{n}"}
    return Message("onboarding", body, headers)


VENDORS: dict[str, Callable[..., Message]] = {
    "greenhouse": greenhouse,
    "bamboohr": bamboohr,
    "checkr": checkr,
    "gusto": gusto,
    "hmac": generic,
}


@dataclass(frozen=True)
class Post:
    """Sends over real HTTP to where the endpoint listens."""

    url: str
    client: httpx.Client

    def __call__(self, message: Message, **changes: Any) -> int:
        return self.raw(message.system, changes.get("body", message.body), changes.get("headers", message.headers))

    def raw(self, system: str, body: Any, headers: dict[str, str]) -> int:
        return self.client.post(f"/webhooks/{system}", content=body, headers=headers).status_code


@contextmanager
def listening(place: Workplace, **options: Any) -> Iterator[Post]:
    """The endpoint on a free port, in a thread."""
    server = uvicorn.Server(uvicorn.Config(create_app(place, **options), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive()
            time.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield Post(f"http://127.0.0.1:{port}", client)
    finally:
        server.should_exit = True
        thread.join()
