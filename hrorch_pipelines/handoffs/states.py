"""`handoffs.states`: each person's states on their axes over two times, from when it is so and since when (until when) we knew it.

A row without `known_until` is what is believed now: the present, the past that led to it, and what is entered for later.
Nothing is changed but `known_until`, so that what was believed on any day can be told.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.handoffs.axes import GONE, NONE, axes, of_asked, said_now
from hrorch_pipelines.handoffs.expressions import untangled
from hrorch_pipelines.handoffs.known import DONE, MADE
from hrorch_pipelines.handoffs.state import spells
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.sql import ident, literal

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS handoffs;
CREATE TABLE IF NOT EXISTS handoffs.states (
    person_id VARCHAR NOT NULL, spell VARCHAR, axis VARCHAR NOT NULL, state VARCHAR NOT NULL, attribute VARCHAR,
    true_from TIMESTAMPTZ, known_at TIMESTAMPTZ NOT NULL, known_until TIMESTAMPTZ, system VARCHAR NOT NULL,
    source_id VARCHAR NOT NULL);
"""

_OWN = "t.person_id = {0}.person_id AND t.axis = {0}.axis AND t.system = {0}.system"
_SAME = "t.state = {0}.state AND t.source_id = {0}.source_id"


@dataclass(frozen=True)
class StatesResult:
    """How a pass went: whether everybody was looked at, rows that are new, rows no longer believed."""

    full: bool
    learnt: int
    given_up: int


