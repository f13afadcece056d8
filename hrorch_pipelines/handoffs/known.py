"""What only the ledger knows, brought beside the person's state: records that we made, handoffs that are done.

Ids written before two persons were merged are followed to the one they are now.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import duckdb

from hrorch_pipelines.handoffs.conditions import ParsedHandoff
from hrorch_pipelines.handoffs.marks import once_per_mark, parameters
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident, literal, record_table

MADE, DONE = "handoff_made", "handoff_done"
"""Temporary tables: (person_id, system, source_id) and (handoff, person_id, mark)."""


class Made(NamedTuple):
    """A base record whose creation was confirmed, and when. Without a moment it counts whatever later snapshots show."""

    person_id: str
    system: str
    source_id: str
    at: datetime | None = None


class Done(NamedTuple):
    """A handoff that is done and not taken back; `mark`: `marks.once_per_mark` of what it is done once for."""

    handoff: str
    person_id: str
    mark: str


@dataclass(frozen=True)
class Known:
    """What only the ledger knows. `key`: the home's, with which the marks were made."""

    key: bytes = field(repr=False)
    made: Sequence[Made] = ()
    done: Sequence[Done] = ()


def bring_known(con: duckdb.DuckDBPyConnection, stack: Stack, known: Known) -> None:
    """Make the temporary tables. A made record counts until a snapshot read after its making lacks it."""
    made = [Made(*item) for item in known.made if item[1] in stack.systems]
    _table(con, "handoff_made_written", ("person_id", "system", "source_id", "at"), list(zip(*made, strict=True)))
    _table(con, "handoff_done_written", ("handoff", "person_id", "mark"), list(zip(*known.done, strict=True)))
    now_is = _now_is(con)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {MADE} AS
            WITH {now_is}, {_still_there(con, stack)}
            SELECT coalesce(n.person_id, w.person_id) AS person_id, w.system, arg_max(w.source_id, coalesce(w."at", 'epoch')) AS source_id
            FROM handoff_made_written w LEFT JOIN now_is n ON n.written_as = w.person_id
            LEFT JOIN golden.sources s ON s.system = w.system
            WHERE s.observed_at IS NULL OR coalesce(s.observed_at <= w."at", true) OR (w.system, w.source_id) IN (FROM there)
            GROUP BY ALL"""
    )
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {DONE} AS WITH {now_is}
            SELECT w.handoff, coalesce(n.person_id, w.person_id) AS person_id, w.mark
            FROM handoff_done_written w LEFT JOIN now_is n ON n.written_as = w.person_id"""
    )
    con.execute("DROP TABLE handoff_made_written; DROP TABLE handoff_done_written")


def mark_done(con: duckdb.DuckDBPyConnection, known: Known, handoff: ParsedHandoff, state: str) -> None:
    """Set `done_<handoff>` of those whose mark of today's once-per is among the done ones. Inside `untangled`."""
    if not con.execute(f"SELECT 1 FROM {DONE} WHERE handoff = ? LIMIT 1", [handoff.name]).fetchone():
        return
    column = ident(f"done_{bare(handoff.name)}")
    con.execute(
        f"""
        UPDATE {state} SET {column} = true WHERE person_id IN (
            WITH done AS (SELECT person_id, mark FROM {DONE} WHERE handoff = {literal(handoff.name)}),
            marked AS (
                SELECT person_id, {once_per_mark(handoff.name, handoff.once_per.tried)} AS mark
                FROM {state} WHERE person_id IN (SELECT person_id FROM done))
            SELECT person_id FROM marked SEMI JOIN done USING (person_id, mark))""",
        parameters(known.key),
    )


def _still_there(con: duckdb.DuckDBPyConnection, stack: Stack) -> str:
    """A CTE of the base records that are in their systems by the snapshots read, whether or not a gate holds them."""
    selects = [
        f"SELECT {literal(name)} AS system, h.source_id FROM {record_table('history', name, system.base_record)} h "
        f"SEMI JOIN handoff_made_written w ON w.system = {literal(name)} AND w.source_id = h.source_id "
        "WHERE h.valid_to IS NULL AND NOT coalesce(h.deleted, false)"
        for name, system in stack.systems.items()
        if has_table(con, "history", f"{name}.{system.base_record}")
    ]
    return f"there AS ({' UNION '.join(selects) or 'SELECT NULL AS system, NULL AS source_id WHERE false'})"


def _now_is(con: duckdb.DuckDBPyConnection) -> str:
    """A CTE of (written_as, person_id): ids of persons that were merged into another, and who they are now."""
    if not has_table(con, "identity", "persons"):
        return "now_is AS (SELECT NULL::VARCHAR AS written_as, NULL::VARCHAR AS person_id WHERE false)"
    return """RECURSIVE followed AS (
            SELECT person_id AS written_as, merged_into AS person_id, 1 AS steps FROM identity.persons WHERE merged_into IS NOT NULL
            UNION ALL
            SELECT f.written_as, p.merged_into, f.steps + 1 FROM followed f JOIN identity.persons p ON p.person_id = f.person_id
            WHERE p.merged_into IS NOT NULL AND f.steps < 1000),
        now_is AS (SELECT written_as, arg_max(person_id, steps) AS person_id FROM followed GROUP BY written_as)"""


def _table(
    con: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], values: Sequence[Sequence[object]]
) -> None:
    import pyarrow as pa

    kinds: dict[str, pa.DataType] = {"at": pa.timestamp("us", tz="UTC")}
    filled = values or [()] * len(columns)
    con.register(
        "handoff_given",
        pa.table(
            {
                column: pa.array(list(cells), kinds.get(column, pa.string()))
                for column, cells in zip(columns, filled, strict=True)
            }
        ),
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM handoff_given")
    con.unregister("handoff_given")
