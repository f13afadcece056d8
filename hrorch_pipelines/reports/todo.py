"""What needs doing, by the named colleague who does it: held records, questions of identity, values to correct at the copy."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import duckdb

from hrorch_pipelines.reports.masked import pay_is_masked, rounded
from hrorch_pipelines.reports.words import QUESTIONS, cause_fix, cause_label, owner_name, system_label
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

MOST = 8
"""Causes told one by one per system: the costliest and commonest."""


@dataclass(frozen=True)
class Task:
    """Cases of one kind in one place: what is wrong, what to do, how many, how urgent."""

    kind: str
    where: str
    what: str
    action: str
    count: int
    due: datetime | None = None
    overdue: int = 0
    money: str = ""


@dataclass(frozen=True)
class Duty:
    """One colleague's tasks, the most urgent first."""

    name: str
    deputy: str
    tasks: tuple[Task, ...]

    @property
    def count(self) -> int:
        return sum(task.count for task in self.tasks)

    @property
    def overdue(self) -> int:
        return sum(task.overdue for task in self.tasks)


def duties(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> list[Duty]:
    """Every colleague with something to do, who has most overdue first. `now` decides what is overdue."""
    found: dict[str, list[Task]] = {}
    for reviewer, task in [*_held(con, stack, now), *_questions(con), *_discrepancies(con, stack)]:
        found.setdefault(str(reviewer or ""), []).append(task)
    made = [
        Duty(
            owner_name(stack, reviewer) or "nobody named",
            owner_name(stack, stack.people[reviewer].deputy) if reviewer in stack.people else "",
            tuple(tasks),
        )
        for reviewer, tasks in found.items()
    ]
    return sorted(made, key=lambda duty: (-duty.overdue, -duty.count, duty.name))


def _held(con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime) -> list[tuple[Any, Task]]:
    if not has_table(con, "gates", "quarantine"):
        return []
    rows = con.execute(
        """SELECT reviewer, severity, kind, system, record, rule_id, any_value(expected), any_value(cause), any_value(action),
                  count(*), min(due_at), count(*) FILTER (due_at < $now)
           FROM gates.quarantine WHERE closed_at IS NULL
           GROUP BY reviewer, severity, kind, system, record, rule_id
           ORDER BY severity, min(due_at), count(*) DESC, system, record, rule_id""",
        {"now": now},
    ).fetchall()
    tasks = []
    for reviewer, severity, kind, system, record, rule, expected, cause, action, count, due, overdue in rows:
        label = {"warning": "Warning"}.get(severity, "Held at the gate")
        if kind == "gate_error":
            label = "Rule crashed"
        what = f"{rule}: expected {expected}" + (f". {cause}" if cause else "")
        tasks.append(
            (
                reviewer,
                Task(label, f"{system_label(stack, system)} {record or ''}", what, action or "", count, due, overdue),
            )
        )
    return tasks


def _questions(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, Task]]:
    if not has_table(con, "identity", "reviews"):
        return []
    rows = con.execute(
        """SELECT reviewer, kind, any_value(action), count(*) FROM identity.reviews WHERE closed_at IS NULL
           GROUP BY reviewer, kind ORDER BY count(*) DESC, kind"""
    ).fetchall()
    return [
        (reviewer, Task("Who is who", "pairs of records", QUESTIONS.get(kind, kind or ""), action or "", count))
        for reviewer, kind, action, count in rows
    ]


def _discrepancies(con: duckdb.DuckDBPyConnection, stack: Stack) -> list[tuple[Any, Task]]:
    """Counted discrepancies, to the owner of the copy: that is where the value is corrected."""
    if not has_table(con, "reconcile", "discrepancies"):
        return []
    rows = con.execute(
        """SELECT copy_system, cause, count(*), coalesce(sum(money_at_risk), 0),
                  count(DISTINCT person_id) FILTER (money_at_risk IS NOT NULL)
           FROM reconcile.discrepancies WHERE state IN ('disagree', 'missing_record', 'ghost')
           GROUP BY copy_system, cause ORDER BY 4 DESC, 3 DESC, cause"""
    ).fetchall()
    tasks = []
    masked = pay_is_masked(stack)
    for system in sorted({row[0] for row in rows}):
        mine = [row for row in rows if row[0] == system]
        owner = stack.systems[system].owner if system in stack.systems else ""
        where = system_label(stack, system)
        # One left over is no shorter told as "another cause".
        most = mine if len(mine) <= MOST + 1 else mine[:MOST]
        for _, cause, count, money, persons in most:
            told = rounded(money, persons, masked=masked) if Decimal(money) else ""
            tasks.append((owner, Task("Correct", where, cause_label(cause), cause_fix(cause), count, money=told)))
        rest = mine[len(most) :]
        if rest:
            names = ", ".join(cause_label(row[1]).lower() for row in rest)
            count = sum(row[2] for row in rest)
            what = f"{len(rest)} other causes: {names}"
            action = f"see the list: hrorch report discrepancies --system {system}"
            money = sum((Decimal(row[3]) for row in rest), Decimal(0))
            told = rounded(money, sum(row[4] for row in rest), masked=masked) if money else ""
            tasks.append((owner, Task("Correct", where, what, action, count, money=told)))
    return tasks