def bring_up(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> StatesResult:
    """Bring `handoffs.states` up to an open cycle, for the persons it touched; for everybody when it is full, or the first.

    Needs `cells`, `golden`, `identity`; in one transaction; running it again changes nothing. A cell that is held, hidden
    or unresolved says nothing, and a system that was never read has nobody gone. Raises HandoffFault, WarehouseError.
    """
    with untangled(con), transaction(con, "handoffs.states"):
        con.execute(SCHEMA)
        full = cycle.full or con.execute("SELECT count(*) FROM handoffs.states").fetchall() == [(0,)]
        whom = (
            "SELECT person_id FROM golden.wide UNION SELECT person_id FROM handoffs.states"
            if full
            else f"SELECT DISTINCT person_id FROM cycles.touched_persons WHERE cycle_id = {literal(cycle.cycle_id)}"
        )
        con.execute(f"CREATE OR REPLACE TEMP TABLE states_asked AS {whom}")
        _collect(con, stack, cycle)
        before = _count(con)
        _follow_records(con, cycle)
        _give_up(con, cycle)
        _learn(con, stack, cycle)
        drop_temporary(con, "states_asked", "states_said", "states_new", "states_spells", MADE, DONE)
        after = _count(con)
    return StatesResult(full, after[0] - before[0], after[1] - before[1])


def _collect(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """`states_said`: what the systems say now and for later, of those asked about; `gone` where a record was and is not."""
    read = {
        name for (name,) in con.execute("SELECT system FROM golden.sources WHERE snapshot_id IS NOT NULL").fetchall()
    }
    con.execute(
        """CREATE OR REPLACE TEMP TABLE states_said (
               axis VARCHAR, system VARCHAR, person_id VARCHAR, source_id VARCHAR, state VARCHAR, attribute VARCHAR,
               true_from TIMESTAMPTZ, ahead BOOLEAN, dated BOOLEAN)"""
    )
    for source in axes(stack):
        if source.system in read:
            con.execute(
                f"""INSERT INTO states_said WITH asked AS MATERIALIZED (FROM states_asked), people AS {of_asked("golden", "wide")}
                    SELECT {literal(source.axis)}, {literal(source.system)}, * FROM ({said_now(con, stack, source, cycle.now)})"""
            )
    gone = " UNION ALL ".join(
        f"""SELECT axis, system, person_id, source_id FROM believed t WHERE axis = {literal(source.axis)}
            AND system = {literal(source.system)} AND person_id NOT IN (
                SELECT person_id FROM {ident("cells", source.system)} WHERE person_id IN (FROM states_asked))"""
        for source in axes(stack)
        if source.system in read
    )
    if gone:
        con.execute(
            f"""INSERT INTO states_said
                WITH believed AS (
                    SELECT * FROM handoffs.states t SEMI JOIN states_asked USING (person_id)
                    WHERE known_until IS NULL AND coalesce(true_from <= $now, true)
                    QUALIFY row_number() OVER (PARTITION BY person_id, axis, system ORDER BY true_from DESC NULLS LAST, known_at DESC) = 1)
                SELECT axis, system, person_id, source_id, '{GONE}', NULL, NULL, false, false FROM ({gone})""",
            {"now": cycle.now},
        )


def _follow_records(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    """States belong to whom their record belongs to: after a merge or a split they are known of the other person."""
    if not has_table(con, "identity", "links"):
        return
    con.execute(
        """CREATE OR REPLACE TEMP TABLE states_new AS
           WITH mine AS (SELECT system, source_id FROM identity.links WHERE person_id IN (FROM states_asked)),
           open AS (
               SELECT rowid AS was, * FROM handoffs.states WHERE known_until IS NULL
                 AND (person_id IN (FROM states_asked) OR (system, source_id) IN (FROM mine))),
           whose AS (SELECT system, source_id, person_id AS whose FROM identity.links SEMI JOIN open USING (system, source_id))
           SELECT t.*, w.whose FROM open t JOIN whose w USING (system, source_id) WHERE w.whose <> t.person_id"""
    )
    con.execute("UPDATE handoffs.states SET known_until = ? WHERE rowid IN (SELECT was FROM states_new)", [cycle.now])
    con.execute(
        """INSERT INTO handoffs.states BY NAME
           SELECT * EXCLUDE (was, whose) REPLACE (whose AS person_id, $now AS known_at) FROM states_new""",
        {"now": cycle.now},
    )


def _give_up(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    """What was entered for later and is so no more; what is said to have been otherwise since before."""
    con.execute(
        f"""UPDATE handoffs.states t SET known_until = $now
            WHERE t.known_until IS NULL AND t.true_from > $now AND t.person_id IN (FROM states_asked)
              AND EXISTS (SELECT 1 FROM states_said s WHERE {_OWN.format("s")})
              AND NOT EXISTS (SELECT 1 FROM states_said s WHERE s.ahead AND {_OWN.format("s")} AND {_SAME.format("s")}
                              AND s.true_from = t.true_from)""",
        {"now": cycle.now},
    )
    con.execute(
        f"""UPDATE handoffs.states t SET known_until = $now FROM states_said s
            WHERE t.known_until IS NULL AND coalesce(t.true_from <= $now, true) AND NOT s.ahead AND {_OWN.format("s")}
              AND s.state NOT IN ('{NONE}', '{GONE}') AND s.true_from IS NOT NULL
              AND CASE WHEN {_SAME.format("s")} THEN s.dated AND t.true_from IS DISTINCT FROM s.true_from
                            AND NOT EXISTS (SELECT 1 FROM handoffs.states b WHERE b.known_until IS NULL
                                            AND b.person_id = t.person_id AND b.axis = t.axis AND b.system = t.system
                                            AND b.true_from > coalesce(t.true_from, 'epoch') AND b.true_from <= s.true_from
                                            AND NOT (b.state = t.state AND b.source_id = t.source_id))
                       ELSE t.true_from >= s.true_from END""",
        {"now": cycle.now},
    )


def _learn(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """What is said and not believed yet. A state that came unseen is true from when its system was read."""
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE states_new AS
            WITH last AS (
                SELECT * FROM handoffs.states WHERE known_until IS NULL AND coalesce(true_from <= $now, true)
                  AND person_id IN (FROM states_asked)
                QUALIFY row_number() OVER (PARTITION BY person_id, axis, system ORDER BY true_from DESC NULLS LAST, known_at DESC) = 1),
            present AS (
                SELECT s.person_id, s.axis, s.state, s.attribute, s.system, s.source_id,
                       CASE WHEN s.true_from IS NULL AND t.person_id IS NOT NULL THEN greatest(o.observed_at, t.true_from)
                            ELSE s.true_from END AS true_from
                FROM states_said s LEFT JOIN last t ON {_OWN.format("s")} LEFT JOIN golden.sources o ON o.system = s.system
                WHERE NOT s.ahead AND NOT coalesce({_SAME.format("s")}
                                                  AND (s.true_from IS NULL OR coalesce(t.true_from >= s.true_from, false)), false)
                  AND (t.person_id IS NOT NULL OR s.state NOT IN ('{NONE}', '{GONE}'))),
            later AS (
                SELECT s.person_id, s.axis, s.state, s.attribute, s.system, s.source_id, s.true_from FROM states_said s
                WHERE s.ahead AND s.true_from > $now AND NOT EXISTS (
                    SELECT 1 FROM handoffs.states t WHERE t.known_until IS NULL AND {_OWN.format("s")} AND {_SAME.format("s")}
                       AND t.true_from = s.true_from))
            SELECT DISTINCT * FROM (FROM present UNION ALL FROM later)""",
        {"now": cycle.now},
    )
    if not con.execute("SELECT 1 FROM states_new LIMIT 1").fetchall():
        return
    found = spells(con, stack, cycle.now, "SELECT person_id FROM states_new")
    con.execute(f"CREATE OR REPLACE TEMP TABLE states_spells AS {found}")
    con.execute(
        """INSERT INTO handoffs.states BY NAME
           SELECT n.*, p.spell, $now AS known_at FROM states_new n LEFT JOIN states_spells p USING (person_id)""",
        {"now": cycle.now},
    )


def _count(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    row = con.execute("SELECT count(*), count(known_until) FROM handoffs.states").fetchall()[0]
    return int(row[0]), int(row[1])
