"""What all runs of the whole product share: nothing of the developer's own environment leaks into them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

OURS = ("HRORCH_", "DAGSTER_")


@pytest.fixture(scope="session", autouse=True)
def _clean_environment() -> Iterator[None]:
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(OURS)}
    yield
    os.environ.update(kept)
