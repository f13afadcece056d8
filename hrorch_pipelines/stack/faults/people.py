"""Owners, reviewers, approvers and deputies are people of the file."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed


def check_people(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """People who do not exist, and deputies who cannot stand in."""
    named = list(_named(stack))
    for path, person in named:
        if person not in declared.people:
            known = sorted(declared.people)
            yield Finding(
                path,
                f"there is no `{person}` among `people`",
                f"{did_you_mean(person, known)}declare them, or name one of {listed(known)}",
            )
    for name, owner in stack.people.items():
        if owner.deputy == name:
            yield Finding(
                ("people", name, "deputy"),
                "nobody can stand in for themselves",
                "name another person, or remove `deputy`",
            )
    relied_on = {person for _, person in named}
    alone = [name for name, owner in stack.people.items() if owner.deputy is None and name in relied_on]
    for name in alone if declared.whole("people") else []:
        yield Finding(("people", name), "has no deputy: nobody is asked while they are away", note=True)


def _named(stack: Stack) -> Iterator[tuple[Path, str]]:
    """Every place that names a person."""
    for name, system in stack.systems.items():
        yield ("systems", name, "owner"), system.owner
    for name, owner in stack.people.items():
        if owner.deputy is not None:
            yield ("people", name, "deputy"), owner.deputy
    for record, gates in stack.gates.items():
        for number, gate in enumerate(gates):
            if gate.route is not None:
                yield ("gates", record, number, "route"), gate.route
    for number, route in enumerate(stack.exceptions.routes):
        yield ("exceptions", "routes", number, "reviewer"), route.reviewer
    if stack.exceptions.default_reviewer is not None:
        yield ("exceptions", "default_reviewer"), stack.exceptions.default_reviewer
    for number, approver in enumerate(stack.corrections.approvers):
        yield ("corrections", "approvers", number), approver
    for number, budget in enumerate(stack.corrections.budgets):
        if budget.owner is not None:
            yield ("corrections", "budgets", number, "owner"), budget.owner
    if stack.alerts.default_owner is not None:
        yield ("alerts", "default_owner"), stack.alerts.default_owner
    for name, outlet in stack.outlets.items():
        yield ("outlets", name, "owner"), outlet.owner
    for name, handoff in stack.handoffs.items():
        yield ("handoffs", name, "owner"), handoff.owner
        for number, requirement in enumerate(handoff.requires):
            if requirement.owner is not None:
                yield ("handoffs", name, "requires", number, "owner"), requirement.owner
    if stack.matching.reviewer is not None:
        yield ("matching", "reviewer"), stack.matching.reviewer
