"""Fixtures of this room's tests: a warehouse that observes snapshots and runs the gates on them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hrorch_tests.gates.observing import World, open_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """`world({"hris.worker": [rules…]})`: a fresh warehouse under a stack file with these gates."""
    opened: list[World] = []

    def make(
        gates: dict[str, list[dict[str, Any]]] | None = None,
        database: str = ":memory:",
        children: tuple[str, ...] = (),
    ) -> World:
        opened.append(open_world(tmp_path / f"world{len(opened)}", gates or {}, database, children))
        return opened[-1]

    yield make
    for each in opened:
        each.con.close()
