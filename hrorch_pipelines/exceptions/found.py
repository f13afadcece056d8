"""Everything that needs a person now, in the temporary table `case_found`: one row per case there ought to be, from gates,
identity and comparison. Set-based: nothing is read into Python here. Refused snapshots are few and come from `refused`.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.exceptions.finding import Finding, case_id_sql
from hrorch_pipelines.exceptions.routing import fitting
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident

COUNTED = ("disagree", "missing_record", "ghost")
"""States that are wrong now; `in_flight` and `scheduled` are not yet."""

ASKED_ANYWAY = ("handoff", "overridden")
"""Refusals of the planner that say 'nobody is asked for this', and for which somebody is: a record that has to be created, and
an override that does not cover what the copy holds."""

_TABLE = """
CREATE OR REPLACE TEMP TABLE case_found (
    case_id VARCHAR, source VARCHAR, rule VARCHAR, system VARCHAR, record VARCHAR, source_id VARCHAR, person_id VARCHAR,
    attribute VARCHAR, severity VARCHAR, expected VARCHAR, actual VARCHAR, cause VARCHAR, action VARCHAR, reviewer VARCHAR,
    due_seconds DOUBLE, occurred_at TIMESTAMPTZ, reference VARCHAR, subject VARCHAR, why_not VARCHAR, authority VARCHAR,
    entity VARCHAR, kind VARCHAR, rows BIGINT)
"""


def find_all(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[str, int]:
    """Make `case_found`. Returns what was seen and makes no case, by reason: rows of discrepancies and warnings.

    Needs the temporary tables `case_covered(discrepancy_id)` and `case_writes(person_id, target, attribute)`. Where there is
    no table yet nothing is found.
    """
    con.execute(_TABLE)
    left: dict[str, int] = {}
    if has_table(con, "gates", "quarantine"):
        _gates(con, stack)
        left |= _drop_warnings(con, stack)
    if has_table(con, "identity", "reviews"):
        _identity(con)
    if has_table(con, "reconcile", "discrepancies"):
        left |= _discrepancies(con, stack)
    return left


def seen(con: duckdb.DuckDBPyConnection) -> int:
    """Rows that a case may come of, counted at the sources themselves."""
    total = 0
    for schema, table, where in (
        ("gates", "quarantine", "closed_at IS NULL"),
        ("identity", "reviews", "closed_at IS NULL"),
        ("reconcile", "discrepancies", f"state IN {COUNTED}"),
    ):
        if has_table(con, schema, table):
            row = con.execute(f"SELECT count(*) FROM {ident(schema, table)} WHERE {where}").fetchone()
            total += int(row[0]) if row else 0
    return total


def _gates(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """The gate's own case id is the subject: it tells rows of one record apart."""
    linked = has_table(con, "identity", "links")
    person = "l.person_id" if linked else "NULL::VARCHAR"
    links = "LEFT JOIN identity.links l ON l.system = q.system AND l.source_id = coalesce(q.parent_id, q.source_id)"
    entity, golden = _entity(con, stack, person)
    con.execute(
        f"""INSERT INTO case_found BY NAME
            SELECT {case_id_sql("'gate'", "q.rule_id", "q.system", "q.case_id", "coalesce(q.attribute, '')")} AS case_id,
                   'gate' AS source, q.rule_id AS rule, q.system, q.record, q.source_id, {person} AS person_id, q.attribute,
                   q.severity, q.expected, q.found_masked AS actual, q.cause, q.action, q.reviewer,
                   epoch(q.due_at) - epoch(q.opened_at) AS due_seconds, q.case_id AS reference, q.case_id AS subject,
                   {entity} AS entity, CASE WHEN q.row_id IS NULL THEN 'whole ' ELSE 'row ' END || q.kind AS kind, 1 AS rows
            FROM gates.quarantine q {links if linked else ""} {golden} WHERE q.closed_at IS NULL"""
    )


