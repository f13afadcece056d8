"""When each cell's effective value last changed, by whom, and what it will change to. Old enough or not is judged in `flags`.

Leaves temporary tables `cell_changes` and `cell_upcoming`, keyed by the base record's id.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.authority.flags import grace_of
from hrorch_pipelines.authority.resolve import kept_rows
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

_TABLES = """
CREATE OR REPLACE TEMP TABLE cell_changes (owner VARCHAR, attribute VARCHAR, moment TIMESTAMPTZ, author VARCHAR);
CREATE OR REPLACE TEMP TABLE cell_upcoming (owner VARCHAR, attribute VARCHAR, value VARCHAR, effective_from DATE);
CREATE OR REPLACE TEMP TABLE cell_days (owner VARCHAR, day DATE);
CREATE OR REPLACE TEMP TABLE record_changes (
    record VARCHAR, owner VARCHAR, record_key VARCHAR, attribute VARCHAR, kind VARCHAR, moment TIMESTAMPTZ, author VARCHAR,
    before VARCHAR, effective_from DATE);
"""


def find_changes(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, *, full: bool) -> None:
    """Make `cell_changes` (latest change per owner and attribute), `cell_upcoming` (values that will count) and `cell_days`
    (days on which an owner's rows begin or stop counting).

    The first snapshot of a system writes no change rows: what was there then counts as old, unless its first day is recent.
    A row of an effective-dated table changes only the attributes in which it differs from the row before it, at the later
    of its entry and its first day (midnight in the organization's zone).
    """
    con.execute(_TABLES)
    if has_table(con, "history", "changes"):
        scope = "" if full else "SEMI JOIN scope_sources s ON s.source_id = coalesce(c.parent_id, c.source_id)"
        con.execute(
            f"""INSERT INTO record_changes
                SELECT record, coalesce(c.parent_id, c.source_id), record_key, attribute, kind,
                       coalesce(changed_at, observed_at), changed_by, before, effective_from
                FROM history.changes c {scope} WHERE c.system = $system""",
            {"system": system},
        )
    for record, declared in stack.systems[system].records.items():
        attributes = list(declared.fields)
        if not attributes:
            continue
        if declared.effective is None:
            con.execute(
                "INSERT INTO cell_changes SELECT owner, attribute, moment, author FROM record_changes WHERE record = ?",
                [record],
            )
        else:
            _effective_changes(con, stack, cycle, system, record, full=full)
            _upcoming(con, stack, cycle, system, record, full=full)
    con.execute(
        """CREATE OR REPLACE TEMP TABLE cell_changes AS
           SELECT owner, attribute, max(moment) AS moment, arg_max(author, moment) AS author FROM cell_changes GROUP BY ALL"""
    )


def _effective_changes(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, record: str, *, full: bool
) -> None:
    attributes = list(stack.systems[system].records[record].fields)
    differs = ", ".join(
        f"{{'attribute': {literal(name)}, 'differs': now_.{ident(name)} IS DISTINCT FROM before_.{ident(name)}, "
        f"'grace': to_seconds({grace_of(stack, name).total_seconds()})}}"
        for name in attributes
    )
    current = " ".join(f"WHEN {literal(name)} THEN CAST(now_.{ident(name)} AS VARCHAR)" for name in attributes)
    longest = max(grace_of(stack, name) for name in attributes)
    con.execute(
        f"""
        INSERT INTO cell_changes
        WITH rows AS ({kept_rows(stack, system, record, full=full)}),
        entered AS (
            SELECT owner, record_key, max(moment) AS moment, arg_max(author, moment) AS author FROM record_changes
            WHERE record = $record AND kind = 'created' GROUP BY ALL),
        begun AS (
            SELECT r.*, greatest(e.moment, timezone($zone, r.starts::TIMESTAMP)) AS begun_at,
                   coalesce(e.author, r.source_updated_by) AS begun_by,
                   e.owner IS NOT NULL AS entered
            FROM {ident(f"resolved.{record}")} r LEFT JOIN entered e USING (owner, record_key)
            WHERE e.owner IS NOT NULL OR timezone($zone, r.starts::TIMESTAMP) > $recent),
        earlier AS (
            SELECT p.* FROM rows p JOIN begun b ON b.owner = p.owner
              AND p.starts < b.starts AND (p.effective_to IS NULL OR p.effective_to >= b.starts)
            QUALIFY row_number() OVER (PARTITION BY p.owner ORDER BY p.starts DESC, p."sequence" DESC NULLS LAST,
                p.source_updated_at DESC NULLS LAST, p.record_key DESC, p.occurrence DESC) = 1),
        compared AS (
            SELECT now_.owner, now_.begun_at, now_.begun_by, now_.entered, unnest([{differs}], recursive := true)
            FROM begun now_ LEFT JOIN earlier before_ USING (owner))
        SELECT owner, attribute, begun_at, begun_by FROM compared
        WHERE differs AND (entered OR begun_at + grace > $now)
        UNION ALL
        SELECT c.owner, c.attribute, c.moment, c.author FROM record_changes c SEMI JOIN {ident(f"resolved.{record}")} r
        ON r.owner = c.owner AND r.record_key = c.record_key WHERE c.record = $record AND c.kind = 'updated'
        UNION ALL
        SELECT c.owner, c.attribute, c.moment, c.author FROM record_changes c
        LEFT JOIN {ident(f"resolved.{record}")} now_ ON now_.owner = c.owner
        WHERE c.record = $record AND c.kind = 'removed' AND coalesce(c.effective_from, DATE '0001-01-01') <= $as_of
          AND c.before IS DISTINCT FROM CASE c.attribute {current} END
        """,
        {
            "record": record,
            "zone": stack.organization.time_zone,
            "recent": cycle.now - longest,
            "now": cycle.now,
            "as_of": cycle.as_of,
        },
    )


def _upcoming(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, record: str, *, full: bool
) -> None:
    attributes = list(stack.systems[system].records[record].fields)
    pieces = ", ".join(
        f"{{'attribute': {literal(name)}, 'value': CAST(f.{ident(name)} AS VARCHAR), "
        f"'differs': f.{ident(name)} IS DISTINCT FROM now_.{ident(name)}}}"
        for name in attributes
    )
    rows = kept_rows(stack, system, record, full=full)
    con.execute(
        f"""
        INSERT INTO cell_upcoming
        WITH future AS (SELECT * FROM ({rows}) WHERE starts > $as_of),
        compared AS (
            SELECT f.owner, f.starts, unnest([{pieces}], recursive := true)
            FROM future f LEFT JOIN {ident(f"resolved.{record}")} now_ USING (owner))
        SELECT DISTINCT owner, attribute, value, starts FROM compared WHERE differs
        """,
        {"as_of": cycle.as_of},
    )
    con.execute(
        f"""
        INSERT INTO cell_days
        SELECT owner, starts FROM ({rows}) WHERE starts > $as_of
        UNION ALL SELECT owner, effective_to FROM ({rows}) WHERE effective_to > $as_of
        UNION ALL SELECT owner, day FROM {ident(f"doubtful.{record}")} WHERE day > $as_of
        """,
        {"as_of": cycle.as_of},
    )
