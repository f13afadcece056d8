"""Fixtures of this room's tests: a published copy made by the real stages, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.reports.deeds import act, handing_over
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


@pytest.fixture(scope="session")
def person(house: House) -> str:
    """Somebody whose value was typed into payroll."""
    with open_published(house.home) as connection:
        row = connection.execute(
            "SELECT person_id FROM reconcile.landings WHERE attribution = 'manual' ORDER BY person_id LIMIT 1"
        ).fetchone()
    assert row is not None
    return str(row[0])


@pytest.fixture(scope="session")
def handing(house: House) -> Stack:
    """The company's stack, with handoffs."""
    return handing_over(house.stack)


@pytest.fixture(scope="session")
def full(house: House, person: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    """A ledger with something of everything, at the moment of the company's last cycle."""
    folder = tmp_path_factory.mktemp("full")
    opened = open_ledger(Home(folder), SetClock(house.now), f"sqlite:///{folder / 'ledger.sqlite'}")
    act(opened, house, person)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def acted_page(house: House, handing: Stack, full: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with everything on it: what was found, what was done, what moves by itself."""
    from hrorch_pipelines.reports.page import write_page

    with open_published(house.home) as connection:
        return write_page(connection, handing, tmp_path_factory.mktemp("acted") / "report.html", lambda: full)
