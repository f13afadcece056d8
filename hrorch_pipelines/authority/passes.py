"""What a room remembers of its last pass, hence whether it may work on the touched persons only; and when persons fall due.

Which persons those are is in `scope`.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import duckdb

from hrorch_pipelines.authority.conditions import conditions
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle

Room = Literal["cells", "golden", "reconcile"]

_TABLES = """
CREATE TABLE IF NOT EXISTS cells.passes (
    room VARCHAR, cycle_id VARCHAR, now TIMESTAMPTZ, as_of DATE, rules VARCHAR, sources VARCHAR[], stale VARCHAR[]);
CREATE TABLE IF NOT EXISTS cells.due (person_id VARCHAR, room VARCHAR, due_at TIMESTAMPTZ, due_on DATE);
"""


def prepare(con: duckdb.DuckDBPyConnection, schema: str) -> None:
    """Make the schema of a room and the tables of this module."""
    for name in {"cells", schema}:
        if not con.execute(
            "SELECT 1 FROM information_schema.schemata WHERE catalog_name = current_database() AND schema_name = ?",
            [name],
        ).fetchone():
            con.execute(f"CREATE SCHEMA {name}")
    con.execute(_TABLES)


def must_recompute(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, room: Room) -> bool:
    """Whether working on the touched persons alone would be wrong.

    So it is when nothing was computed before, when the rules or the set of systems differ, when time went backwards, when
    a condition reads the calendar and the day turned, and when a system whose rule is `when_unavailable: hold` went
    stale or came back.
    """
    row = con.execute("SELECT now, as_of, rules, sources, stale FROM cells.passes WHERE room = ?", [room]).fetchone()
    if cycle.full or row is None:
        return True
    now, as_of, rules, sources, stale = row
    withheld = {
        rule.system
        for rules_ in stack.authority.values()
        for rule in rules_.values()
        if rule.when_unavailable == "hold"
    }
    return (
        now > cycle.now
        or as_of > cycle.as_of
        or rules != rules_of(stack)
        or set(sources) != set(cycle.sources)
        or bool((set(stale) ^ cycle.stale) & withheld)
        or (as_of != cycle.as_of and any(condition.depends_on_day for condition in conditions(stack)))
    )


def last_stale(con: duckdb.DuckDBPyConnection, room: Room) -> frozenset[str]:
    """Systems that were stale when the room last finished."""
    row = con.execute("SELECT stale FROM cells.passes WHERE room = ?", [room]).fetchone()
    return frozenset(row[0]) if row else frozenset()


def record_pass(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, room: Room) -> None:
    """Remember that the room has finished this cycle."""
    con.execute("DELETE FROM cells.passes WHERE room = ?", [room])
    con.execute(
        "INSERT INTO cells.passes VALUES (?, ?, ?, ?, ?, ?, ?)",
        [room, cycle.cycle_id, cycle.now, cycle.as_of, rules_of(stack), sorted(cycle.sources), sorted(cycle.stale)],
    )


def rules_of(stack: Stack) -> str:
    """A fingerprint of everything declared; secrets are masked by their type."""
    return hashlib.sha256(stack.model_dump_json().encode()).hexdigest()
