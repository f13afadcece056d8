"""Write the rows of what is worth looking at: from patterns back to values, for the few cells that are not in order.

Leaves `fresh_rows`, with the columns of `reconcile.discrepancies`; kept in `ledger`.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.pairs import CopyPlan, Position
from hrorch_pipelines.reconcile.states import SHOWN, STATE_OF, Letter
from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

_NARROW = """person_id VARCHAR, stage VARCHAR, copy_system VARCHAR, position INTEGER, attribute VARCHAR, state VARCHAR,
    authority_system VARCHAR, authority_value VARCHAR, copy_value VARCHAR, foreseen TIMESTAMPTZ"""


def emit_rows(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, plans: list[CopyPlan]) -> None:
    """Make `fresh_rows` from `fresh_patterns`: disagreements, missing records, ghosts, what is in flight and differs, what is
    scheduled. Values are canonical text; those of secret attributes are not shown at all.

    `scheduled` rows are the cells that are not comparable yet, and, as notices, cells that agree now and whose authority has
    a different value for a day to come (`authority_changed_at` is that day's midnight).
    """
    con.execute(f"CREATE OR REPLACE TEMP TABLE narrow ({_NARROW})")
    shown = "".join(SHOWN)
    for plan in plans:
        if plan.system not in cycle.sources:
            continue
        attributes = [p.attribute for p in plan.positions if p.attribute in stack.attributes]
        copies = [p.attribute for p in plan.positions if p.mapped]
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE differing AS
                SELECT f.person_id, f.stage, f.pattern,
                       {
                ", ".join(
                    [
                        *(f"g.{ident(a)} AS {ident(f'g.{a}')}" for a in attributes),
                        *(f"c.{ident(a)} AS {ident(f'c.{a}')}" for a in copies),
                    ]
                )
            }
                FROM fresh_patterns f JOIN golden.wide g ON g.person_id = f.person_id
                LEFT JOIN {ident("cells", plan.system)} c ON c.person_id = f.person_id
                WHERE f.copy_system = $copy AND regexp_matches(f.pattern, '[{shown}]')""",
            {"copy": plan.system},
        )
        for place, position in enumerate(plan.positions, start=1):
            con.execute(
                f"""INSERT INTO narrow
                    SELECT d.person_id, d.stage, p.copy_system, p.position, p.attribute,
                           CASE substr(d.pattern, {place + 1}, 1) {_states()} END, p.authority_system,
                           {_shown(stack, plan.system, "g", position, exists=position.attribute in stack.attributes)},
                           {_shown(stack, plan.system, "c", position, exists=position.mapped)}, NULL
                    FROM differing d JOIN reconcile.positions p ON p.stage = d.stage AND p.copy_system = $copy AND p.position = $place
                    WHERE contains('{shown}', substr(d.pattern, {place + 1}, 1))""",
                {"copy": plan.system, "place": place},
            )
        con.execute("DROP TABLE differing")
    _add_notices(con, stack, cycle, plans)
    _add_sides(con, stack, cycle)
    con.execute("DROP TABLE narrow")


def _states() -> str:
    return " ".join(f"WHEN '{letter}' THEN '{STATE_OF[letter]}'" for letter in SHOWN)


def _shown(stack: Stack, copy_system: str, side: str, position: Position, *, exists: bool) -> str:
    """The value of a side as text. A copy that is itself the authority has no other value to show beside it."""
    if not exists or _secret(stack, position.attribute):
        return "NULL"
    column = f"CAST(d.{ident(f'{side}.{position.attribute}')} AS VARCHAR)"
    if side == "c":
        return column
    elsewhere = [s for s in stack.stages if stack.authority_of(position.attribute, s) not in (None, copy_system)]
    if not elsewhere:
        return "NULL"
    return f"CASE WHEN d.stage IN ({', '.join(literal(stage) for stage in elsewhere)}) THEN {column} END"


def _secret(stack: Stack, attribute: str) -> bool:
    declared = stack.attributes.get(attribute)
    return declared is not None and (declared.type is AttributeType.SECRET or declared.sensitivity == "secret")


