"""Cases and corrections: routes, budgets, approvers, targets and never-touch lists speak of what the file declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import get_args

from hrorch_pipelines.stack.acting import ChangeKind
from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed

_SEVERAL = 2
_NO_ENTITY = "nothing says which attribute is a person's legal entity"


def check_acting(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Names that do not exist, and rules that could never hold or that nobody could fulfil."""
    yield from _exceptions(stack, declared)
    yield from _four_eyes(stack, declared)
    yield from _budgets(stack, declared)
    yield from _targets(stack, declared)
    yield from _never_touch(stack, declared)


def _exceptions(stack: Stack, declared: Declared) -> Iterator[Finding]:
    types = sorted({attribute.data_type for attribute in stack.attributes.values()})
    entity = stack.exceptions.entity
    if entity is not None and entity not in declared.attributes:
        yield _unknown(("exceptions", "entity"), "attribute", entity, declared.attributes)
    for number, route in enumerate(stack.exceptions.routes):
        path: Path = ("exceptions", "routes", number)
        if route.system is not None and route.system not in declared.systems:
            yield _unknown((*path, "system"), "system", route.system, declared.systems)
        if route.attribute is not None and route.attribute not in declared.attributes:
            yield _unknown((*path, "attribute"), "attribute", route.attribute, declared.attributes)
        if route.data_type is not None and route.data_type not in types and declared.whole("attributes"):
            yield _unknown((*path, "data_type"), "data type", route.data_type, types)
        if route.entity is not None and entity is None:
            yield Finding((*path, "entity"), _NO_ENTITY, "add `exceptions: {entity: ATTRIBUTE}`, or remove it")


def _four_eyes(stack: Stack, declared: Declared) -> Iterator[Finding]:
    four_eyes = stack.corrections.four_eyes
    types = {attribute.data_type for attribute in stack.attributes.values()}
    known = {*get_args(ChangeKind), *types, *declared.attributes}
    for number, word in enumerate(four_eyes):
        if word not in known and declared.whole("attributes"):
            yield Finding(
                ("corrections", "four_eyes", number),
                f"`{word}` is no kind of change, no data type and no attribute",
                f"{did_you_mean(word, known)}kinds of change are {listed(get_args(ChangeKind))}",
            )
    if not four_eyes or not declared.whole("people"):
        return
    approvers = stack.corrections.approvers
    if approvers and len(set(approvers)) < _SEVERAL:
        yield Finding(
            ("corrections", "approvers"),
            "one approver alone: what they propose themselves nobody could approve",
            "name at least two",
        )
    elif not approvers and len(stack.people) < _SEVERAL:
        yield Finding(
            ("corrections", "four_eyes"),
            "there is one person only: what they propose nobody could approve",
            "declare a second one under `people`",
        )


def _budgets(stack: Stack, declared: Declared) -> Iterator[Finding]:
    for number, budget in enumerate(stack.corrections.budgets):
        path: Path = ("corrections", "budgets", number)
        if budget.system is not None:
            yield from _target((*path, "system"), budget.system, stack, declared)
        if budget.entity is not None and stack.exceptions.entity is None:
            yield Finding((*path, "entity"), _NO_ENTITY, "add `exceptions: {entity: ATTRIBUTE}`, or remove it")


def _targets(stack: Stack, declared: Declared) -> Iterator[Finding]:
    for number, system in enumerate(stack.corrections.targets or []):
        yield from _target(("corrections", "targets", number), system, stack, declared)
    writes = any(system.writes is not None for system in stack.systems.values())
    if stack.corrections.mode == "apply" and not writes and declared.whole("systems"):
        yield Finding(("corrections", "mode"), "no system declares `writes`, so there is nothing to apply", note=True)


def _never_touch(stack: Stack, declared: Declared) -> Iterator[Finding]:
    touch = stack.corrections.never_touch
    path: Path = ("corrections", "never_touch")
    for number, attribute in enumerate(touch.attributes):
        if attribute not in declared.attributes:
            yield _unknown((*path, "attributes", number), "attribute", attribute, declared.attributes)
    for number, system in enumerate(touch.systems):
        if system not in declared.systems:
            yield _unknown((*path, "systems", number), "system", system, declared.systems)
    for number, record in enumerate(touch.records):
        system, _, source_id = record.partition(":")
        if not source_id:
            yield Finding(
                (*path, "records", number),
                "does not say which record of which system",
                "write `system:source_id`, as in `payroll:1234`",
            )
        elif system not in declared.systems:
            yield _unknown((*path, "records", number), "system", system, declared.systems)


def _target(path: Path, name: str, stack: Stack, declared: Declared) -> Iterator[Finding]:
    if name not in declared.systems:
        yield _unknown(path, "system", name, declared.systems)
    elif name in stack.systems and stack.systems[name].writes is None:
        yield Finding(
            path,
            f"nothing may be written into `{name}`",
            f"add `writes: {{attributes: [...]}}` to `systems.{name}`, or take it out here",
        )


def _unknown(path: Path, what: str, name: str, known: Collection[str]) -> Finding:
    ordered = sorted(known)
    return Finding(
        path,
        f"there is no {what} `{name}`",
        f"{did_you_mean(name, ordered)}declare it, or name one of {listed(ordered)}",
    )
