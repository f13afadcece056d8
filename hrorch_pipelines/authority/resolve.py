"""One row per owner and record type, as of a day: the row of an effective-dated table that counts, or the newest of several.

Leaves temporary tables `resolved.<record>` (owner, …, attributes) and `doubtful.<record>` (owner). Which persons the owners
are, and how record types join into cells, is in `cells`.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table

EARLIEST = "DATE '0001-01-01'"
"""Where a row without a first day begins."""


def source_rows(stack: Stack, system: str, record: str, *, full: bool) -> str:
    """A SELECT of the accepted rows in scope: `owner` (the base record's id), `starts`, and all accepted columns.

    Rows the system itself marks as deleted are left out; `cells.spells` keeps telling of them.
    """
    table = record_table("accepted", system, record)
    # Found by number first: of a few rows among a million, the other twenty columns are then read for those alone.
    scope = (
        ""
        if full
        else f"""AND a.rowid IN (
                   SELECT b.rowid FROM {table} b SEMI JOIN scope_sources s ON s.source_id = coalesce(b.parent_id, b.source_id))"""
    )
    effective = stack.systems[system].records[record].effective is not None
    starts = f"coalesce(a.effective_from, {EARLIEST})" if effective else EARLIEST
    return f"""SELECT a.*, coalesce(a.parent_id, a.source_id) AS owner, {starts} AS starts
               FROM {table} a WHERE NOT coalesce(a.deleted, false) {scope}"""


def kept_rows(stack: Stack, system: str, record: str, *, full: bool) -> str:
    """The same as `source_rows`, where `resolve_record` was asked to keep what it found in scope."""
    return source_rows(stack, system, record, full=True) if full else f"FROM {ident(f'rows.{record}')}"


def resolve_record(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    cycle: Cycle,
    system: str,
    record: str,
    *,
    full: bool,
    keep_rows: bool = False,
) -> None:
    """Make `resolved.<record>` and `doubtful.<record>`; with `keep_rows`, and unless `full`, `rows.<record>` stays, too.

    Effective-dated: a row counts when starts <= as_of < its end; an open row ends where a later one starts. Of several that
    count, the one that starts last, then the greatest `sequence`, then the one updated last, then the greatest key.
    Otherwise: the greatest `sequence`, then first day, update, key. The order of the rows in the source never matters.
    """
    effective = stack.systems[system].records[record].effective is not None
    order = ["starts", '"sequence"'] if effective else ['"sequence"', "effective_from"]
    ranking = ", ".join(
        f"{column} DESC NULLS LAST" for column in [*order, "source_updated_at", "record_key", "occurrence"]
    )
    in_force = (
        """SELECT r.* FROM rows r JOIN newest n USING (owner)
           WHERE r.starts <= $as_of
             AND CASE WHEN r.effective_to IS NULL THEN r.starts = n.latest ELSE $as_of < r.effective_to END"""
        if effective
        else "SELECT * FROM rows WHERE $as_of IS NOT NULL"
    )
    if not full:
        rows = source_rows(stack, system, record, full=False)
        con.execute(f"CREATE OR REPLACE TEMP TABLE {ident(f'rows.{record}')} AS {rows}")
    if full and not effective and _one_each(con, stack, system, record):
        con.execute(
            f"CREATE OR REPLACE TEMP VIEW {ident(f'resolved.{record}')} AS {source_rows(stack, system, record, full=True)}"
        )
        _find_doubtful(con, stack, system, record, effective=effective, full=full)
        return
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {ident(f"resolved.{record}")} AS
        WITH rows AS ({kept_rows(stack, system, record, full=full)}),
        newest AS (SELECT owner, max(starts) AS latest FROM rows WHERE starts <= $as_of GROUP BY owner),
        in_force AS MATERIALIZED ({in_force}),
        several AS (SELECT owner FROM in_force GROUP BY owner HAVING count(*) > 1)
        SELECT * FROM in_force ANTI JOIN several USING (owner)
        UNION ALL
        SELECT * FROM in_force SEMI JOIN several USING (owner)
        QUALIFY row_number() OVER (PARTITION BY owner ORDER BY {ranking}) = 1
        """,
        {"as_of": cycle.as_of},
    )
    _find_doubtful(con, stack, system, record, effective=effective, full=full)
    if not keep_rows:
        drop_temporary(con, f"rows.{record}")


def _one_each(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str) -> bool:
    """Whether every owner has one row only, so that there is nothing to resolve and nothing to copy."""
    row = con.execute(
        f"SELECT count(*) = count(DISTINCT owner) FROM ({source_rows(stack, system, record, full=True)})"
    ).fetchone()
    return bool(row and row[0])


def _find_doubtful(
    con: duckdb.DuckDBPyConnection, stack: Stack, system: str, record: str, *, effective: bool, full: bool
) -> None:
    """Owners whose resolved row cannot be relied on: two different records under one key, or a record that never passed its
    gate and would count by now (`history` has it, `accepted` has not). `due` is the day a future one would count."""
    con.execute(f"CREATE OR REPLACE TEMP TABLE {ident(f'doubtful.{record}')} (owner VARCHAR, day DATE)")
    con.execute(
        f"""
        INSERT INTO {ident(f"doubtful.{record}")}
        WITH rows AS ({kept_rows(stack, system, record, full=full)}),
        repeated AS (SELECT DISTINCT record_key FROM rows WHERE occurrence > 1)
        SELECT owner, min(starts) FROM rows SEMI JOIN repeated USING (record_key)
        GROUP BY owner, record_key HAVING count(DISTINCT record_hash) > 1
        """
    )
    if not (has_table(con, "gates", "quarantine") and has_table(con, "history", f"{system}.{record}")):
        return
    day = f"coalesce(h.effective_from, {EARLIEST})" if effective else EARLIEST
    scope = "" if full else "SEMI JOIN scope_sources s ON s.source_id = coalesce(h.parent_id, h.source_id)"
    con.execute(
        f"""
        INSERT INTO {ident(f"doubtful.{record}")}
        WITH waiting AS (
            SELECT DISTINCT record_key, occurrence FROM gates.quarantine
            WHERE closed_at IS NULL AND severity = 'error' AND system = $system AND record = $record),
        held AS (
            SELECT h.* FROM {record_table("history", system, record)} h SEMI JOIN waiting w USING (record_key, occurrence)
            WHERE h.valid_to IS NULL AND NOT coalesce(h.deleted, false)),
        never_passed AS (
            SELECT h.* FROM held h ANTI JOIN {record_table("accepted", system, record)} a USING (record_key, occurrence))
        SELECT coalesce(h.parent_id, h.source_id), min({day}) FROM never_passed h {scope} GROUP BY 1
        """,
        {"system": system, "record": record},
    )