def _drop_warnings(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[str, int]:
    """A warning lets its record pass: it is a case only where a route of the stack file asks for such ones."""
    kinds = con.execute(
        "SELECT DISTINCT system, attribute, entity FROM case_found WHERE severity = 'warning'"
    ).fetchall()
    dropped = 0
    for system, attribute, entity in kinds:
        asked = Finding("gate", "", "", "", system=system, attribute=attribute, entity=entity)
        if fitting(stack, asked) is None:
            row = con.execute(
                """DELETE FROM case_found WHERE severity = 'warning' AND system IS NOT DISTINCT FROM ?
                   AND attribute IS NOT DISTINCT FROM ? AND entity IS NOT DISTINCT FROM ?""",
                [system, attribute, entity],
            ).fetchone()
            dropped += int(row[0]) if row else 0
    return {"warning": dropped}


def _identity(con: duckdb.DuckDBPyConnection) -> None:
    """The pair is the subject: a question closed and asked again is the same case."""
    pair = "concat(left_system, ':', left_id, '|', right_system, ':', right_id)"
    con.execute(
        f"""INSERT INTO case_found BY NAME
            SELECT {case_id_sql("'identity'", "kind", "left_system", pair, "''")} AS case_id, 'identity' AS source, kind AS rule,
                   left_system AS system, left_id AS source_id, 'error' AS severity, why AS cause, action, reviewer,
                   opened_at AS occurred_at, review_id AS reference, {pair} AS subject, count(*) OVER (PARTITION BY kind, {pair}) AS rows
            FROM identity.reviews WHERE closed_at IS NULL
            QUALIFY row_number() OVER (PARTITION BY kind, {pair} ORDER BY opened_at DESC, review_id) = 1"""
    )


def _discrepancies(con: duckdb.DuckDBPyConnection, stack: Stack) -> dict[str, int]:
    """What nobody corrects by itself. A missing record is one case, however many required values it lacks."""
    planned = has_table(con, "corrections", "refused")
    refused = "LEFT JOIN corrections.refused r USING (discrepancy_id)" if planned else ""
    asked = f"NOT r.quiet OR r.reason IN {ASKED_ANYWAY}"
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE case_judged AS
            SELECT d.*, {"r.reason" if planned else "NULL::VARCHAR"} AS why_not,
                   CASE WHEN discrepancy_id IN (SELECT discrepancy_id FROM case_covered) THEN 'overridden'
                        WHEN EXISTS (SELECT 1 FROM case_writes w WHERE w.person_id = d.person_id AND w.target = d.copy_system
                                     AND w.attribute = d.attribute) THEN 'correction'
                        {f"WHEN r.reason IS NULL THEN 'correction' WHEN NOT ({asked}) THEN 'elsewhere'" if planned else ""}
                   END AS handled
            FROM reconcile.discrepancies d {refused} WHERE d.state IN {COUNTED}"""
    )
    entity, golden = _entity(con, stack, "d.person_id")
    one = case_id_sql("'discrepancy'", "d.state", "d.copy_system", "d.person_id", "d.attribute")
    whole = case_id_sql("'discrepancy'", "d.state", "d.copy_system", "d.person_id", "''")
    shared = f"""d.copy_system AS system, d.copy_source_id AS source_id, d.person_id, 'error' AS severity, d.why_not,
                 d.authority_system AS authority, {entity} AS entity"""
    con.execute(
        f"""INSERT INTO case_found BY NAME
            SELECT {one} AS case_id, 'discrepancy' AS source, d.state AS rule, d.attribute, d.authority_value AS expected,
                   d.copy_value AS actual, d.cause, coalesce(greatest(d.authority_changed_at, d.copy_changed_at), d.first_seen_at)
                   AS occurred_at, d.discrepancy_id AS reference, 1 AS rows, {shared}
            FROM case_judged d {golden} WHERE d.handled IS NULL AND d.state <> 'missing_record'
            UNION ALL BY NAME
            SELECT {whole} AS case_id, 'discrepancy' AS source, d.state AS rule, d.cause, d.first_seen_at AS occurred_at,
                   d.discrepancy_id AS reference, count(*) OVER (PARTITION BY d.person_id, d.copy_system) AS rows, {shared}
            FROM case_judged d {golden} WHERE d.handled IS NULL AND d.state = 'missing_record'
            QUALIFY row_number() OVER (PARTITION BY d.person_id, d.copy_system ORDER BY d.attribute) = 1"""
    )
    left = con.execute(
        "SELECT handled, count(*) FROM case_judged WHERE handled IS NOT NULL GROUP BY handled ORDER BY handled"
    ).fetchall()
    return {str(handled): int(n) for handled, n in left}


def _entity(con: duckdb.DuckDBPyConnection, stack: Stack, person: str) -> tuple[str, str]:
    """SQL of a person's legal entity, and the join it needs; nothing where no route asks for one."""
    attribute = stack.exceptions.entity
    wanted = attribute in stack.attributes and any(route.entity for route in stack.exceptions.routes)
    if not wanted or attribute is None or not has_table(con, "golden", "persons"):
        return "NULL::VARCHAR", ""
    return f"CAST(g.{ident(attribute)} AS VARCHAR)", f"LEFT JOIN golden.persons g ON g.person_id = {person}"
