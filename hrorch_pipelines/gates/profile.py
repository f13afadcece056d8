"""A snapshot in figures: one row of counts and shares per record type, computed in DuckDB. No person's value is in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from hrorch_pipelines.gates.drift import stability_index
from hrorch_pipelines.gates.expectations import SnapshotRule
from hrorch_pipelines.gates.scope import RecordType, Snapshot, find_snapshot, one
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import columns_of, has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table


@dataclass(frozen=True)
class Figure:
    """One figure: `value` is a count or a share, None when there is nothing to measure it on or against."""

    measure: str
    attribute: str | None
    value: float | None


def rows_before(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot) -> int | None:
    """Rows in the last snapshot that passed; None when there is none."""
    before = last_passed(con, snapshot)
    if before is None:
        return None
    row = con.execute(
        "SELECT value FROM gates.profiles WHERE snapshot_id = ? AND record = ? AND measure = 'rows'",
        [before.snapshot_id, scope.record],
    ).fetchone()
    return int(row[0]) if row else None


def last_passed(con: duckdb.DuckDBPyConnection, snapshot: Snapshot) -> Snapshot | None:
    """The newest snapshot of the same system, older than this one, that a gate let through."""
    row = con.execute(
        """
        SELECT receipts.snapshot_id FROM gates.receipts AS receipts
        JOIN history.snapshots AS snapshots ON snapshots.snapshot_id = receipts.snapshot_id
        WHERE receipts.system = $system AND receipts.suite_passed AND snapshots.observed_at < $observed_at
        ORDER BY snapshots.observed_at DESC LIMIT 1
        """,
        {"system": snapshot.system, "observed_at": snapshot.observed_at},
    ).fetchone()
    return find_snapshot(con, snapshot.system, row[0]) if row else None


def profile(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, rules: Sequence[SnapshotRule]
) -> list[Figure]:
    """All figures of a record type: rows and completeness always, the others where an expectation asks.

    An expectation on an attribute that the record does not map gets no figure: its judge will report a gate error.
    """
    if not has_table(con, "history", scope.name):
        return [Figure("rows", None, 0.0)]
    figures = _always(con, scope, snapshot)
    before = rows_before(con, scope, snapshot)
    figures.append(
        Figure(
            "change of rows", None, figures[0].value / before - 1 if before and figures[0].value is not None else None
        )
    )
    for rule in rules:
        if rule.attribute not in scope.attributes or any(rule.measure == figure.measure for figure in figures):
            continue
        if rule.expect == "unique":
            figures.append(Figure(rule.measure, rule.attribute, _distinct(con, scope, snapshot, rule.attribute)))
        elif rule.expect == "drift":
            baseline = last_passed(con, snapshot)
            index = stability_index(con, scope, baseline, snapshot, rule.attribute) if baseline else None
            figures.append(Figure(rule.measure, rule.attribute, index))
        elif rule.expect == "refers_to" and _target(scope.stack, rule.refers_to):
            figures.append(Figure(rule.measure, rule.attribute, _found(con, scope, snapshot, cycle, rule)))
    return figures


def _always(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot) -> list[Figure]:
    """Rows; and per attribute the share of cells that hold something, of those that were shown to us."""
    names = list(scope.attributes)
    filled = "".join(f", count(h.{ident(name)})" for name in names)
    rows, *counts = one(con, f"SELECT count(*){filled} FROM {scope.history} AS h WHERE {snapshot.holds('h')}")
    hidden = dict(
        con.execute(
            f"WITH cells AS (SELECT unnest(h.hidden) AS attribute FROM {scope.history} AS h "
            f"WHERE {snapshot.holds('h')} AND len(h.hidden) > 0) SELECT attribute, count(*) FROM cells GROUP BY ALL"
        ).fetchall()
    )
    shares = [
        Figure(f"{name} filled", name, count / (rows - hidden.get(name, 0)) if rows > hidden.get(name, 0) else None)
        for name, count in zip(names, counts, strict=True)
    ]
    return [Figure("rows", None, float(rows)), *shares]


def _distinct(con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, attribute: str) -> float | None:
    column = ident(attribute)
    filled, distinct = one(
        con,
        f"SELECT count({column}), count(DISTINCT {column}) FROM {scope.history} AS h WHERE {snapshot.holds('h')}",
    )
    return distinct / filled if filled else None


def _found(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, rule: SnapshotRule
) -> float | None:
    """The share of values found where they refer to: in the same snapshot, or in what the other system has delivered."""
    target = _target(scope.stack, rule.refers_to)
    assert target is not None, "checked by the caller"  # noqa: S101
    system, record, column = target
    places = []
    same = system == scope.system
    seen = same or (system in cycle.sources and find_snapshot(con, system, cycle.sources[system]) is not None)
    if seen and column in columns_of(con, "history", f"{system}.{record}"):
        held = snapshot.holds("t") if same else "t.valid_to IS NULL"
        places.append(
            f"SELECT t.{ident(column)}::VARCHAR AS value FROM {record_table('history', system, record)} AS t WHERE {held}"
        )
    if not same and column in columns_of(con, "accepted", f"{system}.{record}"):
        places.append(
            f"SELECT t.{ident(column)}::VARCHAR AS value FROM {record_table('accepted', system, record)} AS t"
        )
    if not places:
        return None
    known, filled, found = one(
        con,
        f"""
        WITH targets AS ({" UNION ".join(places)}),
        referring AS (SELECT h.{ident(rule.attribute or "")}::VARCHAR AS value FROM {scope.history} AS h
                      WHERE {snapshot.holds("h")})
        SELECT (SELECT count(value) FROM targets), count(value),
               count(*) FILTER (value IN (SELECT value FROM targets WHERE value IS NOT NULL)) FROM referring
        """,
    )
    return found / filled if filled and known else None


def _target(stack: Stack, refers_to: str | None) -> tuple[str, str, str] | None:
    """`system.attribute` → system, record type, column. `system.source_id` is the key of its persons."""
    system, _, attribute = (refers_to or "").partition(".")
    if system not in stack.systems:
        return None
    if attribute == "source_id":
        return system, stack.systems[system].base_record, attribute
    record = stack.systems[system].mapped().get(attribute)
    return (system, record, attribute) if record else None
