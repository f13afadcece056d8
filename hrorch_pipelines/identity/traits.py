"""What matching remembers of each base record: its attributes folded for comparison, its spell, its earlier names.

Reads `accepted`, keeps `identity.traits`, and says which records are new, changed or gone. Who is whom is not decided here.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.plan import ENDED, Plan
from hrorch_pipelines.identity.schema import trait_columns
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.columns import SQL_TYPES, attribute_columns, ddl
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal, record_table


def refresh(con: duckdb.DuckDBPyConnection, stack: Stack, plan: Plan, cycle: Cycle, *, everybody: bool) -> int:
    """Bring `identity.traits` up to date with `accepted`; return how many rows have no source id (gates hold those).

    Leaves three temporary relations: `w_before` (the traits as they were, of touched records, with their `place` then),
    `w_changed(system, source_id, state ['new'|'changed'|'gone'])`, and `w_now` with the traits of at least these as they are.
    `everybody` looks at all records, else only at touched ones.
    """
    columns = trait_columns(plan)
    con.execute(f"CREATE OR REPLACE TEMP TABLE w_fresh ({ddl(columns)})")
    con.execute(
        "CREATE OR REPLACE TEMP TABLE w_touched AS SELECT DISTINCT system, source_id FROM cycles.touched_records WHERE cycle_id = ?",
        [cycle.cycle_id],
    )
    without_id = 0
    for system, record in plan.systems.items():
        if has_table(con, "accepted", f"{system}.{record}"):
            without_id += _read(con, stack, plan, cycle, system, everybody)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE w_before AS SELECT rowid AS place, * FROM identity.traits {'' if everybody else _TOUCHED}"
    )
    con.execute(_changes(plan))
    con.execute(
        """DELETE FROM identity.traits WHERE rowid IN (
               SELECT place FROM w_before JOIN w_changed USING (system, source_id) WHERE state <> 'new')"""
    )
    if everybody:
        con.execute(f"INSERT INTO identity.traits BY NAME {_replacements(plan)}")
        con.execute("CREATE OR REPLACE TEMP VIEW w_now AS FROM identity.traits")
    else:
        con.execute(f"CREATE OR REPLACE TEMP TABLE w_now AS {_replacements(plan)}")
        con.execute("INSERT INTO identity.traits BY NAME FROM w_now")
    return without_id


# By number, found by one column: the engine makes that a filter of the scan, and reads the wide columns for those rows alone.
_TOUCHED = """
WHERE rowid IN (
    SELECT place FROM (
        SELECT rowid AS place, system, source_id FROM identity.traits WHERE source_id IN (SELECT source_id FROM w_touched))
    SEMI JOIN w_touched USING (system, source_id))"""


def _read(con: duckdb.DuckDBPyConnection, stack: Stack, plan: Plan, cycle: Cycle, system: str, everybody: bool) -> int:
    record = plan.systems[system]
    table = record_table("accepted", system, record)
    here = attribute_columns(stack, system, record)
    wanted = ", ".join(f"{_folded(plan, name) if name in here else 'NULL'} AS {ident(name)}" for name in plan.kinds)
    effective = stack.systems[system].records[record].effective is not None
    several = effective or bool(con.execute(f"SELECT 1 FROM {table} WHERE occurrence > 1 LIMIT 1").fetchall())
    order = (
        "(effective_from <= $as_of) DESC NULLS FIRST, CASE WHEN effective_from <= $as_of THEN effective_from END DESC, "
        "effective_from, sequence DESC, occurrence, record_hash"
    )
    status = [f"lower({ident(name)}) IN ({', '.join(map(literal, ENDED))})" for name in plan.status if name in here]
    ended = " OR ".join([*status, "deleted"])
    copies = (
        "count(DISTINCT record_hash) FILTER (WHERE occurrence > 1) OVER (PARTITION BY source_id) + 1"
        if several
        else "1"
    )
    con.execute(
        f"""
        WITH rows_of_system AS (
            SELECT * FROM {table}
            WHERE source_id IS NOT NULL
              {"" if everybody else "AND source_id IN (SELECT source_id FROM w_touched WHERE system = $system)"})
        INSERT INTO w_fresh BY POSITION
        SELECT $system, source_id, {wanted}, {_first_of(plan.start, here)}, {_first_of(plan.end, here)},
               coalesce({ended}, FALSE), FALSE, {copies}, []
        FROM rows_of_system
        {f"QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY {order}) = 1" if several else ""}""",
        {"system": system, **({"as_of": cycle.as_of} if several else {})},
    )
    return count(con, f"SELECT count(*) FROM {table} WHERE source_id IS NULL")


def _folded(plan: Plan, name: str) -> str:
    column, kind = ident(name), plan.kinds[name]
    if kind is AttributeType.NAME:
        return f"folded_name({column})"
    if kind in SQL_TYPES or kind in (AttributeType.SECRET, AttributeType.PERSON):
        return column
    return f"nullif(lower(trim({column})), '')"


def _first_of(names: tuple[str, ...], here: dict[str, str]) -> str:
    present = [f"{ident(name)}::DATE" for name in names if here.get(name) in ("DATE", "TIMESTAMPTZ")]
    return f"coalesce({', '.join(present)})" if present else "NULL"


def _changes(plan: Plan) -> str:
    compared = [name for name in trait_columns(plan) if name not in ("system", "source_id", "former_names", "gone")]
    differs = " OR ".join(f"f.{ident(name)} IS DISTINCT FROM b.{ident(name)}" for name in compared)
    return f"""
        CREATE OR REPLACE TEMP TABLE w_changed AS
        SELECT coalesce(f.system, b.system) AS system, coalesce(f.source_id, b.source_id) AS source_id,
               CASE WHEN b.source_id IS NULL THEN 'new' WHEN f.source_id IS NULL THEN 'gone' ELSE 'changed' END AS state
        FROM w_fresh f FULL JOIN w_before b ON f.system = b.system AND f.source_id = b.source_id
        WHERE CASE WHEN f.source_id IS NULL THEN NOT b.gone WHEN b.source_id IS NULL THEN TRUE ELSE b.gone OR {differs} END"""


def _replacements(plan: Plan) -> str:
    """A name that is no longer the record's becomes a former one: people marry, and other systems learn it late."""
    names = [name for name in (plan.first, plan.last) if name]
    earlier = ", ".join(
        f"CASE WHEN b.{ident(name)} IS DISTINCT FROM f.{ident(name)} THEN b.{ident(name)} END" for name in names
    )
    kept = [f"f.{ident(name)}" for name in trait_columns(plan) if name != "former_names"]
    gone = [f"b.{ident(name)}" for name in trait_columns(plan) if name not in ("former_names", "gone", "ended")]
    former = (
        f"list_distinct(list_filter(coalesce(b.former_names, []) || [{earlier}]::VARCHAR[], lambda x: x IS NOT NULL))"
    )
    return f"""
        SELECT {", ".join(kept)}, {former} AS former_names
        FROM w_fresh f JOIN w_changed c USING (system, source_id) LEFT JOIN w_before b USING (system, source_id)
        UNION ALL BY NAME
        SELECT {", ".join(gone)}, b.ended, TRUE AS gone, b.former_names
        FROM w_before b JOIN w_changed c USING (system, source_id) WHERE c.state = 'gone'"""