def _add_notices(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, plans: list[CopyPlan]) -> None:
    """Cells in order today whose authority has another value for a day to come: shown once, for the nearest such day."""
    for authority in cycle.sources:
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE foreseen AS
                WITH coming AS (
                    SELECT c.person_id, unnest(c.upcoming, recursive := true)
                    FROM {ident("cells", authority)} c SEMI JOIN fresh_patterns USING (person_id) WHERE len(c.upcoming) > 0)
                SELECT person_id, "attribute", "value", effective_from FROM coming
                QUALIFY row_number() OVER (PARTITION BY person_id, "attribute" ORDER BY effective_from, "value") = 1"""
        )
        for plan in plans:
            for place, position in enumerate(plan.positions, start=1):
                if not position.compared or authority not in position.authorities.values() or plan.system not in cycle.sources:
                    continue
                copy = f"c.{ident(position.attribute)}"
                hidden = _secret(stack, position.attribute)
                con.execute(
                    f"""INSERT INTO narrow
                        SELECT f.person_id, f.stage, f.copy_system, p.position, p.attribute, '{State.SCHEDULED}', p.authority_system,
                               {"NULL" if hidden else 'n."value"'}, {"NULL" if hidden else f"CAST({copy} AS VARCHAR)"},
                               timezone($zone, n.effective_from::TIMESTAMP)
                        FROM foreseen n JOIN fresh_patterns f ON f.person_id = n.person_id AND f.copy_system = $copy
                        JOIN reconcile.positions p ON p.stage = f.stage AND p.copy_system = $copy AND p.position = $place
                        JOIN {ident("cells", plan.system)} c ON c.person_id = n.person_id
                        WHERE n."attribute" = $attribute AND p.authority_system = $authority
                          AND substr(f.pattern, {place + 1}, 1) = '{Letter.AGREE}'""",
                    {
                        "zone": stack.organization.time_zone,
                        "copy": plan.system,
                        "place": place,
                        "attribute": position.attribute,
                        "authority": authority,
                    },
                )
        con.execute("DROP TABLE foreseen")


def _add_sides(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """Where each side's value comes from and when it last changed; the deterministic id."""
    con.execute(
        """CREATE OR REPLACE TEMP TABLE sides (
               system VARCHAR, person_id VARCHAR, source_id VARCHAR, snapshot_id VARCHAR, changed STRUCT("attribute" VARCHAR,
               "at" TIMESTAMPTZ, "by" VARCHAR)[])"""
    )
    for system in stack.systems:
        con.execute(
            f"""INSERT INTO sides SELECT ?, person_id, source_id, snapshot_id, changed
                FROM {ident("cells", system)} SEMI JOIN narrow USING (person_id)""",
            [system],
        )
    types = ", ".join(f"({literal(name)}, {literal(a.data_type)})" for name, a in stack.attributes.items())
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE fresh_rows AS
        WITH data_types (attribute, data_type) AS (VALUES {types}),
        sided AS (
            SELECT n.*, t.data_type, a.source_id AS authority_source_id, a.snapshot_id AS authority_snapshot_id,
                   c.source_id AS copy_source_id, c.snapshot_id AS copy_snapshot_id,
                   list_filter(a.changed, lambda x: x."attribute" = n.attribute)[1] AS authority_change,
                   list_filter(c.changed, lambda x: x."attribute" = n.attribute)[1] AS copy_change
            FROM narrow n
            LEFT JOIN data_types t ON t.attribute = n.attribute
            LEFT JOIN sides a ON a.system = n.authority_system AND a.person_id = n.person_id
            LEFT JOIN sides c ON c.system = n.copy_system AND c.person_id = n.person_id)
        SELECT md5(concat_ws(chr(31), person_id, attribute, copy_system, state)) AS discrepancy_id, person_id, attribute, data_type,
               stage, state, authority_system, authority_source_id, authority_value, authority_snapshot_id, copy_system,
               copy_source_id, copy_value, copy_snapshot_id, NULL::VARCHAR AS cause, NULL::VARCHAR AS cause_detail,
               coalesce(foreseen, authority_change."at") AS authority_changed_at, copy_change."at" AS copy_changed_at,
               copy_change."by" AS copy_changed_by, NULL::DECIMAL(18,2) AS money_at_risk, $now::TIMESTAMPTZ AS first_seen_at,
               $cycle AS cycle_id
        FROM sided
        """,
        {"now": cycle.now, "cycle": cycle.cycle_id},
    )
    con.execute("DROP TABLE sides")
