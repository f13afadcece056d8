"""A warehouse of a small company, empty."""

from __future__ import annotations

import pytest

from hrorch_tests.authority.house import House, declare


@pytest.fixture
def house() -> House:
    return House(declare())
