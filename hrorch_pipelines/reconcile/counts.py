"""Keep `reconcile.pair_counts` and `reconcile.person_profile` up to date from the patterns of the persons looked at.

Staleness belongs to a system in a cycle, so it is applied here, to sums, and never to cells.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.authority.passes import last_stale
from hrorch_pipelines.authority.stages import rule_of
from hrorch_pipelines.reconcile.pairs import CopyPlan, not_supplied, voucher
from hrorch_pipelines.reconcile.patterns import COLUMNS
from hrorch_pipelines.reconcile.states import NO_PAIR, RECORD, STATE_OF, Letter
from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle

DISAGREEING = (State.DISAGREE, State.MISSING_RECORD, State.GHOST)
"""The numerator of M2."""

COMPARABLE = (State.AGREE, *DISAGREEING)
"""The denominator of M2."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS reconcile.patterns ({COLUMNS});
CREATE TABLE IF NOT EXISTS reconcile.pattern_counts (copy_system VARCHAR, stage VARCHAR, pattern VARCHAR, n BIGINT);
CREATE TABLE IF NOT EXISTS reconcile.pair_counts (
    authority_system VARCHAR, copy_system VARCHAR, attribute VARCHAR, state VARCHAR, n BIGINT);
CREATE TABLE IF NOT EXISTS reconcile.person_profile (disagreeing INTEGER, comparable INTEGER, persons BIGINT);
"""

_POSITIONS = """
CREATE OR REPLACE TABLE reconcile.positions (
    copy_system VARCHAR, stage VARCHAR, position INTEGER, attribute VARCHAR, authority_system VARCHAR, voucher VARCHAR,
    stale BOOLEAN, stale_presence BOOLEAN)
"""

_PERSON_SUMS = """
    WITH chosen AS ({chosen}),
    known AS (SELECT DISTINCT copy_system, stage, pattern FROM chosen),
    summed AS (
        SELECT copy_system, stage, pattern,
               count(*) FILTER (contains($disagreeing, letter)) AS disagreeing, count(*) AS comparable
        FROM (SELECT k.*, substr(k.pattern, p.position + 1, 1) AS letter, p.stale, p.stale_presence
              FROM known k JOIN reconcile.positions p USING (copy_system, stage) WHERE p.position > 0)
        WHERE contains($comparable, letter) AND NOT CASE WHEN letter IN ('m', 'g') THEN stale_presence ELSE stale END
        GROUP BY ALL),
    persons AS (
        SELECT c.person_id, sum(s.disagreeing) AS disagreeing, sum(s.comparable) AS comparable
        FROM chosen c JOIN summed s USING (copy_system, stage, pattern) GROUP BY c.person_id)
    SELECT disagreeing::INTEGER AS disagreeing, comparable::INTEGER AS comparable, count(*) AS persons
    FROM persons GROUP BY ALL
