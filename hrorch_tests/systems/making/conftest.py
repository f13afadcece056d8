"""Real servers over the small world, once per module; each test makes people of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.sandbox.servers.small_world import fill
from hrorch_tests.systems_writing.sandboxed import CLOCK, stack_for


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    fill(folder)
    running = Sandbox(folder, base_port=None, clock=CLOCK)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_for(sandbox, tmp_path_factory.mktemp("stack"))


@pytest.fixture
def board(sandbox: Sandbox) -> Iterator[Any]:
    yield sandbox.board
    sandbox.board.switch_off()
