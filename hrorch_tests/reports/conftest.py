"""Fixtures of this room's tests: a published copy made by the real stages, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.reports.house import House, live


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    return live(tmp_path_factory.mktemp("house"))


@pytest.fixture
def con(house: House) -> Iterator[duckdb.DuckDBPyConnection]:
    with open_published(house.home) as connection:
        yield connection


@pytest.fixture(scope="session")
def page(house: House, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from hrorch_pipelines.reports.page import write_page

    with open_published(house.home) as connection:
        return write_page(connection, house.stack, tmp_path_factory.mktemp("page") / "report.html")
