"""From which day the values of both sides count: the rows of effective-dated tables that are in force, and since when."""

from __future__ import annotations

from collections import defaultdict

import duckdb

from hrorch_pipelines.authority.resolve import resolve_record, source_rows
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident


def find_rows_in_force(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """Make `corr_in_force(role, system, attribute, owner, since DATE, raw VARCHAR)` for the writes in `corr_writes`.

    Role `target`: the first day of the row in force and its value as the system holds it (an id, where it refers to a person);
    only where the record is effective-dated or the value is a person. Role `authority`: the first day of the value in force,
    through rows that repeat it; only where both sides are effective-dated.
    """
    con.execute(
        """CREATE OR REPLACE TEMP TABLE corr_in_force (
               role VARCHAR, system VARCHAR, attribute VARCHAR, owner VARCHAR, since DATE, raw VARCHAR)"""
    )
    wanted: defaultdict[tuple[str, str, str], set[str]] = defaultdict(set)
    pairs = con.execute("SELECT DISTINCT target, attribute, authority_system FROM corr_writes").fetchall()
    for target, attribute, authority in pairs:
        record = stack.systems[target].mapped().get(attribute)
        if record is None:
            continue
        dated = stack.systems[target].records[record].effective is not None
        if dated or stack.attributes[attribute].type is AttributeType.PERSON:
            wanted["target", target, record].add(attribute)
        deciding = stack.systems[authority].mapped().get(attribute) if authority in stack.systems else None
        if dated and deciding is not None and stack.systems[authority].records[deciding].effective is not None:
            wanted["authority", authority, deciding].add(attribute)
    for (role, system, record), attributes in sorted(wanted.items()):
        if has_table(con, "accepted", f"{system}.{record}"):
            _of_record(con, stack, cycle, role, system, record, sorted(attributes))
    drop_temporary(con, "scope_sources")


def _of_record(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    cycle: Cycle,
    role: str,
    system: str,
    record: str,
    attributes: list[str],
) -> None:
    who = "target = ? AND source_id" if role == "target" else "authority_system = ? AND authority_source_id"
    key = "source_id" if role == "target" else "authority_source_id"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE scope_sources AS
            SELECT DISTINCT {key} AS source_id, person_id FROM corr_writes WHERE {who} IS NOT NULL""",
        [system],
    )
    resolve_record(con, stack, cycle, system, record, full=False)
    resolved = ident(f"resolved.{record}")
    for attribute in attributes:
        column = ident(attribute)
        since = f"SELECT owner, starts AS since FROM {resolved}"
        if role == "authority":
            since = f"""
                WITH rows AS ({source_rows(stack, system, record, full=False)}),
                other AS (
                    SELECT owner, max(r.starts) AS starts FROM rows r JOIN {resolved} d USING (owner)
                    WHERE r.starts < d.starts AND r.{column} IS DISTINCT FROM d.{column} GROUP BY owner)
                SELECT d.owner, coalesce(min(r.starts), any_value(d.starts)) AS since
                FROM {resolved} d LEFT JOIN other o USING (owner)
                LEFT JOIN rows r ON r.owner = d.owner AND r.starts <= d.starts AND (o.starts IS NULL OR r.starts > o.starts)
                GROUP BY d.owner"""
        con.execute(
            f"""INSERT INTO corr_in_force
                SELECT $role, $system, $attribute, d.owner, s.since, CAST(d.{column} AS VARCHAR)
                FROM {resolved} d JOIN ({since}) s USING (owner)""",
            {"role": role, "system": system, "attribute": attribute},
        )
    drop_temporary(con, f"resolved.{record}", f"doubtful.{record}")
