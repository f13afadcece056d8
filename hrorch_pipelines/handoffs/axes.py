"""On which axes a person's states are told, from which system each, and what is said of people now and of days to come.

How this is kept over time is in `states`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from hrorch_pipelines.handoffs.doubt import held_back
from hrorch_pipelines.handoffs.local_day import midnight, today
from hrorch_pipelines.handoffs.moments import first_day
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import SystemKind
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident, literal

Axis = Literal["application", "offer", "check", "worker", "onboarding", "payroll", "directory"]
AXES: tuple[Axis, ...] = ("application", "offer", "check", "worker", "onboarding", "payroll", "directory")
"""In the order in which somebody comes and goes."""

GONE, NONE = "gone", "none"
"""No record any more; a record that says nothing (any more)."""

_SAID_BY: dict[Axis, tuple[str, ...]] = {
    "offer": ("offer_status",),
    "check": ("check_result", "check_status"),
    "worker": ("employment_status",),
    "onboarding": ("onboarding_status",),
}
"""Attributes that say it; the first that says anything. `worker` is the HRIS's to say."""

_THERE: dict[SystemKind, Axis] = {
    SystemKind.ATS: "application",
    SystemKind.PAYROLL: "payroll",
    SystemKind.DIRECTORY: "directory",
}
"""Axes on which it matters whether there is a record, by the kind of system."""


@dataclass(frozen=True)
class Source:
    """One axis as one system tells it. Without attributes it is whether there is a record, and whether that one is live."""

    axis: Axis
    system: str
    attributes: tuple[str, ...] = ()


def axes(stack: Stack) -> Iterator[Source]:
    """Every axis that some system of the stack tells, in their order."""
    for axis in AXES:
        for name, system in stack.systems.items():
            told = tuple(attribute for attribute in _SAID_BY.get(axis, ()) if attribute in system.mapped())
            if told and (axis != "worker" or system.kind is SystemKind.HRIS):
                yield Source(axis, name, told)
            elif _THERE.get(system.kind) == axis:
                yield Source(axis, name)


def said_now(con: duckdb.DuckDBPyConnection, stack: Stack, source: Source, now: datetime) -> str:
    """A SELECT of `person_id, source_id, state, attribute, true_from, ahead, dated` for the people of the CTE `asked`, whose
    rows of `golden.wide` are the CTE `people`.

    One row for what counts now (`ahead` false; none where it cannot be told), and one for each that will (`ahead` true).
    `true_from` is NULL where nobody can say since when; `dated`: the source itself says the day, and may correct it.
    `attribute`: what the state is a value of, NULL for the record itself.
    """
    row = "c"
    if source.attributes:
        state = f"coalesce({', '.join(f'{row}.{ident(name)}::VARCHAR' for name in source.attributes)}, '{NONE}')"
        told = " ".join(f"WHEN {row}.{ident(name)} IS NOT NULL THEN {literal(name)}" for name in source.attributes)
        attribute = f"CASE {told} ELSE {literal(source.attributes[-1])} END"
        untold = " OR ".join(held_back(stack, source.system, name, row) for name in source.attributes)
    else:
        state, untold = f"CASE WHEN {row}.live IS FALSE THEN 'ended' ELSE 'present' END", "false"
        attribute = "NULL::VARCHAR"
    since, joins = _since(con, stack, source)
    dated = "true" if " d0 ON " in joins else "false"
    cells = of_asked("cells", source.system)
    return f"""
        SELECT c.person_id, c.source_id, {state} AS state, {attribute} AS attribute, max({since}) AS true_from,
               false AS ahead, {dated} AS dated
        FROM {cells} c JOIN people g ON g.person_id = c.person_id
        JOIN (SELECT g.person_id, {today(stack, now, "g")} AS today FROM people g) s ON s.person_id = c.person_id {joins}
        WHERE NOT ({untold}) GROUP BY ALL
        UNION ALL {_to_come(stack, source, cells, now)}"""


