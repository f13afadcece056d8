"""Fixtures of the identity tests; the world itself is in `world`."""

from __future__ import annotations

import pytest

from hrorch_tests.identity.world import World, make_stack


@pytest.fixture
def world() -> World:
    return World(make_stack())
