"""Which pairs are worth a probability: those that share a block, could still be one person, and agree on two attributes.

Only what keys left open is paired: clusters that have no system in common, and lone records against their own system.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.membership import people
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.sql import ident


def find(con: duckdb.DuckDBPyConnection, plan: Plan, *, everybody: bool) -> int:
    """Make `w_candidate(left_system, left_id, right_system, right_id)`; return how many blocks were too large to pair."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE w_found (left_system VARCHAR, left_id VARCHAR, right_system VARCHAR, right_id VARCHAR)"
    )
    _open_records(con, plan, everybody)
    skipped = sum(_pair_block(con, plan, block, one_system=False, everybody=everybody) for block in plan.blocks)
    skipped += sum(
        _pair_block(con, plan, block, one_system=True, everybody=everybody) for block in _duplicate_blocks(plan)
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_scope AS
        SELECT left_system AS system, left_id AS source_id FROM w_found UNION SELECT right_system, right_id FROM w_found"""
    )
    people(con, plan, "w_scope", "w_people")
    agreeing = " + ".join(f"coalesce(({_alike(plan, name)})::INTEGER, 0)" for name in plan.compared)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_candidate AS
        SELECT DISTINCT f.* FROM w_found f
        JOIN w_people l ON l.system = f.left_system AND l.source_id = f.left_id
        JOIN w_people r ON r.system = f.right_system AND r.source_id = f.right_id
        WHERE {agreeing} >= 2"""
    )
    return skipped


def _open_records(con: duckdb.DuckDBPyConnection, plan: Plan, everybody: bool) -> None:
    """Make `w_driver` and `w_pool`: records with cluster, the systems it covers as a bit mask, and whether it stands alone."""
    bits = " ".join(f"WHEN '{name}' THEN {1 << number}" for number, name in enumerate(plan.systems))
    columns = ", ".join(
        f"t.{ident(name)}"
        for name in dict.fromkeys(name for block in (*plan.blocks, *_duplicate_blocks(plan)) for name in block)
    )
    if not everybody:
        _near(con, plan)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_pool AS
        WITH chosen AS (
            SELECT t.* FROM identity.traits t {"" if everybody else "SEMI JOIN w_near USING (system, source_id)"} WHERE NOT t.gone),
        placed AS (SELECT m.* FROM w_member m {"" if everybody else "SEMI JOIN w_near USING (system, source_id)"}),
        near AS (SELECT t.system, t.source_id, {columns}, m.cluster FROM chosen t JOIN placed m USING (system, source_id)),
        masks AS (
            SELECT m.cluster, bit_or((CASE m.system {bits} ELSE 0 END)::BIGINT) AS mask, count(*) = 1 AS alone
            FROM w_member m {"" if everybody else "SEMI JOIN near ON near.cluster = m.cluster"} GROUP BY m.cluster)
        SELECT n.*, k.mask, k.alone FROM near n JOIN masks k USING (cluster)"""
    )
    woken = "" if everybody else "SEMI JOIN w_active USING (system, source_id)"
    con.execute(f"CREATE OR REPLACE TEMP TABLE w_driver AS SELECT * FROM w_pool {woken}")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_mask_pair AS
        WITH counted AS (SELECT mask, count(*) AS n FROM w_pool GROUP BY mask)
        SELECT a.mask AS mask, b.mask AS other FROM counted a JOIN counted b ON a.mask & b.mask = 0
        WHERE $both OR (a.n, a.mask) < (b.n, b.mask)""",
        {"both": not everybody},
    )


