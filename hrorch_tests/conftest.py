"""How all tests are run: properties draw the same examples every time, so that a red run is about the change at hand.

`make test-long` sets HRORCH_EXPLORE, and then they draw new ones: what that finds becomes an `@example`. A test that may use
either database runs on one of them in `make test`, and on both in `make test-long`.
"""

from __future__ import annotations

from collections import defaultdict
from zlib import crc32

import pytest
from hypothesis import settings

from hrorch_tests.drawing import EXPLORING

settings.register_profile("steady", derandomize=True, deadline=None)  # a busy machine is slow, not wrong
settings.register_profile("exploring", derandomize=False, print_blob=True, deadline=None)
settings.load_profile("exploring" if EXPLORING else "steady")

BOTH = {"storage", "inbox"}
"""Rooms where it is the databases that are tested: there every test runs on both."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark one of each pair of tests that differ by their database alone as long; which one, its name decides."""
    pairs: defaultdict[str, dict[str, pytest.Item]] = defaultdict(dict)
    for item in items:
        called = getattr(item, "callspec", None)
        kind = called.params.get("ledger_url") if called else None
        if kind is not None and item.path.parent.name not in BOTH:
            pairs[item.nodeid.replace(kind, "", 1)][kind] = item
    for name, pair in pairs.items():
        if len(pair) == 2:
            pair[sorted(pair)[crc32(name.encode()) % 2]].add_marker(pytest.mark.long)
