"""Which lifecycle stage a person is in, and which system decides an attribute there. Values are chosen in `golden`."""

from __future__ import annotations

from collections.abc import Callable

from hrorch_pipelines.authority.conditions import stage_condition
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import AuthorityRule
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal


def rule_of(stack: Stack, attribute: str, stage: str) -> AuthorityRule | None:
    """The authority rule of an attribute in a stage; None where the stage has none for its data type."""
    return stack.authority.get(stack.attributes[attribute].data_type, {}).get(stage)


def deciders(stack: Stack) -> list[str]:
    """Systems whose cells are needed to decide: authorities, and whatever a stage looks at."""
    named = {rule.system for rules in stack.authority.values() for rule in rules.values()}
    present = {system for stage in stack.stages.values() for system in stage.present_in}
    conditional = any(stage.when for stage in stack.stages.values())
    return [name for name in stack.systems if conditional or name in named | present]


def staged(stack: Stack, cycle: Cycle, people: str, cells: Callable[[str], str]) -> str:
    """A SELECT of `person_id, stage` for a SELECT of `person_id`: the first stage, in the order declared, that holds.
    `cells` names the table of a system's cells.

    A stage holds when the person has a record in one of its systems and its condition is true; unknown is not true.
    NULL where none holds: nobody decides for that person, so nothing is compared. So too where a system of the stage was
    never read: not being found there means nothing.
    """
    branches = []
    for name, stage in stack.stages.items():
        present = " OR ".join(f"{ident(f'in_{system}')}.person_id IS NOT NULL" for system in stage.present_in)
        condition = stage_condition(stack, name)
        holds = f" AND coalesce({condition.sql}, false)" if condition else ""
        branches.append(f"WHEN ({present}){holds} THEN {literal(name)}")
        if not set(stage.present_in) <= set(cycle.sources):
            branches.append(f"WHEN NOT ({present}) THEN NULL")
    joins = []
    for system in deciders(stack):
        own = ", ".join(ident(name) for name in stack.systems[system].mapped()) or "NULL AS nothing"
        joins.append(
            f"LEFT JOIN {cells(system)} {ident(f'in_{system}')} ON {ident(f'in_{system}')}.person_id = p.person_id"
        )
        if any(stage.when for stage in stack.stages.values()):
            joins.append(
                f"LEFT JOIN (SELECT person_id AS {ident('person of')}, {own} FROM {cells(system)}) {ident(system)} "
                f"ON {ident(system)}.{ident('person of')} = p.person_id"
            )
    day = f"CROSS JOIN (SELECT DATE '{cycle.as_of.isoformat()}' AS as_of)"
    return f"SELECT p.person_id, CASE {' '.join(branches)} END AS stage FROM ({people}) p {day} {' '.join(joins)}"
