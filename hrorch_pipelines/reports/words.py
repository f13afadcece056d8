"""The words a reader sees for causes, states and questions, and the fix a cause names (docs/causes.md)."""

from __future__ import annotations

from hrorch_pipelines.reconcile.terms import Cause, State
from hrorch_pipelines.stack.models import Stack

CAUSES: dict[str, tuple[str, str]] = {
    Cause.MISSING_RECORD: ("Record missing", "create the record; look at the handoff that did not run"),
    Cause.GHOST: ("Ghost: record of somebody who left", "end the record; stop the pay"),
    Cause.MISSING_VALUE: ("Copy is empty", "fill it; look at the interface's field list"),
    Cause.EXTRA_VALUE: ("Authority is empty", "find out who entered it, and where it belongs"),
    Cause.FORMAT_ONLY: ("Spelling only", "agree on one spelling, or leave it"),
    Cause.LEADING_ZEROS_LOST: ("Leading zeros lost", "a spreadsheet was used: format the column as text"),
    Cause.MOJIBAKE: ("Wrong encoding", "set the encoding of the import"),
    Cause.STALE_VALUE: ("Earlier value of the authority", "repeat the change; repair the handoff"),
    Cause.APPLIED_EARLY: ("Future value applied early", "make the interface respect the effective date"),
    Cause.ENTRY_DATE_AS_EFFECTIVE: (
        "Entry date kept as effective date",
        "make the interface respect the effective date",
    ),
    Cause.NICKNAME_OR_FORMER_NAME: ("Nickname or former name", "settle preferred against legal name"),
    Cause.FTE_SHARE: ("Differs by working time", "one side holds full-time pay, the other actual pay: agree on one"),
    Cause.PAY_FREQUENCY_FACTOR: ("Wrong pay unit", "correct the pay unit"),
    Cause.EXCHANGE_RATE: ("Wrong currency", "correct the currency"),
    Cause.DAY_MONTH_SWAPPED: ("Day and month exchanged", "settle the date order of the import"),
    Cause.OFF_BY_ONE_DAY: ("One day off", "set the time zone of the interface"),
    Cause.TRUNCATED: ("Cut off", "widen the field"),
    Cause.TRANSPOSED_DIGITS: ("Digits exchanged", "typed by hand: correct it, automate the handoff"),
    Cause.ONE_DIGIT: ("One digit wrong", "typed by hand: correct it, automate the handoff"),
    Cause.ROW_SLIP: ("Another person's value", "a row slipped in a sheet: check its neighbours"),
    Cause.OTHER: ("No known pattern", "look at it"),
}
"""Cause → (label, usual fix)."""

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


def cause_label(cause: str | None) -> str:
    """A cause in words; the name itself when a later version knows more causes."""
    return CAUSES[cause][0] if cause in CAUSES else str(cause or "")


def cause_fix(cause: str | None) -> str:
    """What usually mends it."""
    return CAUSES[cause][1] if cause in CAUSES else ""


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
