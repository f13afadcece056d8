"""The sandbox's small world as targets: real servers, the example stack, short waits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import yaml

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.writing.protocol import Change, Held, Write
from hrorch_tests.sandbox.servers.conftest import sign_in
from hrorch_tests.sandbox.servers.small_world import NOW, employee_uuid

KEY = bytes(range(32))
EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"
CLOCK = SetClock(NOW)


def stack_for(sandbox: Sandbox, folder: Path, **connection: Any) -> Stack:
    """The example stack over a sandbox, with answers expected within a second and a half."""
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for system in content["systems"].values():
        system["connection"] = {"timeout": "1.5s", "retries": 0, **connection}
    for part in ("catalogues", "letters"):
        (folder / part).mkdir()
        for one in (EXAMPLE.parent / part).iterdir():
            (folder / part / one.name).write_bytes(one.read_bytes())
    (folder / "stack.yaml").write_text(yaml.safe_dump(content))
    return load_stack(folder / "stack.yaml", sandbox.env)


def write(
    system: str, record: str, source_id: str, on: date | None = None, **changes: tuple[str | None, str | None]
) -> Write:
    """`attribute=(before, after)`."""
    made = tuple(Change(attribute, before, after) for attribute, (before, after) in changes.items())
    return Write(system, record, source_id, made, "key", on)


def read(targets: Any, one: Write) -> Held:
    held: Held = targets[one.system].read(one)
    return held


def from_now(
    targets: Any, system: str, record: str, source_id: str, on: date | None = None, **wishes: str | None
) -> tuple[Write, Held]:
    """A write whose `before` is what stands there, and what was read."""
    held = read(targets, write(system, record, source_id, on, **dict.fromkeys(wishes, (None, None))))  # type: ignore[arg-type]
    return write(
        system, record, source_id, on, **{name: (held.values[name], wish) for name, wish in wishes.items()}
    ), held


def person(system: str, n: int) -> str:
    """The base record's id of the small world's n-th person."""
    return {
        "ats": str(1000 + n), "hris": str(n), "payroll": employee_uuid(n), "check": f"c{n:03d}",
        "onboarding": f"n{n:03d}", "directory": f"u{n:03d}",
    }[system]  # fmt: skip


@contextmanager
def somebody_else(sandbox: Sandbox, system: str) -> Iterator[httpx.Client]:
    """A signed-in client of another party."""
    client = httpx.Client(base_url=sandbox.url(system), timeout=5)
    try:
        sign_in(client, system)
        yield client
    finally:
        client.close()
