"""The person's state: one row per person in the temporary table `handoff_state`, made from what the last cycle decided.

Its columns are in `columns`; what of it is in doubt in `doubt`; since when something is so in `moments`.
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from hrorch_pipelines.handoffs.columns import DOUBTFUL, column_of, columns
from hrorch_pipelines.handoffs.conditions import looked_at, parsed, parsed_spell
from hrorch_pipelines.handoffs.doubt import doubtful, held_back
from hrorch_pipelines.handoffs.errors import StateOutOfDateError
from hrorch_pipelines.handoffs.expressions import untangled
from hrorch_pipelines.handoffs.known import DONE, MADE, Done, Known, Made, bring_known, mark_done
from hrorch_pipelines.handoffs.local_day import today
from hrorch_pipelines.handoffs.moments import moments, true_from
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import StateColumn, bare, name_parts, work_email
from hrorch_pipelines.storage.catalog import drop_temporary, has_table
from hrorch_pipelines.storage.engine import engine_errors
from hrorch_pipelines.storage.sql import ident, literal

__all__ = ["STATE", "Done", "Known", "Made", "columns", "moments", "relation", "spells", "true_from"]

STATE = "handoff_state"
"""The temporary table."""


def relation(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime, known: Known, *, whole: bool = False) -> None:
    """Make `handoff_state` in a connection that holds the tables of a finished cycle: the warehouse, or its published copy.

    Columns as in `columns`, and `doubtful`; of the attributes only those that some handoff looks at, unless `whole`. A row
    for every person with a record anywhere, whether or not a stage holds. Raises HandoffFault, StateOutOfDateError,
    WarehouseError.
    """
    named = frozenset(columns(stack)) if whole else looked_at(stack) | _always(stack)
    spell = parsed_spell(stack)
    with engine_errors(STATE), untangled(con):
        _require_tables(con, stack)
        bring_known(con, stack, known)
        done = "".join(f", false AS {ident(f'done_{bare(name)}')}" for name in stack.handoffs)
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE {STATE} AS
                SELECT s.*, ({spell.tried})::VARCHAR AS spell{done} FROM ({_rows(con, stack, now, named)}) s"""
        )
        for handoff in parsed(stack).values():
            mark_done(con, known, handoff, STATE)
        drop_temporary(con, MADE, DONE)


def _always(stack: Stack) -> set[str]:
    """What the pass itself looks at: who, when, where, under whose law, which records there are and how fresh they are."""
    kinds = {"person", "there", "id", "stale", "done"}
    zones = stack.lifecycle.time_zones
    places = {zones.attribute if zones else None, stack.screening.jurisdiction} - {None}
    return {name for name, column in column_of(stack).items() if column.kind in kinds or name in places}


def spells(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime, people: str) -> str:
    """A SELECT of `person_id, spell` for a SELECT of `person_id`, where nothing is known from the ledger. Inside `untangled`.

    Raises HandoffFault.
    """
    spell = parsed_spell(stack)
    bring_known(con, stack, Known(b""))
    rows = _rows(con, stack, now, spell.columns | {"person_id"}, people)
    return f"SELECT person_id, ({spell.tried})::VARCHAR AS spell FROM ({rows})"


