"""When a person's retention began to run: the end of their employment, a candidate's last change, or their leaving all systems.

Whoever may still work here, or of whom that cannot be told, has not departed: nothing is destroyed on doubt.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import stored_tables
from hrorch_pipelines.storage.sql import ident, literal

STATUS, START, END = "employment_status", "start_date", "end_date"
"""The attributes that say whether somebody works here; a stack that names them otherwise has no departures but those who
left every system."""
TERMINATED = "terminated"

_Tables = dict[tuple[str, str], frozenset[str]]


def find_departures(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> None:
    """Make the temporary table `departures(person_id, left_at TIMESTAMPTZ)`."""
    con.execute("CREATE OR REPLACE TEMP TABLE departures (person_id VARCHAR, left_at TIMESTAMPTZ)")
    tables = stored_tables(con)
    if ("identity", "links") not in tables:
        return
    con.execute(
        """
        INSERT INTO departures
        SELECT person_id, max(until) FROM identity.former_links
        WHERE person_id NOT IN (SELECT person_id FROM identity.links) GROUP BY person_id"""
    )
    if ("golden", "wide") not in tables or STATUS not in stack.attributes:
        return
    _find_working(con, tables)
    if END in stack.attributes:
        con.execute(
            f"""
            INSERT INTO departures
            SELECT person_id, {ident(END)}::TIMESTAMP::TIMESTAMPTZ FROM golden.wide ANTI JOIN working USING (person_id)
            WHERE {ident(STATUS)} = $terminated AND {ident(END)} <= $today""",
            {"terminated": TERMINATED, "today": local_date(now, stack.organization.time_zone)},
        )
    _candidates(con, stack, tables)


def _find_working(con: duckdb.DuckDBPyConnection, tables: _Tables) -> None:
    """`working(person_id)`: somebody of whom any system says something else than that they left, or will not say."""
    says = [
        f"SELECT person_id FROM {ident('cells', table)} WHERE {ident(STATUS)} <> $terminated "
        f"OR list_contains(hidden, $status) OR list_contains(held, $status)"
        for (schema, table), columns in tables.items()
        if schema == "cells" and {STATUS, "hidden", "held"} <= columns
    ]
    con.execute("CREATE OR REPLACE TEMP TABLE working (person_id VARCHAR)")
    for query in says:
        con.execute(f"INSERT INTO working {query}", {"terminated": TERMINATED, "status": STATUS})


def _candidates(con: duckdb.DuckDBPyConnection, stack: Stack, tables: _Tables) -> None:
    """Persons who never worked here: no status, no first day. Counted from the last change of any record of theirs."""
    never = f"g.{ident(START)} IS NULL" if START in stack.attributes else "TRUE"
    changed = [
        f"SELECT {{'system': {literal(table.partition('.')[0])}, 'id': coalesce(parent_id, source_id)}} AS record, "
        f"greatest(valid_from, coalesce(source_updated_at, valid_from), coalesce(valid_to, valid_from)) AS at "
        f"FROM {ident(schema, table)}"
        for (schema, table), columns in tables.items()
        if schema == "history" and {"valid_from", "source_id"} <= columns
    ]
    if not changed:
        return
    con.execute(
        f"""
        INSERT INTO departures
        WITH candidates AS (
            SELECT g.person_id FROM golden.wide g ANTI JOIN working USING (person_id)
            WHERE g.{ident(STATUS)} IS NULL AND {never} AND g.stage IS NOT NULL
              AND g.person_id NOT IN (SELECT person_id FROM golden.decisions
                                      WHERE attribute = $status AND state IN ('held', 'unavailable'))),
        changes AS ({" UNION ALL ".join(changed)})
        SELECT c.person_id, max(changes.at) FROM candidates c JOIN identity.links l USING (person_id)
        JOIN changes ON changes.record.system = l.system AND changes.record.id = l.source_id
        GROUP BY c.person_id""",
        {"status": STATUS},
    )
