"""A small stack and empty tables, as the rooms before this one leave them."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack

STACK = Path(__file__).parents[2] / "data" / "stack.yaml"


@pytest.fixture(scope="session")
def stack() -> Stack:
    return load_stack(STACK, env={})


@pytest.fixture
def con() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    return connection
