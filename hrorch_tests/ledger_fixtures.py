"""A ledger for every test that asks, on SQLite and on PostgreSQL in turn. `from hrorch_tests.ledger_fixtures import *` in a conftest.

One PostgreSQL server per session (`postgres_server`), a database of its own per test.
"""

from __future__ import annotations

import itertools
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger

__all__ = [
    "empty_database",
    "ledger",
    "ledger_clock",
    "ledger_home",
    "ledger_url",
    "postgres_server",
    "postgres_template",
]

LEDGER_NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a running PostgreSQL's database `postgres`; a socket in a folder of its own, no port."""
    pgserver = pytest.importorskip("pgserver", reason="install the dev extra: pip install pgserver")
    with tempfile.TemporaryDirectory(prefix="hrorch-pg-") as folder:
        try:
            server = pgserver.get_server(folder, cleanup_mode="delete")
        except Exception as error:  # noqa: BLE001  (whatever keeps it from starting is the reason to skip)
            pytest.skip(f"pgserver cannot start PostgreSQL as this user: {type(error).__name__}")
        try:
            url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
            # Tests lose nothing when the machine does: what is tested is transactions, not the disk.
            _execute(url, "ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
            yield url
        finally:
            server.cleanup()


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of a database that holds an empty ledger, to be copied: that is quicker than migrating one per test."""
    name = f"ledger_template_{os.getpid()}"
    _execute(postgres_server, f"CREATE DATABASE {name}")
    home = Home(tmp_path_factory.mktemp("ledger_template"))
    made = open_ledger(home, SetClock(LEDGER_NOW), _database(postgres_server, name))
    made.engine.dispose()
    return name


@pytest.fixture
def empty_database(postgres_server: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with nothing in it."""
    yield from _fresh(postgres_server, "")


@pytest.fixture(params=["sqlite", "postgresql"])
def ledger_url(request: pytest.FixtureRequest, ledger_home: Home) -> Iterator[str]:
    """Where this test's ledger is; another process can open it by this."""
    if request.param == "sqlite":
        yield f"sqlite:///{ledger_home.root / 'ledger.sqlite'}"
    else:
        server = request.getfixturevalue("postgres_server")
        yield from _fresh(server, f"TEMPLATE {request.getfixturevalue('postgres_template')}")


@pytest.fixture
def ledger_home(tmp_path: Path) -> Home:
    """The run-time folder beside this test's ledger."""
    home = Home(tmp_path / "home")
    home.root.mkdir(parents=True, exist_ok=True)
    return home


@pytest.fixture
def ledger_clock() -> SetClock:
    """A clock that stands at noon of Monday, 2 March 2026 (UTC); set `at` to move it."""
    return SetClock(LEDGER_NOW)


@pytest.fixture
def ledger(ledger_url: str, ledger_home: Home, ledger_clock: SetClock) -> Iterator[Ledger]:
    """An empty ledger; the test runs once per kind of database."""
    opened = open_ledger(ledger_home, ledger_clock, ledger_url)
    yield opened
    opened.engine.dispose()


def _fresh(server: str, how: str) -> Iterator[str]:
    name = f"ledger_{os.getpid()}_{next(_NUMBERS)}"
    _execute(server, f"CREATE DATABASE {name} {how}")
    yield _database(server, name)
    _execute(server, f"DROP DATABASE {name} WITH (FORCE)")


def _database(server: str, name: str) -> str:
    return sa.make_url(server).set(database=name).render_as_string(hide_password=False)


def _execute(url: str, *statements: str) -> None:
    engine: Any = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as con:
        for statement in statements:
            con.exec_driver_sql(statement)
    engine.dispose()
