"""The sandbox's small world as targets, once per module: real servers, the example stack, short waits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_tests.sandbox.servers.small_world import fill
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY, stack_for


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("sandbox")
    fill(folder)
    made = Sandbox(folder, base_port=None, clock=CLOCK)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def stack(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    return stack_for(sandbox, tmp_path_factory.mktemp("stack"))


@pytest.fixture(scope="module")
def targets(stack: Stack) -> Iterator[dict[str, Any]]:
    made: dict[str, Any] = {name: target_for(stack, name, CLOCK, KEY) for name in stack.systems}
    yield made
    for target in made.values():
        target.close()


@pytest.fixture
def board(sandbox: Sandbox) -> Iterator[Any]:
    yield sandbox.board
    sandbox.board.switch_off()
