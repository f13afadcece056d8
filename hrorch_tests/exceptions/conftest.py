"""A ledger, the example stack with routes and absences of its own, and findings to report."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.stack.acting import Exceptions
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.ledger_fixtures import *  # noqa: F403

EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"


@pytest.fixture(scope="session")
def stack() -> Stack:
    """The example, with routes of each test's own only."""
    return load_stack(EXAMPLE, env={}).model_copy(update={"exceptions": Exceptions()})


class Desk:
    """What a test does to a ledger, and what it finds in it."""

    def __init__(self, ledger: Ledger, clock: SetClock) -> None:
        self.ledger, self.clock = ledger, clock

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def write(self) -> Iterator[tuple[sa.Connection, Seals]]:
        with self.ledger.write() as con:
            yield con, Seals(con, self.ledger.home.key(), self.now)

    def case(self, case_id: str) -> sa.Row[Any]:
        with self.ledger.read() as con:
            return con.execute(sa.select(cases).where(cases.c.case_id == case_id)).one()

    def count(self) -> int:
        with self.ledger.read() as con:
            return int(con.execute(sa.select(sa.func.count()).select_from(cases)).scalar_one())

    def entries(self, case_id: str | None = None) -> list[sa.Row[Any]]:
        query = sa.select(audit_log).order_by(audit_log.c.sequence)
        with self.ledger.read() as con:
            return list(con.execute(query if case_id is None else query.where(audit_log.c.case_id == case_id)).all())

    def actions(self, case_id: str | None = None) -> list[str]:
        return [row.action for row in self.entries(case_id)]


@pytest.fixture
def desk(ledger: Ledger, ledger_clock: SetClock) -> Desk:
    return Desk(ledger, ledger_clock)
