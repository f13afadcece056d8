"""A small company taken through the real stages, and the parts that erasure and retention are handed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import duckdb
import yaml

from hrorch_pipelines.audit.erase import Places
from hrorch_pipelines.cli.erase import blank, forget
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse, open_published
from hrorch_tests.reports.house import FIRST_DAY, House, _export, declaration, run_cycle

__all__ = ["Company", "blank"]


@dataclass
class Company:
    """Two systems, their exports, and everything that was made of them in `home`."""

    folder: Path
    ledger: Ledger
    stack: Stack
    clock: SetClock

    @classmethod
    def begin(cls, folder: Path, ledger: Ledger, **changes: object) -> Company:
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder, ledger, _stack(folder, changes), SetClock(FIRST_DAY))

    @classmethod
    def copy(cls, of: Company, folder: Path, ledger: Ledger) -> Company:
        """The same past in a folder of its own, with this ledger."""
        for name in ("home", "exports"):
            shutil.copytree(
                of.folder / name, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("ledger*")
            )
        return cls(folder, ledger, _stack(folder, {}), SetClock(of.clock.at))

    @property
    def house(self) -> House:
        return House(self.stack, self.ledger.home, self.clock.now())

    def restack(self, **changes: object) -> None:
        self.stack = _stack(self.folder, changes)

    def say(self, hris: list[dict[str, str]], payroll: list[dict[str, str]], *, days: int = 0) -> None:
        """Both systems export, and a cycle runs, some days later."""
        self.clock.at += timedelta(days=days)
        _export(self.folder / "exports", hris, payroll)
        run_cycle(self.stack, self.ledger.home, self.clock)

    def places(self) -> Places:
        home = self.ledger.home
        return Places(self.stack, home, self.clock, Warehouse(home, self.clock), self.ledger, forget)

    def ask(self, query: str, *values: object) -> list[tuple[object, ...]]:
        with open_published(self.ledger.home) as con:
            return con.execute(query, list(values)).fetchall()


def _stack(folder: Path, changes: dict[str, object]) -> Stack:
    content = declaration()
    for path, value in changes.items():
        place = content
        *parents, last = path.split("__")
        for parent in parents:
            place = place.setdefault(parent, {})
        place[last] = value
    path_ = folder / "stack.yaml"
    path_.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return load_stack(path_, env={})


def sqlite_ledger(folder: Path) -> Ledger:
    """A ledger in a home of its own."""
    home = Home(folder / "home")
    home.root.mkdir(parents=True, exist_ok=True)
    return open_ledger(home, SetClock(FIRST_DAY), f"sqlite:///{home.root / 'ledger.sqlite'}")


def places_that_hold(folder: Path, values: list[str]) -> list[str]:
    """Every place below a folder where one of the values stands: bytes of files, cells of Parquet, DuckDB and SQLite files."""
    found: list[str] = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        raw = path.read_bytes().lower()
        found += [f"{path.name}: bytes" for value in values if value.lower().encode() in raw]
        if path.suffix == ".parquet":
            with duckdb.connect() as con:
                found += [f"{path}: {cell}" for cell in _cells(con, f"read_parquet('{path}')", values)]
        elif path.suffix == ".duckdb":
            with duckdb.connect() as con:
                con.execute(f"ATTACH '{path}' AS looked (READ_ONLY)")
                tables = con.execute(
                    "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'looked'"
                ).fetchall()
                for schema, table in tables:
                    name = f'looked."{schema}"."{table}"'
                    found += [f"{path.name}: {schema}.{table}" for _ in _cells(con, name, values)]
    return found


def _cells(con: duckdb.DuckDBPyConnection, source: str, values: list[str]) -> list[str]:
    told = con.execute(f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM {source}").fetchall()
    text = "\n".join(str(cell) for row in told for cell in row if cell is not None).lower()
    return [value for value in values if value.lower() in text]
