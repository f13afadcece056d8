"""What is being judged: one record type of one system, as one snapshot left it; and the names of its tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import Expectation, GateRule
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.columns import attribute_columns
from hrorch_pipelines.storage.sql import ident, record_table

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RecordType:
    """One record type of one system, with its declaration and its tables (quoted)."""

    stack: Stack
    system: str
    record: str

    @property
    def name(self) -> str:
        return f"{self.system}.{self.record}"

    @property
    def declared(self) -> Record:
        return self.stack.systems[self.system].records[self.record]

    @property
    def attributes(self) -> dict[str, str]:
        """Attribute → SQL type."""
        return attribute_columns(self.stack, self.system, self.record)

    @property
    def effective(self) -> bool:
        """Whether its rows are effective-dated: many per person, each from a day on."""
        return self.declared.effective is not None

    @property
    def rules(self) -> list[GateRule]:
        return [gate for gate in self.stack.gates.get(self.name, []) if isinstance(gate, GateRule)]

    @property
    def expectations(self) -> list[Expectation]:
        return [gate for gate in self.stack.gates.get(self.name, []) if isinstance(gate, Expectation)]

    @property
    def history(self) -> str:
        return record_table("history", self.system, self.record)

    @property
    def accepted(self) -> str:
        return record_table("accepted", self.system, self.record)

    def temporary(self, what: str) -> str:
        """The quoted name of a temporary table of this gate."""
        return ident(f"gate {what} {self.name}")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot in history. `newest`: no later one of its system is; then its rows are the current ones."""

    system: str
    snapshot_id: str
    observed_at: datetime
    newest: bool

    def holds(self, alias: str) -> str:
        """SQL: a row of history belongs to this snapshot. Needs `remember_moment` when it is not the newest."""
        if self.newest:
            return f"{alias}.valid_to IS NULL"
        moment = "getvariable('gate_moment')"
        return f"({alias}.valid_from <= {moment} AND ({alias}.valid_to IS NULL OR {alias}.valid_to > {moment}))"

    def remember_moment(self, con: duckdb.DuckDBPyConnection) -> None:
        con.execute("SET VARIABLE gate_moment = ?::TIMESTAMPTZ", [self.observed_at])


def find_snapshot(con: duckdb.DuckDBPyConnection, system: str, snapshot_id: str) -> Snapshot | None:
    """A snapshot by its id, if it has been ingested."""
    if not has_table(con, "history", "snapshots"):
        return None
    row = con.execute(
        "SELECT observed_at, observed_at = max(observed_at) OVER () AS newest FROM history.snapshots WHERE system = $system "
        "QUALIFY snapshot_id = $snapshot_id",
        {"system": system, "snapshot_id": snapshot_id},
    ).fetchone()
    return Snapshot(system, snapshot_id, row[0], row[1]) if row else None


def one(con: duckdb.DuckDBPyConnection, query: str, values: object = None) -> tuple[int, ...]:
    """The single row of an aggregate."""
    row = con.execute(query, values).fetchone()
    assert row is not None, "an aggregate always answers with one row"  # noqa: S101
    return tuple(row)


def arrow_table(con: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> pa.Table:
    """The result as an Arrow table. A result that somebody left half read on this connection is given up first:
    DuckDB 2 would refuse."""
    con.complete()
    return con.sql(query, params=values).to_arrow_table()