def _near(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make `w_near(system, source_id)`: records in a block with an active one, the active ones included."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_waking AS
        FROM w_awake WHERE NOT gone"""
    )
    con.execute("CREATE OR REPLACE TEMP TABLE w_near (system VARCHAR, source_id VARCHAR)")
    for block in _all_blocks(plan):
        columns = ", ".join(ident(name) for name in block)
        con.execute(
            f"INSERT INTO w_near SELECT system, source_id FROM identity.traits SEMI JOIN w_waking USING ({columns}) WHERE NOT gone"
        )


def _pair_block(
    con: duckdb.DuckDBPyConnection, plan: Plan, block: tuple[str, ...], *, one_system: bool, everybody: bool
) -> int:
    """Add the pairs of one blocking rule to `w_found`; return how many block values were skipped as too large."""
    columns = ", ".join(ident(name) for name in block)
    present = " AND ".join(f"{ident(name)} IS NOT NULL" for name in block)
    same = " AND ".join(f"d.{ident(name)} = p.{ident(name)}" for name in block)
    large = " AND ".join(f"x.{ident(name)} = p.{ident(name)}" for name in block)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_large AS
        SELECT {columns} FROM w_pool WHERE {present} GROUP BY ALL HAVING count(*) > {plan.limits.block}"""
    )
    if one_system:
        source = f"""
            FROM w_driver d JOIN w_pool p ON {same} AND p.system = d.system
            WHERE p.source_id <> d.source_id AND d.cluster <> p.cluster AND (d.alone OR p.alone)
              {"AND (NOT p.alone OR d.source_id < p.source_id)" if everybody else ""}"""
    else:
        source = f"""
            FROM w_driver d JOIN w_mask_pair k ON k.mask = d.mask
            JOIN w_pool p ON {same} AND p.mask = k.other WHERE TRUE"""
    con.execute(
        f"""
        INSERT INTO w_found
        SELECT DISTINCT
            CASE WHEN (d.system, d.source_id) < (p.system, p.source_id) THEN d.system ELSE p.system END,
            CASE WHEN (d.system, d.source_id) < (p.system, p.source_id) THEN d.source_id ELSE p.source_id END,
            CASE WHEN (d.system, d.source_id) < (p.system, p.source_id) THEN p.system ELSE d.system END,
            CASE WHEN (d.system, d.source_id) < (p.system, p.source_id) THEN p.source_id ELSE d.source_id END
        {source} AND NOT EXISTS (SELECT 1 FROM w_large x WHERE {large})"""
    )
    return count(con, "SELECT count(*) FROM w_large")


def _duplicate_blocks(plan: Plan) -> tuple[tuple[str, ...], ...]:
    """Blocks for one system held against itself: narrow ones only, for there every record has as many rivals as the system has rows."""
    names = tuple(name for name in (plan.first, plan.last) if name)
    narrow = [(plan.birth_date, plan.last), (plan.birth_date, plan.first), names if len(names) == 2 else ()]
    return tuple(tuple(name for name in block if name) for block in narrow if len(block) == 2 and all(block))


def _all_blocks(plan: Plan) -> tuple[tuple[str, ...], ...]:
    return (*plan.blocks, *_duplicate_blocks(plan))


def _alike(plan: Plan, attribute: str) -> str:
    """Cheap and generous: it only spares Splink the pairs that agree on nothing but their block."""
    left, right = f"l.{ident(attribute)}", f"r.{ident(attribute)}"
    if plan.kinds[attribute] is AttributeType.NAME:
        other = {plan.first: plan.last, plan.last: plan.first}.get(attribute)
        swapped = f" OR {left} = r.{ident(other)}" if other else ""
        alike = f"jaro_winkler_similarity({left}, {right}) >= 0.8"
        return f"{left} = {right} OR {alike} OR list_has_any(l.name_roots, r.name_roots){swapped}"
    if plan.kinds[attribute] is AttributeType.DATE:
        swapped = f"(month({left}) = day({right}) AND day({left}) = month({right}))"
        return f"{left} = {right} OR damerau_levenshtein({left}::VARCHAR, {right}::VARCHAR) <= 2 OR {swapped}"
    return f"{left} = {right} OR damerau_levenshtein({left}::VARCHAR, {right}::VARCHAR) <= 1"
