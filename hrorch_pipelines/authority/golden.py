"""Decide the golden record: each person's stage, and each value as its authority has it. Provenance is a view, in `decisions`.

`golden.wide` is the table; `golden.persons` shows the part of it that other rooms and people read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import duckdb

from hrorch_pipelines.authority.conditions import require_conditions
from hrorch_pipelines.authority.decisions import create_decisions
from hrorch_pipelines.authority.flags import Mark, attribute_order
from hrorch_pipelines.authority.passes import must_recompute, prepare, record_pass
from hrorch_pipelines.authority.stages import deciders, rule_of, staged
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import AuthorityRule
from hrorch_pipelines.storage.catalog import drop_temporary
from hrorch_pipelines.storage.columns import column_type, ddl
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import transaction
from hrorch_pipelines.storage.sql import ident, literal

Answer = Callable[[str, AuthorityRule], str]
"""SQL for an attribute under a rule."""

WITHOUT_AUTHORITY = "k"
"""Mark of a golden value that nobody may state: no record, no snapshot, or a policy that says `hold`."""


@dataclass(frozen=True)
class GoldenResult:
    """How a pass went: whether everybody was decided anew, persons written, and persons per stage (None: no stage holds)."""

    full: bool
    written: int
    stages: dict[str | None, int]


def golden_columns(stack: Stack) -> dict[str, str]:
    """Column → SQL type of `golden.wide`."""
    attributes = {name: column_type(stack, name) for name in stack.attributes}
    return {"person_id": "VARCHAR", "stage": "VARCHAR", **attributes, "marks": "VARCHAR"}


def decide(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> GoldenResult:
    """Bring `golden` up to the cycle, in one transaction; running it again changes nothing. Needs `cells`.

    A value comes from the authority of its data type in the person's stage and from nowhere else. When the authority has
    nothing or cannot be read, the rule's `when_empty` / `when_unavailable` say what follows; no other system is asked.
    """
    require_conditions(stack)
    with transaction(con, "golden"):
        prepare(con, "golden")
        full = must_recompute(con, stack, cycle, "golden")
        if full:
            con.execute(f"CREATE OR REPLACE TABLE golden.wide ({ddl(golden_columns(stack))})")
            people = " UNION ".join(f"SELECT person_id FROM {ident('cells', system)}" for system in stack.systems)
        else:
            touched = "SELECT DISTINCT person_id FROM cycles.touched_persons WHERE cycle_id = $cycle"
            con.execute(f"DELETE FROM golden.wide WHERE person_id IN ({touched})", {"cycle": cycle.cycle_id})
            people = " UNION ".join(f"SELECT person_id FROM {_narrow(system)}" for system in stack.systems)
            for system in stack.systems:
                _take_cells(con, cycle, system, touched)
        written = con.execute(
            f"INSERT INTO golden.wide {_decided(stack, cycle, people, _cells if full else _narrow)}"
        ).fetchone()
        columns = ", ".join(ident(name) for name in golden_columns(stack) if name != "marks")
        con.execute(f"CREATE OR REPLACE VIEW golden.persons AS SELECT {columns} FROM golden.wide")
        _record_sources(con, stack, cycle)
        create_decisions(con, stack)
        record_pass(con, stack, cycle, "golden")
        drop_temporary(con, *(f"golden {system}" for system in stack.systems))
    stages = con.execute("SELECT stage, count(*) FROM golden.wide GROUP BY stage").fetchall()
    return GoldenResult(full, int(written[0]) if written else 0, {stage: int(n) for stage, n in stages})


def _cells(system: str) -> str:
    return ident("cells", system)


def _narrow(system: str) -> str:
    return ident(f"golden {system}")


def _take_cells(con: duckdb.DuckDBPyConnection, cycle: Cycle, system: str, touched: str) -> None:
    """Make a system's temporary table of the touched persons' cells. They are found by number first: the wide columns are
    then read for those alone."""
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE {_narrow(system)} AS FROM {_cells(system)}
            WHERE rowid IN (SELECT rowid FROM {_cells(system)} WHERE person_id IN ({touched}))""",
        {"cycle": cycle.cycle_id},
    )