def _require_tables(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Raise StateOutOfDateError where the tables are of another stack file than this one."""
    found = con.execute(
        """SELECT table_schema, table_name, column_name FROM information_schema.columns
           WHERE table_schema = 'cells' OR table_schema = 'golden' AND table_name = 'wide'"""
    ).fetchall()
    there = set(found)
    for name in stack.attributes:
        if ("golden", "wide", name) not in there:
            raise StateOutOfDateError(f"the attribute `{name}`")
    for system, declared in stack.systems.items():
        for name in ("source_id", *declared.mapped()):
            if ("cells", system, name) not in there:
                raise StateOutOfDateError(f"`{system}`" if name == "source_id" else f"`{name}` of `{system}`")


def _rows(
    con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime, named: frozenset[str], people: str | None = None
) -> str:
    """A SELECT of the named columns but `spell` and `done_…`, of everybody or of a SELECT of `person_id`."""
    seen, known = _sources(con), column_of(stack)
    wanted = [one for one in known.values() if one.name in named and one.part != "spell" and one.kind != "done"]
    values = ", ".join(f"{_value(stack, now, seen, one)} AS {ident(one.name)}" for one in wanted)
    joins = []
    # Only what is looked at: each system joined is a million rows.
    for name in sorted({one.system for one in wanted if one.system}):
        row, made = ident(f"c_{name}"), ident(f"m_{name}")
        joins.append(f"LEFT JOIN {ident('cells', name)} {row} ON {row}.person_id = g.person_id")
        of = f"(SELECT person_id, source_id FROM {MADE} WHERE system = {literal(name)})"
        joins.append(f"LEFT JOIN {of} {made} ON {made}.person_id = g.person_id")
    for name in sorted({one.attribute for one in wanted if one.kind == "referred" and one.attribute}):
        other = ident(f"o_{name}")
        joins.append(f"LEFT JOIN golden.wide {other} ON {other}.person_id = g.{ident(name)}")
    if "identity_resolved" in named:
        joins.append(f"LEFT JOIN ({_in_question(con)}) u ON u.person_id = g.person_id")
    whom = f"(FROM golden.wide WHERE person_id IN ({people}))" if people else "golden.wide"
    return f"SELECT {values}, {doubtful(stack, named)} AS {DOUBTFUL} FROM {whom} g {' '.join(joins)}"


def _value(stack: Stack, now: datetime, seen: dict[str, datetime], column: StateColumn) -> str:
    own = {
        "person_id": "g.person_id",
        "stage": "g.stage",
        "now": f"TIMESTAMPTZ {literal(now.isoformat())}",
        "today": today(stack, now, "g"),
        "identity_resolved": "u.person_id IS NULL",
    }
    if column.kind == "person":
        return own[column.part]
    if column.kind == "decided":
        return f"g.{ident(column.name)}"
    if column.kind == "referred" and column.attribute:
        return _of_other(stack, ident(f"o_{column.attribute}"), column.part)
    assert column.system is not None  # noqa: S101  all that is left speaks of a system
    row, made = ident(f"c_{column.system}"), ident(f"m_{column.system}")
    if column.kind == "id":
        return f"coalesce({row}.source_id, {made}.source_id)"
    if column.kind == "stale":
        observed = seen.get(column.system)
        limit = stack.systems[column.system].trust.max_age
        return "true" if observed is None or now - observed > limit else "false"
    if column.kind == "there":
        # Not being found in a system that was never read means nothing.
        absent = "false" if column.system in seen else "NULL"
        return f"CASE WHEN {row}.person_id IS NOT NULL OR {made}.person_id IS NOT NULL THEN true ELSE {absent} END::BOOLEAN"
    assert column.attribute is not None  # noqa: S101
    cell = f"{row}.{ident(column.attribute)}"
    return f"CASE WHEN {held_back(stack, column.system, column.attribute, row)} THEN NULL ELSE {cell} END"


def _of_other(stack: Stack, row: str, part: str) -> str:
    """SQL of the work e-mail or the name of somebody referred to."""
    if part == "email":
        email = work_email(stack)
        return f"{row}.{ident(email)}" if email else "NULL::VARCHAR"
    known = name_parts(stack)
    called, first, last = "preferred_name", "legal_first_name", "legal_last_name"
    if {first, last} <= set(known):
        given = f"coalesce({row}.{ident(called)}, {row}.{ident(first)})" if called in known else f"{row}.{ident(first)}"
        parts = [given, f"{row}.{ident(last)}"]
    else:
        parts = [f"{row}.{ident(name)}" for name in known]
    return f"nullif(concat_ws(' ', {', '.join(parts)}), '')" if parts else "NULL::VARCHAR"


def _sources(con: duckdb.DuckDBPyConnection) -> dict[str, datetime]:
    """System → when the snapshot in use was read; systems never read with trust are not in it."""
    rows = con.execute("SELECT system, observed_at FROM golden.sources WHERE snapshot_id IS NOT NULL").fetchall()
    return {system: observed for system, observed in rows if observed is not None}


def _in_question(con: duckdb.DuckDBPyConnection) -> str:
    """A SELECT of persons one of whose records somebody has to say whose it is."""
    if not has_table(con, "identity", "reviews"):
        return "SELECT NULL::VARCHAR AS person_id WHERE false"
    return """SELECT DISTINCT l.person_id FROM identity.links l JOIN (
                  SELECT left_system AS system, left_id AS source_id FROM identity.reviews WHERE closed_at IS NULL
                  UNION SELECT right_system, right_id FROM identity.reviews WHERE closed_at IS NULL) r
              ON r.system = l.system AND r.source_id = l.source_id"""
