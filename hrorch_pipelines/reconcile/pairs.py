"""What is compared with what: per copy system the attributes, and per stage the authority of each. Read off the stack file."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.authority.stages import rule_of
from hrorch_pipelines.stack.models import Stack

PRESENCE_ATTRIBUTE = "employment_status"
"""The attribute under which a ghost is reported, and a missing record of a system that requires no attribute."""


@dataclass(frozen=True)
class Position:
    """One attribute of one copy system; `authorities` maps stage → the other system that decides it and supplies it.

    `required`: missing with the whole record. `presence`: carries the ghost. `mapped`: the copy supplies it.
    """

    attribute: str
    mapped: bool
    required: bool
    presence: bool
    authorities: dict[str, str]

    @property
    def compared(self) -> bool:
        return self.mapped and bool(self.authorities)


@dataclass(frozen=True)
class CopyPlan:
    """The positions of a copy system, in the order of their letters in its patterns (from 1; letter 0 tells of the record)."""

    system: str
    positions: tuple[Position, ...]


def copy_plans(stack: Stack) -> list[CopyPlan]:
    """One plan per system that holds a copy of anything or must (not) hold a record."""
    plans = []
    for system in stack.systems:
        mapped = stack.systems[system].mapped()
        checked = system in stack.presence
        required = required_attributes(stack, system) if checked else []
        positions = []
        for attribute in dict.fromkeys([*stack.attributes, *([PRESENCE_ATTRIBUTE] if checked else [])]):
            position = Position(
                attribute,
                attribute in mapped,
                attribute in required,
                checked and attribute == PRESENCE_ATTRIBUTE,
                _authorities(stack, attribute, system) if attribute in stack.attributes else {},
            )
            if position.compared or position.required or position.presence:
                positions.append(position)
        if positions:
            plans.append(CopyPlan(system, tuple(positions)))
    return plans


def required_attributes(stack: Stack, system: str) -> list[str]:
    """Attributes that are missing with a missing record; never none, or a missing person would be silent."""
    required = [name for name, attribute in stack.attributes.items() if system in attribute.required_in]
    return required or [PRESENCE_ATTRIBUTE]


def voucher(stack: Stack, stage: str, copy: str) -> str:
    """The system on whose word a person must or must not be in `copy`: the authority of `employment_status`, else the first
    other system of the stage."""
    if PRESENCE_ATTRIBUTE in stack.attributes:
        rule = rule_of(stack, PRESENCE_ATTRIBUTE, stage)
        if rule is not None and rule.system != copy:
            return rule.system
    others = [name for name in stack.stages[stage].present_in if name != copy]
    return others[0] if others else copy


def not_supplied(stack: Stack, copy: str, stage: str) -> list[tuple[str, str]]:
    """(attribute, authority) where exactly one of the two has no such field in its mapping."""
    found = []
    for attribute, declared in stack.attributes.items():
        rule = rule_of(stack, attribute, stage)
        if not declared.compare or rule is None or rule.system == copy:
            continue
        if (attribute in stack.systems[copy].mapped()) != (attribute in stack.systems[rule.system].mapped()):
            found.append((attribute, rule.system))
    return found


def _authorities(stack: Stack, attribute: str, copy: str) -> dict[str, str]:
    if not stack.attributes[attribute].compare:
        return {}
    found = {}
    for stage in stack.stages:
        rule = rule_of(stack, attribute, stage)
        if rule is not None and rule.system != copy and attribute in stack.systems[rule.system].mapped():
            found[stage] = rule.system
    return found
