"""Which of several records of one person in one system speaks for them now (rehire, contractor → employee), and who is live.

All records stay visible in `cells.spells`; `cells."<system>"` holds the chosen one.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from hrorch_pipelines.authority.conditions import presence_condition
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident

ENDED = ("terminated", "retired", "deceased")


def live_of(stack: Stack, cycle: Cycle, system: str, wide: str) -> str:
    """The rows of `wide` with `live`: whether the record counts as present, by `presence.<system>.live`; NULL = cannot be told."""
    condition = presence_condition(stack, system, "live")
    live = condition.sql if condition else "true"
    return f"""SELECT * EXCLUDE (as_of), {live} AS live
               FROM (SELECT w.*, DATE '{cycle.as_of.isoformat()}' AS as_of FROM ({wide}) w)"""


def choose_spells(con: duckdb.DuckDBPyConnection, cycle: Cycle, system: str, mapped: Iterable[str], wide: str) -> None:
    """Make `cell_passed_over(source_id)` and fill `cells.spells`; adds the days on which the choice may change to `cell_due`.

    `wide` is a SELECT of all records of the persons in scope, with `live`.

    The best record is live, then not ended (status, end date), then begun; of those the one that ends last and began last;
    the id decides the rest, so the choice never depends on the order of rows.
    """
    known = set(mapped)
    columns = {
        name: ident(name) if name in known else "NULL" for name in ("employment_status", "end_date", "start_date")
    }
    ended = ", ".join(f"'{word}'" for word in ENDED)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE cell_ranked AS
        WITH several AS (
            SELECT person_id FROM scope_sources s SEMI JOIN cell_owners o ON o.owner = s.source_id
            GROUP BY person_id HAVING count(*) > 1),
        spells AS (
            SELECT source_id, person_id, live, {columns["employment_status"]}::VARCHAR AS status,
                   {columns["end_date"]}::DATE AS ends, {columns["start_date"]}::DATE AS starts
            FROM ({wide}) SEMI JOIN several USING (person_id))
        SELECT source_id, starts, ends, row_number() OVER (
            PARTITION BY person_id
            ORDER BY coalesce(live, false) DESC,
                     coalesce(lower(status) IN ({ended}), false) OR coalesce(ends < $as_of, false),
                     coalesce(starts > $as_of, false),
                     ends DESC NULLS FIRST, starts DESC NULLS LAST, source_id DESC) AS place
        FROM spells
        """,
        {"as_of": cycle.as_of},
    )
    con.execute("CREATE OR REPLACE TEMP TABLE cell_passed_over AS SELECT source_id FROM cell_ranked WHERE place > 1")
    con.execute(
        """INSERT INTO cell_due
           SELECT source_id, NULL, day FROM (
               SELECT source_id, starts AS day FROM cell_ranked UNION ALL SELECT source_id, ends + 1 FROM cell_ranked)
           WHERE day > ?""",
        [cycle.as_of],
    )
    con.execute(
        """INSERT INTO cells.spells
           SELECT ?, s.source_id, s.person_id, o.owner IS NOT NULL, o.owner IS NOT NULL AND p.source_id IS NULL
           FROM scope_sources s LEFT JOIN cell_owners o ON o.owner = s.source_id
           LEFT JOIN cell_passed_over p ON p.source_id = s.source_id""",
        [system],
    )
    con.execute("DROP TABLE cell_ranked")
