"""Which records one pass looks at again: those that changed, and those whose open questions may have been answered by it."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.counts import count_rows
from hrorch_pipelines.identity.keys import key_present, key_value
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.storage.cycles import Cycle

_STANDING = """
WITH asked AS MATERIALIZED (
    SELECT system, source_id FROM cycles.touched_records WHERE cycle_id = $cycle
    UNION SELECT system, source_id FROM w_changed
    UNION SELECT system, source_id FROM identity.pending),
ids AS (SELECT DISTINCT source_id FROM asked),
standing AS (
    SELECT system, source_id, person_id, FALSE AS former FROM identity.links WHERE source_id IN (FROM ids)
    UNION ALL SELECT system, source_id, person_id, TRUE FROM identity.former_links WHERE source_id IN (FROM ids))
FROM standing SEMI JOIN asked USING (system, source_id)"""


def stand(con: duckdb.DuckDBPyConnection, cycle: Cycle, *, everybody: bool) -> None:
    """Make `w_standing(system, source_id, person_id, former)`: whose the touched records are, by the links as they are now."""
    if everybody:
        con.execute(
            "CREATE OR REPLACE TEMP VIEW w_standing AS SELECT system, source_id, person_id, FALSE AS former FROM identity.links"
        )
    else:
        con.execute(f"CREATE OR REPLACE TEMP TABLE w_standing AS {_STANDING}", {"cycle": cycle.cycle_id})


def remember_persons(con: duckdb.DuckDBPyConnection, cycle: Cycle, *, stood: bool) -> None:
    """Note the persons of all touched records (children's parents too), before and after links move. `stood`: as `stand`
    left them, and nothing has moved since."""
    con.execute(
        f"""
        INSERT INTO cycles.touched_persons
        SELECT DISTINCT $cycle, person_id FROM {"w_standing" if stood else f"({_STANDING})"}
        WHERE person_id NOT IN (SELECT person_id FROM cycles.touched_persons WHERE cycle_id = $cycle)""",
        {"cycle": cycle.cycle_id},
    )


def choose(con: duckdb.DuckDBPyConnection, plan: Plan, *, everybody: bool) -> None:
    """Make `w_active(system, source_id)`, and unless `everybody` is active, `w_awake` with the traits of these.

    Call it after `stand` and before links move: mates are those of the person as it was.

    Besides what moved: the mates of records that left, and both records of every open question that touches a person who
    moved or shares a key value with a record that did. What those questions were about may look different now.
    """
    if everybody:
        con.execute("CREATE OR REPLACE TEMP VIEW w_active AS SELECT system, source_id FROM identity.traits")
        return
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_moving AS
        SELECT system, source_id FROM w_changed UNION SELECT system, source_id FROM identity.pending"""
    )
    _questions_of_shared_values(con, plan)
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_active AS
        WITH moved AS (SELECT * FROM w_moving),
        open_reviews AS (SELECT * FROM identity.reviews WHERE closed_at IS NULL),
        asked AS (
            SELECT r.left_system AS system, r.left_id AS source_id, r.right_system, r.right_id FROM open_reviews r
            WHERE (left_system, left_id) IN (SELECT (system, source_id) FROM w_concerned)
               OR (right_system, right_id) IN (SELECT (system, source_id) FROM w_concerned))
        SELECT system, source_id FROM moved
        UNION SELECT system, source_id FROM asked
        UNION SELECT right_system, right_id FROM asked
        UNION SELECT m.system, m.source_id FROM identity.links m
              WHERE person_id IN (
                SELECT l.person_id FROM identity.links l JOIN w_changed c USING (system, source_id) WHERE c.state = 'gone'
                UNION SELECT l.person_id FROM identity.links l JOIN identity.pending USING (system, source_id))"""
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE w_awake AS {_traits_of('w_active')}")


def _traits_of(records: str) -> str:
    """A SELECT of the traits of `records`, which what changed is part of: all are looked up but for those known already."""
    return f"""
        FROM w_now UNION ALL BY NAME
        FROM identity.traits SEMI JOIN (FROM {records} ANTI JOIN w_now USING (system, source_id)) USING (system, source_id)"""


def _questions_of_shared_values(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make `w_concerned`: what moved, and of the records under question its persons' and those that share a key value with it."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_ends AS
        WITH open_reviews AS (SELECT * FROM identity.reviews WHERE closed_at IS NULL)
        SELECT left_system AS system, left_id AS source_id FROM open_reviews
        UNION SELECT right_system, right_id FROM open_reviews"""
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_concerned AS
        WITH persons AS (SELECT DISTINCT person_id FROM w_standing SEMI JOIN w_moving USING (system, source_id) WHERE NOT former),
        linked AS (SELECT system, source_id, person_id FROM identity.links WHERE source_id IN (SELECT source_id FROM w_ends))
        SELECT system, source_id FROM linked SEMI JOIN persons USING (person_id)
        UNION SELECT system, source_id FROM w_moving"""
    )
    if not count_rows(con, "w_ends"):
        return
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_questioned AS
        SELECT t.* FROM identity.traits t SEMI JOIN w_ends USING (system, source_id)"""
    )
    con.execute(f"CREATE OR REPLACE TEMP TABLE w_moving_traits AS {_traits_of('w_moving')}")
    for key in plan.keys:
        con.execute(
            f"""
            INSERT INTO w_concerned
            SELECT q.system, q.source_id FROM w_questioned q
            WHERE {key_value(key, "q")} IN (
                SELECT {key_value(key, "t")} FROM w_moving_traits t WHERE {key_present(key, "t")}
                UNION SELECT {key_value(key, "t")} FROM w_before t SEMI JOIN w_moving USING (system, source_id)
                WHERE {key_present(key, "t")})"""
        )
