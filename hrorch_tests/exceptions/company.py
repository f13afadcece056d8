"""A company of two exports taken through the real stages day by day, with its cases collected after each."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa
import yaml

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.exceptions.collect import Collected, collect
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.warehouse import Warehouse, publish
from hrorch_tests.reports.house import _export, declaration, people

MONDAY = datetime(2026, 6, 29, 15, tzinfo=UTC)
Rows = list[dict[str, str]]


class Company:
    """`hris` and `payroll` are what the exports say; change them and live a `day`."""

    def __init__(self, folder: Path, ledger: Ledger, clock: SetClock, change: Callable[[dict[str, Any]], None]) -> None:
        declared = declaration()
        change(declared)
        self.folder, self.ledger, self.clock = folder, ledger, clock
        path = folder / "stack.yaml"
        path.write_text(yaml.safe_dump(declared, sort_keys=False), encoding="utf-8")
        self.stack = load_stack(path, env={})
        self.home = Home(ledger.home.root)
        self.hris: Rows = people()
        self.payroll: Rows = people()
        self.clock.at = MONDAY - timedelta(days=1)
        self.plan = False

    def day(self, *, hours: float = 24, observe_only: tuple[str, ...] | None = None) -> Collected:
        """Let time pass, export, observe, run every stage, collect."""
        self.clock.at += timedelta(hours=hours)
        _export(self.folder / "exports", self.hris, self.payroll)
        for system in self.stack.systems if observe_only is None else observe_only:
            observe(self.stack, system, self.home, self.clock)
        return self.cycle()

    def cycle(self) -> Collected:
        from hrorch_pipelines.authority.cells import assemble
        from hrorch_pipelines.authority.golden import decide
        from hrorch_pipelines.corrections.plan import plan
        from hrorch_pipelines.gates.validate import validate
        from hrorch_pipelines.identity.match import match
        from hrorch_pipelines.reconcile.causes import explain_causes
        from hrorch_pipelines.reconcile.compare import compare

        with Warehouse(self.home, self.clock).write() as con:
            cycle = spine.start(con, self.stack, self.home, self.clock)
            validate(con, self.stack, self.home, cycle, data_docs=False)
            match(con, self.stack, cycle)
            assemble(con, self.stack, cycle)
            decide(con, self.stack, cycle)
            compare(con, self.stack, cycle)
            explain_causes(con, self.stack, cycle)
            if self.plan:
                plan(self.ledger, con, self.stack, cycle)
            told = collect(self.ledger, con, self.stack, self.home, cycle)
            cycles.finish(con, cycle)
        publish(self.home)
        return told

    def again(self) -> Collected:
        """Collect once more from the same warehouse."""
        with Warehouse(self.home, self.clock).write() as con:
            return collect(self.ledger, con, self.stack, self.home, spine.current(con))

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with Warehouse(self.home, self.clock).write() as con:
            return con.execute(query).fetchall()

    def cases(self, **where: Any) -> list[sa.Row[Any]]:
        query = sa.select(cases).order_by(cases.c.case_id)
        for name, value in where.items():
            query = query.where(cases.c[name] == value)
        with self.ledger.read() as con:
            return list(con.execute(query).all())

    def only(self, **where: Any) -> sa.Row[Any]:
        (row,) = self.cases(**where)
        return row

    def act(self, move: Callable[..., Any], *args: Any, **more: Any) -> Any:
        with self.ledger.write() as con:
            now = self.clock.now()
            return move(con, Seals(con, self.ledger.home.key(), now), self.stack, *args, **more | {"now": now})


def counted(told: Collected) -> bool:
    return told.found == told.single + told.folded + sum(told.left.values())


def person_of(con: duckdb.DuckDBPyConnection, source_id: str) -> str:
    return str(con.execute("SELECT person_id FROM identity.links WHERE source_id = ?", [source_id]).fetchall()[0][0])
