"""`golden.decisions`: for every person and attribute the rule, system, snapshot and moment that chose the value. A view."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.authority.flags import Mark, attribute_order
from hrorch_pipelines.authority.stages import rule_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident, literal


def create_decisions(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Create the view. Needs `golden.wide`, `golden.sources` and the `cells` tables.

    `state`: `decided` = the authority's value; `empty` = the authority has the field and nothing in it; `held` = its newest
    version waits in quarantine (the value is the last good one) or the policy withholds it; `unavailable` = no record, no
    snapshot, hidden from us, or not effective yet. `rule` names data type, stage and system as the stack file has them.
    """
    rows, systems = [], set()
    for position, name in enumerate(stack.attributes, start=1):
        for stage in stack.stages:
            rule = rule_of(stack, name, stage)
            if rule is None:
                continue
            systems.add(rule.system)
            data_type = stack.attributes[name].data_type
            supplied = name in attribute_order(stack, rule.system)
            rows.append(
                f"({literal(stage)}, {literal(name)}, {literal(data_type)}, {literal(f'authority.{data_type}.{stage}: {rule.system}')}, "
                f"{literal(rule.system)}, {position}, {'true' if supplied else 'false'})"
            )
    ordered = sorted(systems)
    records = "".join(f", {ident(f'c_{name}')}.source_id AS {ident(f'id_{name}')}" for name in ordered)
    joins = " ".join(
        f"LEFT JOIN {ident('cells', name)} {ident(f'c_{name}')} ON {ident(f'c_{name}')}.person_id = g.person_id"
        for name in ordered
    )
    source_id = (
        "CASE r.system " + " ".join(f"WHEN {literal(name)} THEN p.{ident(f'id_{name}')}" for name in ordered) + " END"
    )
    held = f"'{Mark.HELD}', 'k'"
    away = f"'{Mark.WITHHELD}', '{Mark.UNRESOLVED}', '{Mark.FUTURE}'"
    filled = (
        "CASE r.position "
        + " ".join(
            f"WHEN {position} THEN p.{ident(name)} IS NOT NULL"
            for position, name in enumerate(stack.attributes, start=1)
        )
        + " END"
    )
    con.execute(
        f"""
        CREATE OR REPLACE VIEW golden.decisions AS
        WITH rules (stage, attribute, data_type, rule, system, position, supplied) AS (VALUES {", ".join(rows)}),
        people AS (SELECT g.*{records} FROM golden.wide g {joins}),
        marked AS (
            SELECT p.person_id, r.attribute, r.stage, r.data_type, r.rule, r.system, r.supplied, {source_id} AS source_id,
                   {filled} AS filled, coalesce(substr(p.marks, r.position, 1), ' ') AS mark
            FROM people p JOIN rules r ON r.stage = p.stage)
        SELECT m.person_id, m.attribute, m.stage, m.data_type, m.rule, m.system, m.source_id, s.snapshot_id, s.observed_at,
               s.stale,
               CASE WHEN m.source_id IS NULL OR NOT m.supplied OR m.mark IN ({away}) THEN 'unavailable'
                    WHEN m.mark IN ({held}) THEN 'held'
                    WHEN m.filled THEN 'decided' ELSE 'empty' END AS state
        FROM marked m LEFT JOIN golden.sources s ON s.system = m.system"""
    )
