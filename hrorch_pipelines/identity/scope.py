"""Which records one pass looks at again: those that changed, and those whose open questions may have been answered by it."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.storage.cycles import Cycle


def remember_persons(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    """Note the persons of all touched records (children's parents too), before and after links move."""
    con.execute(
        """
        INSERT INTO cycles.touched_persons
        SELECT DISTINCT $cycle, person_id FROM (
            SELECT m.person_id FROM (
                SELECT system, source_id, person_id FROM identity.links
                UNION ALL SELECT system, source_id, person_id FROM identity.former_links) m
            WHERE (m.system, m.source_id) IN (
                SELECT (system, source_id) FROM cycles.touched_records WHERE cycle_id = $cycle
                UNION SELECT (system, source_id) FROM w_changed
                UNION SELECT (system, source_id) FROM identity.pending))
        WHERE person_id NOT IN (SELECT person_id FROM cycles.touched_persons WHERE cycle_id = $cycle)""",
        {"cycle": cycle.cycle_id},
    )


def choose(con: duckdb.DuckDBPyConnection, *, everybody: bool) -> None:
    """Make `w_active(system, source_id)`. Call it before links move: mates are those of the person as it was."""
    if everybody:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE w_active AS SELECT system, source_id FROM identity.traits UNION SELECT system, source_id FROM w_changed"
        )
        return
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_active AS
        WITH moved AS (
            SELECT system, source_id FROM w_changed UNION SELECT system, source_id FROM identity.pending),
        persons AS (SELECT DISTINCT person_id FROM identity.links SEMI JOIN moved USING (system, source_id)),
        mates AS (SELECT system, source_id FROM identity.links SEMI JOIN persons USING (person_id)),
        open_reviews AS (SELECT * FROM identity.reviews WHERE closed_at IS NULL),
        asked AS (
            SELECT r.left_system AS system, r.left_id AS source_id, r.right_system, r.right_id FROM open_reviews r
            WHERE (left_system, left_id) IN (SELECT (system, source_id) FROM mates UNION SELECT (system, source_id) FROM moved)
               OR (right_system, right_id) IN (SELECT (system, source_id) FROM mates UNION SELECT (system, source_id) FROM moved))
        SELECT system, source_id FROM moved
        UNION SELECT system, source_id FROM asked
        UNION SELECT right_system, right_id FROM asked
        UNION SELECT m.system, m.source_id FROM identity.links m
              WHERE person_id IN (
                SELECT l.person_id FROM identity.links l JOIN w_changed c USING (system, source_id) WHERE c.state = 'gone'
                UNION SELECT l.person_id FROM identity.links l JOIN identity.pending USING (system, source_id))"""
    )
