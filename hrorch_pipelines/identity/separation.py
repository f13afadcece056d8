"""What takes records off their person before anything is joined: records that left, ids that were reused, verdicts 'different'."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.agreement import agrees, contradicts
from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.identity.terms import EventKind
from hrorch_pipelines.storage.cycles import Cycle

_NAMES_OF_BEFORE = """
CREATE OR REPLACE TEMP TABLE w_reuse AS
WITH pairs AS (
    SELECT l.system, l.source_id, {comparable} AS comparable, {denied} AS denied
    FROM (SELECT *, {roots} AS name_roots FROM w_before) l
    JOIN (SELECT * REPLACE ([]::VARCHAR[] AS former_names), {roots} AS name_roots FROM w_now) r USING (system, source_id)
    JOIN w_changed c USING (system, source_id)
    WHERE c.state = 'changed')
SELECT system, source_id, comparable >= 2 AS certain FROM pairs WHERE comparable >= 1 AND denied = comparable
"""


def retire(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """Move the links of records that are gone to `former_links`; their persons stay. Return how many."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_retired AS
        SELECT l.* FROM identity.links l JOIN w_changed c USING (system, source_id) WHERE c.state = 'gone'"""
    )
    con.execute("INSERT INTO identity.former_links SELECT system, source_id, person_id, ? FROM w_retired", [cycle.now])
    _unlink(con, "w_retired")
    _record(con, "w_retired", EventKind.REMOVED, "the record is gone from its system", cycle)
    return count(con, "SELECT count(*) FROM w_retired")


def find_reused_ids(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make `w_reuse(system, source_id, certain)`: ids whose new content denies the old one.

    Compared are the name (the first name, with the last), birth date and national id, as far as both versions hold them. When at
    least two of the three can be compared and all deny, it is certain that somebody else sits behind the id.
    """
    # A last name alone says nothing: people marry. The first name must have changed as well.
    named = f"({agrees(plan, plan.first)} OR {contradicts(plan, plan.first)})"
    renamed = f"({contradicts(plan, plan.first)} AND NOT {agrees(plan, plan.last)})"
    facts = [(named, renamed)] + [
        (f"({agrees(plan, fact)} OR {contradicts(plan, fact)})", contradicts(plan, fact))
        for fact in (plan.birth_date, plan.national_id)
    ]
    con.execute(
        _NAMES_OF_BEFORE.format(
            comparable=" + ".join(f"({comparable})::INTEGER" for comparable, _ in facts),
            denied=" + ".join(f"({denied})::INTEGER" for _, denied in facts),
            roots="[]::VARCHAR[]",
        )
    )
    # Former names would explain any change of name within one record: they hold exactly what was overwritten.
    con.execute(
        """
        UPDATE identity.traits SET former_names = b.former_names
        FROM w_before b JOIN w_reuse u USING (system, source_id)
        WHERE u.certain AND traits.system = b.system AND traits.source_id = b.source_id"""
    )


def return_and_split(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """Give returning records their former person back; take reused ids and pairs judged different apart. Return the splits.

    Of a pair judged different the right record leaves; everybody else stays where they are.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_returned AS
        SELECT f.* FROM identity.former_links f JOIN w_changed c USING (system, source_id) WHERE c.state <> 'gone'"""
    )
    con.execute(
        "DELETE FROM identity.former_links WHERE (system, source_id) IN (SELECT (system, source_id) FROM w_returned)"
    )
    con.execute(
        """
        INSERT INTO identity.links
        SELECT system, source_id, person_id, 'seed', NULL, NULL, ?, ? FROM w_returned
        ANTI JOIN identity.links USING (system, source_id)""",
        [cycle.now, cycle.cycle_id],
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_split_reused AS
        SELECT l.* FROM identity.links l SEMI JOIN (SELECT * FROM w_reuse WHERE certain) USING (system, source_id)"""
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_split_decided AS
        SELECT DISTINCT r.* FROM identity.verdicts v
        JOIN identity.links l ON l.system = v.left_system AND l.source_id = v.left_id
        JOIN identity.links r ON r.system = v.right_system AND r.source_id = v.right_id
        WHERE v.verdict = 'different' AND l.person_id = r.person_id"""
    )
    splits = 0
    for table, cause in (
        ("w_split_reused", "the id now stands for somebody else"),
        ("w_split_decided", "a reviewer decided that they are different persons"),
    ):
        splits += count(con, f"SELECT count(*) FROM {table}")
        _unlink(con, table)
        _record(con, table, EventKind.SPLIT, cause, cycle)
        # A new cluster is given to every unlinked record that is looked at again.
        con.execute(f"INSERT INTO identity.pending SELECT system, source_id FROM {table}")
    return splits


def _unlink(con: duckdb.DuckDBPyConnection, table: str) -> None:
    con.execute(f"DELETE FROM identity.links WHERE (system, source_id) IN (SELECT (system, source_id) FROM {table})")


def _record(con: duckdb.DuckDBPyConnection, table: str, kind: EventKind, cause: str, cycle: Cycle) -> None:
    con.execute(
        f"""
        INSERT INTO identity.events
        SELECT uuid()::VARCHAR, $kind, person_id, NULL, system, source_id, $at, $cause, NULL FROM {table}""",
        {"kind": kind.value, "at": cycle.now, "cause": cause},
    )
