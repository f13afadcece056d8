"""Change rows: one per attribute that really changed, from the rows that differ only. Versions are kept in `history`."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import duckdb

from hrorch_pipelines.audit.leaves import LEAF, SALT
from hrorch_pipelines.storage.sql import ident, literal

_UNKNOWN = "list_concat({row}.hidden, list_transform({row}.faults, lambda fault: fault.attribute))"
"""Cells of a row whose value we do not know: withheld from us, or not convertible."""


def collect_pairs(con: duckdb.DuckDBPyConnection, attributes: Sequence[str]) -> None:
    """Put every differing record's two sides into one row of the temporary table `pairs`.

    Reads the temporary tables `delta`, `before` and `after` of an ingest. A record marked as deleted keeps its marker's
    attribution and none of its values.
    """
    sides = "".join(
        f", old.{ident(name)} AS {ident(f'before {name}')}"
        f", CASE WHEN delta.kind <> 'removed' THEN new.{ident(name)} END AS {ident(f'after {name}')}"
        for name in attributes
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE pairs AS
        SELECT delta.kind,
               coalesce(new.record_key, old.record_key) AS record_key,
               coalesce(new.occurrence, old.occurrence) AS occurrence,
               coalesce(new.source_id, old.source_id) AS source_id,
               coalesce(new.parent_id, old.parent_id) AS parent_id,
               coalesce(new.effective_from, old.effective_from) AS effective_from,
               new.source_updated_at AS changed_at,
               new.source_updated_by AS changed_by,
               coalesce({_UNKNOWN.format(row="old")}, []) AS unknown_before,
               CASE WHEN delta.kind = 'removed' THEN [] ELSE {_UNKNOWN.format(row="new")} END AS unknown_after
               {sides}
        FROM delta
        LEFT JOIN before AS old ON old.version = delta.version
        LEFT JOIN after AS new ON new.row_id = delta.row_id
        """
    )


def write_changes(
    con: duckdb.DuckDBPyConnection, table: str, attributes: Sequence[str], heading: dict[str, object]
) -> None:
    """Insert into `history.changes` what differs in `pairs`. `heading`: system, record, snapshot and both moments.

    A value that is withheld or could not be converted is unknown: it writes nothing, and when it is known again it is
    compared with the last known one. A cell never known before is a first sight, not a change.
    """
    if not attributes:
        return
    ids = "kind, record_key, occurrence, source_id, parent_id, effective_from, changed_at, changed_by"
    seen = " UNION ALL ".join(
        f"SELECT {ids}, {literal(name)} AS attribute, {ident(f'before {name}')}::VARCHAR AS before, "
        f"{ident(f'after {name}')}::VARCHAR AS after FROM pairs "
        f"WHERE {ident(f'before {name}')} IS DISTINCT FROM {ident(f'after {name}')} "
        f"AND NOT list_contains(unknown_before, {literal(name)}) AND NOT list_contains(unknown_after, {literal(name)})"
        for name in attributes
    )
    revealed = _revealed(con, table, attributes, ids)
    con.execute(
        f"""
        INSERT INTO history.changes BY NAME
        WITH seen AS (
            SELECT *, $system AS system, $record AS record, $observed_at AS observed_at,
                   $previous_observed_at AS previous_observed_at, $snapshot_id AS snapshot_id, {SALT} AS salt
            FROM ({seen}{f" UNION ALL {revealed}" if revealed else ""})
        )
        SELECT *, {LEAF} AS leaf FROM seen
        """,
        {**heading, "secret": secrets.token_hex(32)},
    )


def _revealed(con: duckdb.DuckDBPyConnection, table: str, attributes: Sequence[str], ids: str) -> str | None:
    """A SELECT of changes in cells that were unknown and are known again; None when there is no such cell."""
    found = con.execute(
        "SELECT DISTINCT cell FROM (SELECT unnest(unknown_before) AS cell, unknown_after FROM pairs WHERE kind = 'updated') "
        "WHERE NOT list_contains(unknown_after, cell)"
    ).fetchall()
    names = [name for name in attributes if (name,) in set(found)]
    if not names:
        return None
    con.execute(
        _LAST_KNOWN.format(
            table=table,
            unknown=_UNKNOWN.format(row="held"),
            cells=", ".join(
                f"arg_max({{'value': {ident(name)}::VARCHAR}}, valid_from) "
                f"FILTER (WHERE NOT list_contains(unknown, {literal(name)})) AS {ident(name)}"
                for name in names
            ),
        )
    )
    return " UNION ALL ".join(
        f"SELECT {', '.join(f'pairs.{column.strip()}' for column in ids.split(','))}, {literal(name)} AS attribute, "
        f"known.{ident(name)}.value AS before, {ident(f'after {name}')}::VARCHAR AS after FROM pairs "
        "JOIN last_known AS known ON known.record_key IS NOT DISTINCT FROM pairs.record_key "
        "AND known.occurrence = pairs.occurrence "
        f"WHERE pairs.kind = 'updated' AND list_contains(unknown_before, {literal(name)}) "
        f"AND NOT list_contains(unknown_after, {literal(name)}) AND known.{ident(name)} IS NOT NULL "
        f"AND known.{ident(name)}.value IS DISTINCT FROM {ident(f'after {name}')}::VARCHAR"
        for name in names
    )


_LAST_KNOWN = """
CREATE OR REPLACE TEMP TABLE last_known AS
WITH versions AS (
    SELECT held.*, {unknown} AS unknown
    FROM {table} AS held
    SEMI JOIN (SELECT record_key, occurrence FROM pairs WHERE kind = 'updated' AND len(unknown_before) > 0) AS wanted
      ON wanted.record_key IS NOT DISTINCT FROM held.record_key AND wanted.occurrence = held.occurrence
),
gaps AS (
    SELECT *, lag(valid_to) OVER one_record IS DISTINCT FROM valid_from AS starts
    FROM versions WINDOW one_record AS (PARTITION BY record_key, occurrence ORDER BY valid_from)
),
spells AS (
    SELECT *, max(CASE WHEN starts THEN valid_from END) OVER (PARTITION BY record_key, occurrence) AS spell FROM gaps
)
SELECT record_key, occurrence, {cells} FROM spells WHERE valid_from >= spell GROUP BY record_key, occurrence
"""
"""The last known value of each cell since the record was last created: what it held before it went is another life."""
