"""The words a reader sees for causes, states and questions, and the fix a cause names (docs/causes.md)."""

from __future__ import annotations

from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.reconcile.words import CAUSES, cause_fix, cause_label
from hrorch_pipelines.stack.models import Stack

__all__ = [
    "CAUSES",
    "QUESTIONS",
    "STATES",
    "attribute_label",
    "cause_fix",
    "cause_label",
    "one_in",
    "owner_name",
    "percent",
    "some",
    "system_label",
]

STATES: dict[str, str] = {
    State.AGREE: "agrees",
    State.DISAGREE: "disagrees",
    State.IN_FLIGHT: "in flight",
    State.SCHEDULED: "scheduled",
    State.MISSING_RECORD: "record missing",
    State.GHOST: "ghost",
    State.BOTH_EMPTY: "both empty",
    State.NOT_SUPPLIED: "not supplied",
    State.HIDDEN: "hidden from us",
    State.UNRESOLVED: "refers to nobody known",
    State.STALE: "stale",
    State.QUARANTINED: "quarantined",
    State.HELD: "withheld by policy",
}

QUESTIONS: dict[str, str] = {
    "unconfirmed_key": "The key agrees, the names contradict",
    "shared_key": "Several records carry one key",
    "conflict": "The evidence leads to two persons",
    "probable": "Alike, but not surely one person",
    "duplicate": "One system seems to hold a person twice",
    "id_reused": "An id given to somebody else",
    "duplicate_id": "One id on several rows",
}
"""Kind of identity review → what is asked."""


def system_label(stack: Stack, system: str | None) -> str:
    """A system as people call it."""
    declared = stack.systems.get(system) if system else None
    return (declared.label if declared else None) or str(system or "")


def attribute_label(stack: Stack, attribute: str | None) -> str:
    """An attribute as people call it: its label, else its name in words."""
    declared = stack.attributes.get(attribute) if attribute else None
    return (declared.label if declared else None) or str(attribute or "").replace("_", " ")


def owner_name(stack: Stack, name: str | None) -> str:
    """A colleague's name as the stack file has it."""
    owner = stack.people.get(name) if name else None
    return owner.name if owner else str(name or "")


def percent(value: float | None, digits: int = 1) -> str:
    """A share as people read it; a share that is not known is a dash."""
    if value is None:
        return "–"
    return f"{100 * value:.0f} %" if value in {0, 1} else f"{100 * value:.{digits}f} %"


def one_in(numerator: int, denominator: int) -> str:
    """`1 in 43` for a small share, `7 in 10` for a large one."""
    if numerator <= 0 or denominator <= 0:
        return "none"
    if numerator == denominator:
        return "every one"
    if numerator * 3 > denominator:
        return f"{min(9, max(1, round(10 * numerator / denominator)))} in 10"
    return f"1 in {round(denominator / numerator):,}"


def some(count: int, one: str, several: str | None = None) -> str:
    """`1 case`, `3 cases`."""
    return f"{count:,} {one if count == 1 else several or one + 's'}"