"""


def record_positions(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, plans: list[CopyPlan]) -> None:
    """Write `reconcile.positions`: what each letter of a pattern is about; position 0 = a field one side does not supply."""
    con.execute(_POSITIONS)
    rows: list[tuple[object, ...]] = []
    away = cycle.stale | (set(stack.systems) - set(cycle.sources))
    for plan in plans:
        for stage in stack.stages:
            vouching = voucher(stack, stage, plan.system)
            for place, position in enumerate(plan.positions, start=1):
                authority = position.authorities.get(stage) or _other_authority(
                    stack, position.attribute, stage, plan.system
                )
                authority = authority or vouching
                stale = bool({authority, plan.system} & away)
                rows.append(
                    (
                        plan.system,
                        stage,
                        place,
                        position.attribute,
                        authority,
                        vouching,
                        stale,
                        stale or vouching in away,
                    )
                )
            for attribute, authority in not_supplied(stack, plan.system, stage):
                rows.append((plan.system, stage, 0, attribute, authority, vouching, False, False))
    if rows:
        con.executemany("INSERT INTO reconcile.positions VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)


def keep_counts(con: duckdb.DuckDBPyConnection, cycle: Cycle, *, full: bool) -> None:
    """Replace the contributions of the persons looked at by those of `fresh_patterns`, in all counts."""
    if full:
        con.execute(
            """CREATE OR REPLACE TABLE reconcile.pattern_counts AS
               SELECT copy_system, stage, pattern, count(*) AS n FROM fresh_patterns GROUP BY ALL"""
        )
        _profile_anew(con)
    else:
        con.execute(
            "CREATE OR REPLACE TEMP TABLE former_patterns AS FROM reconcile.patterns SEMI JOIN compare_scope USING (person_id)"
        )
        same_systems = last_stale(con, "reconcile") == cycle.stale
        if same_systems:
            _profile_moved(con)
        con.execute("DELETE FROM reconcile.patterns WHERE person_id IN (SELECT person_id FROM compare_scope)")
        con.execute("INSERT INTO reconcile.patterns SELECT person_id, copy_system, stage, pattern FROM fresh_patterns")
        con.execute(
            """CREATE OR REPLACE TABLE reconcile.pattern_counts AS
               SELECT copy_system, stage, pattern, sum(n)::BIGINT AS n FROM (
                   FROM reconcile.pattern_counts
                   UNION ALL SELECT copy_system, stage, pattern, -1 FROM former_patterns
                   UNION ALL SELECT copy_system, stage, pattern, 1 FROM fresh_patterns)
               GROUP BY ALL HAVING sum(n) <> 0"""
        )
        if not same_systems:
            _profile_anew(con)
        con.execute("DROP TABLE former_patterns")
    _count_pairs(con)


def _other_authority(stack: Stack, attribute: str, stage: str, copy: str) -> str | None:
    rule = rule_of(stack, attribute, stage) if attribute in stack.attributes else None
    return rule.system if rule and rule.system != copy else None


def _letters(states: tuple[State, ...]) -> str:
    return "".join(letter for letter, state in STATE_OF.items() if state in states)


def _sums(chosen: str) -> str:
    letters = {"$disagreeing": f"'{_letters(DISAGREEING)}'", "$comparable": f"'{_letters(COMPARABLE)}'"}
    query = _PERSON_SUMS.format(chosen=chosen)
    for name, value in letters.items():
        query = query.replace(name, value)
    return query


def _profile_anew(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(f"CREATE OR REPLACE TABLE reconcile.person_profile AS {_sums('FROM reconcile.patterns')}")


def _profile_moved(con: duckdb.DuckDBPyConnection) -> None:
    con.execute(
        f"""CREATE OR REPLACE TABLE reconcile.person_profile AS
            SELECT disagreeing, comparable, sum(persons)::BIGINT AS persons FROM (
                FROM reconcile.person_profile
                UNION ALL SELECT disagreeing, comparable, -persons FROM ({_sums("FROM former_patterns")})
                UNION ALL FROM ({_sums("FROM fresh_patterns")}))
            GROUP BY ALL HAVING sum(persons) <> 0"""
    )


def _count_pairs(con: duckdb.DuckDBPyConnection) -> None:
    states = " ".join(f"WHEN '{letter}' THEN '{state}'" for letter, state in STATE_OF.items())
    presence = f"'{Letter.MISSING_RECORD}', '{Letter.GHOST}'"
    con.execute(
        f"""
        CREATE OR REPLACE TABLE reconcile.pair_counts AS
        WITH letters AS (
            SELECT p.authority_system, c.copy_system, p.attribute, p.stale, p.stale_presence, c.n,
                   substr(c.pattern, p.position + 1, 1) AS letter
            FROM reconcile.pattern_counts c JOIN reconcile.positions p USING (copy_system, stage) WHERE p.position > 0),
        stated AS (
            SELECT authority_system, copy_system, attribute, n,
                   CASE WHEN letter <> '{Letter.HELD}' AND CASE WHEN letter IN ({presence}) THEN stale_presence ELSE stale END
                        THEN '{State.STALE}' ELSE CASE letter {states} END END AS state
            FROM letters WHERE letter <> '{NO_PAIR}'
            UNION ALL
            SELECT p.authority_system, c.copy_system, p.attribute, c.n, '{State.NOT_SUPPLIED}'
            FROM reconcile.pattern_counts c JOIN reconcile.positions p USING (copy_system, stage)
            WHERE p.position = 0 AND starts_with(c.pattern, '{RECORD}'))
        SELECT authority_system, copy_system, attribute, state, sum(n)::BIGINT AS n FROM stated GROUP BY ALL"""
    )