def of_asked(*table: str) -> str:
    """The rows of a table of persons that are asked about, found by number first: wide columns are then read for those alone."""
    name = ident(*table)
    return f"(FROM {name} WHERE rowid IN (SELECT rowid FROM {name} WHERE person_id IN (FROM asked)))"


def _since(con: duckdb.DuckDBPyConnection, stack: Stack, source: Source) -> tuple[str, str]:
    """SQL of since when, and what is joined for it: the first day of a dated row; else what changed, when it was entered."""
    moments, joins = [], []
    told = source.attributes or tuple(
        name for name in ("employment_status",) if name in stack.systems[source.system].mapped()
    )
    for number, attribute in enumerate(told):
        record = stack.systems[source.system].records[stack.systems[source.system].mapped()[attribute]]
        dated = first_day(con, stack, source.system, attribute, f"d{number}") if record.effective is not None else ""
        if dated:
            # Entered late it is true from its day all the same; changed where it stands it is true from the change.
            joins.append(dated)
            moments.append(midnight(stack, "g", f"d{number}.day"))
            if has_table(con, "history", "changes"):
                joins.append(_changed_in_place(source.system, attribute, f"u{number}"))
                moments.append(f"u{number}.moment")
        else:
            moments.append(f"list_filter(c.changed, lambda cell: cell.attribute = {literal(attribute)})[1].at")
    if not moments and has_table(con, "history", "changes"):
        base = stack.systems[source.system].base_record
        joins.append(
            f"""LEFT JOIN (SELECT source_id, max(coalesce(changed_at, observed_at)) AS moment FROM history.changes
                WHERE system = {literal(source.system)} AND record = {literal(base)} AND kind = 'created' GROUP BY source_id) came
                ON came.source_id = c.source_id"""
        )
        moments.append("came.moment")
    return (f"greatest({', '.join([*moments, 'NULL::TIMESTAMPTZ'])})", " ".join(joins))


def _changed_in_place(system: str, attribute: str, alias: str) -> str:
    return f"""LEFT JOIN (
        SELECT coalesce(parent_id, source_id) AS owner, max(coalesce(changed_at, observed_at)) AS moment FROM history.changes
        WHERE system = {literal(system)} AND attribute = {literal(attribute)} AND kind = 'updated' GROUP BY 1) {alias}
        ON {alias}.owner = c.source_id"""


def _to_come(stack: Stack, source: Source, cells: str, now: datetime) -> str:
    """What is entered for a later day: dated rows, and the last day of somebody whose end is known."""
    named = ", ".join(literal(name) for name in source.attributes) or "NULL"
    selects = [
        f"""SELECT c.person_id, c.source_id, c.next.value AS state, c.next.attribute,
                   {midnight(stack, "g", "c.next.effective_from")} AS true_from,
                   true AS ahead, true AS dated
            FROM (SELECT person_id, source_id, unnest(upcoming) AS next FROM {cells}) c
            JOIN people g ON g.person_id = c.person_id
            WHERE c.next.attribute IN ({named}) AND c.next.value IS NOT NULL"""
    ]
    mapped = stack.systems[source.system].mapped()
    if source.axis == "worker" and "end_date" in mapped:
        ended = "NOT coalesce(c.employment_status IN ('terminated', 'retired', 'deceased'), false)"
        entered = "len(list_filter(c.upcoming, lambda one: one.attribute = 'employment_status')) = 0"
        over = midnight(stack, "g", "c.end_date + 1")
        selects.append(
            f"""SELECT c.person_id, c.source_id, 'terminated', 'end_date', {over}, true, true FROM {cells} c
                JOIN people g ON g.person_id = c.person_id
                WHERE {over} > TIMESTAMPTZ {literal(now.isoformat())} AND {ended} AND {entered}
                  AND NOT ({held_back(stack, source.system, "end_date", "c")})"""
        )
    return " UNION ALL ".join(selects)
