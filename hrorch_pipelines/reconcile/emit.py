"""Write the rows of what is worth looking at: from patterns back to values, for the few cells that are not in order.

Leaves `fresh_rows`, with the columns of `reconcile.discrepancies`; kept in `ledger`.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.pairs import CopyPlan
from hrorch_pipelines.reconcile.patterns import is_secret
from hrorch_pipelines.reconcile.states import SHOWN, STATE_OF, Letter
from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.stack.models import Stack
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
    states = " ".join(f"WHEN '{letter}' THEN '{STATE_OF[letter]}'" for letter in SHOWN)
    con.execute(
        f"""INSERT INTO narrow
            WITH cells AS (
                SELECT person_id, copy_system, stage, pattern, unnest(cells, recursive := true)
                FROM fresh_patterns WHERE cells IS NOT NULL),
            shown AS (SELECT *, substr(pattern, place + 1, 1) AS letter FROM cells)
            SELECT s.person_id, s.stage, s.copy_system, s.place, p.attribute, CASE s.letter {states} END, p.authority_system,
                   s.authority_value, s.copy_value, NULL
            FROM shown s JOIN reconcile.positions p
              ON p.copy_system = s.copy_system AND p.stage = s.stage AND p.position = s.place
            WHERE s.place IS NOT NULL"""
    )
    _add_notices(con, stack, cycle, plans)
    _add_sides(con, stack, cycle)
    con.execute("DROP TABLE narrow")


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
        coming = {name for (name,) in con.execute('SELECT DISTINCT "attribute" FROM foreseen').fetchall()}
        for plan in plans:
            for place, position in enumerate(plan.positions, start=1):
                wanted = (
                    position.attribute in coming and position.compared and authority in position.authorities.values()
                )
                if not wanted or plan.system not in cycle.sources:
                    continue
                copy = f"c.{ident(position.attribute)}"
                hidden = is_secret(stack, position.attribute)
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