def _decided(stack: Stack, cycle: Cycle, people: str, cells: Callable[[str], str]) -> str:
    values = ", ".join(f"{_by_stage(stack, name, _value(stack, cycle))} AS {ident(name)}" for name in stack.attributes)
    marks = ", ".join(f"{_by_stage(stack, name, _mark(stack, cycle), ' ')}" for name in stack.attributes)
    sources = deciders(stack)
    joins = " ".join(
        f"LEFT JOIN {cells(name)} {ident(name)} ON {ident(name)}.person_id = s.person_id" for name in sources
    )
    usual = " AND ".join(
        f"({ident(name)}.person_id IS NOT NULL AND {ident(name)}.marks IS NULL OR NOT coalesce({_decides(stack, name)}, false))"
        for name in sources
    )
    if any(
        rule.when_empty == "hold" or (_away(cycle, rule.system) and rule.when_unavailable == "hold")
        for rules in stack.authority.values()
        for rule in rules.values()
    ):
        usual = "false"
    return f"""
        WITH staged AS ({staged(stack, cycle, people, cells)}),
        decided AS (
            SELECT s.person_id, s.stage, {values},
                   CASE WHEN {usual} THEN NULL ELSE concat({marks}) END AS marks
            FROM staged s {joins})
        SELECT * REPLACE (CASE WHEN trim(marks) <> '' THEN marks END AS marks) FROM decided"""


def _decides(stack: Stack, system: str) -> str:
    """SQL: whether the system decides anything in the person's stage."""
    stages = sorted(
        {stage for rules in stack.authority.values() for stage, rule in rules.items() if rule.system == system}
    )
    return f"s.stage IN ({', '.join(literal(stage) for stage in stages)})" if stages else "false"


def _away(cycle: Cycle, system: str) -> bool:
    return system in cycle.stale or system not in cycle.sources


def _by_stage(stack: Stack, attribute: str, of: Answer, otherwise: str | None = None) -> str:
    """`CASE stage WHEN … THEN <of(attribute, rule)> …`, stages with the same answer taken together."""
    answers: dict[str, list[str]] = {}
    for stage in stack.stages:
        rule = rule_of(stack, attribute, stage)
        if rule is not None:
            answers.setdefault(of(attribute, rule), []).append(stage)
    rest = literal(otherwise) if otherwise is not None else f"NULL::{column_type(stack, attribute)}"
    branches = [
        f"WHEN s.stage IN ({', '.join(literal(stage) for stage in stages)}) THEN {answer}"
        for answer, stages in answers.items()
    ]
    return f"CASE {' '.join(branches)} ELSE {rest} END" if branches else rest


def _value(stack: Stack, cycle: Cycle) -> Answer:
    def value(attribute: str, rule: AuthorityRule) -> str:
        system = rule.system
        withheld = rule.when_unavailable == "hold" and _away(cycle, system)
        if withheld or attribute not in stack.systems[system].mapped():
            return f"NULL::{column_type(stack, attribute)}"
        return f"{ident(system)}.{ident(attribute)}"

    return value


def _mark(stack: Stack, cycle: Cycle) -> Answer:
    def mark(attribute: str, rule: AuthorityRule) -> str:
        system = rule.system
        if rule.when_unavailable == "hold" and _away(cycle, system):
            return f"'{WITHOUT_AUTHORITY}'"
        order = attribute_order(stack, system)
        if attribute not in order:
            return "' '"
        own = f"substr({ident(system)}.marks, {order.index(attribute) + 1}, 1)"
        empty = f"""WHEN {ident(system)}.{ident(attribute)} IS NULL AND coalesce({own}, ' ') IN (' ', '{Mark.CHANGED}')
            THEN '{WITHOUT_AUTHORITY}'"""
        return f"""CASE WHEN {ident(system)}.person_id IS NULL THEN '{WITHOUT_AUTHORITY}'
            {empty if rule.when_empty == "hold" else ""} ELSE coalesce({own}, ' ') END"""

    return mark


def _record_sources(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """The snapshot each system was last read from, for provenance."""
    con.execute(
        "CREATE OR REPLACE TABLE golden.sources (system VARCHAR, snapshot_id VARCHAR, observed_at TIMESTAMPTZ, stale BOOLEAN)"
    )
    for system in stack.systems:
        observed = con.execute(
            "SELECT observed_at FROM cycles.sources WHERE cycle_id = ? AND system = ?", [cycle.cycle_id, system]
        ).fetchone()
        con.execute(
            "INSERT INTO golden.sources VALUES (?, ?, ?, ?)",
            [system, cycle.sources.get(system), observed[0] if observed else None, _away(cycle, system)],
        )
