"""What a reviewer reads: what is wrong, why nobody corrected it by itself, what to do. Words and names only, never a value."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.reconcile.words import cause_fix
from hrorch_pipelines.stack.models import Stack

_WHY_NOT: dict[str, str] = {
    "not_declared": "HRORCH may not write it there: correct {attribute} in {copy} by hand, or in {authority} if that is wrong.",
    "not_a_target": "HRORCH does not write {copy}: correct {attribute} there by hand, or in {authority} if that is wrong.",
    "secret": "Only a keyed hash is known here: compare both by hand and correct the wrong one.",
    "never_touch": "It is on the never-touch list: decide by hand which side is right and correct the other.",
    "authority_empty": "{authority} has no {attribute}: enter it there if {copy} is right, else clear it in {copy}.",
    "not_an_end": "{authority} does not say that the employment ended: enter the last day there, or end the record in {copy}.",
    "no_such_reference": "The person it refers to has no record in {copy}: create that one first.",
    "reference_unclear": "What {copy} refers to is not one known person: point it to the right one by hand.",
    "no_row": "{copy} has no row that could be changed: add {attribute} there by hand.",
    "rejected": "An approver rejected this change: say which side is right, or let it be for a while.",
    "overridden": "An override is in force, and {copy} holds something else again: correct it, or end the override.",
}
_MANY = (
    "So many at once have one cause upstream: an import, a mapping, a mass change. Find that first; `list` names the report "
    "that shows them. They become cases of their own when few are left."
)
_DECIDE = "Decide which side is right; accept the authority's value, or enter the right one."


@dataclass(frozen=True)
class Place:
    """Where a discrepancy is: the copy, what decides, and why no correction was made of it."""

    copy: str | None
    authority: str | None
    attribute: str | None
    why_not: str | None
    cause: str | None


def disagreeing(stack: Stack, place: Place) -> tuple[str, str]:
    """(what, action) of a value that is not the authority's."""
    words = _words(stack, place)
    what = "{copy} has another {attribute} than {authority}, which decides it.".format(**words)
    action = _WHY_NOT.get(place.why_not or "", _DECIDE).format(**words)
    usual = cause_fix(place.cause)
    return what, f"{action} Usual remedy: {usual}." if usual else action


def missing(stack: Stack, place: Place) -> tuple[str, str]:
    """(what, action) of a person without a record where they must have one."""
    words = _words(stack, place)
    return (
        "{copy} has no record of a person who must be there.".format(**words),
        "Create the record in {copy}, and look at the handoff that did not run.".format(**words),
    )


def ghost(stack: Stack, place: Place) -> tuple[str, str]:
    """(what, action) of a record of somebody who left."""
    words = _words(stack, place)
    reason = _WHY_NOT.get(place.why_not or "")
    return (
        "{copy} still has a live record of somebody who, says {authority}, is not to be there.".format(**words),
        "End the record in {copy} and stop what it pays or opens. ".format(**words)
        + (reason.format(**words) if reason else ""),
    )


def held(stack: Stack, system: str, record: str, attribute: str | None, rule: str) -> str:
    """What is wrong with a record that failed its gate."""
    about = f"{attribute_words(stack, attribute)} fails" if attribute else "it fails"
    return f"{system_words(stack, system)}, {record}: {about} the check `{rule}`; the record waits in quarantine."


def warned(stack: Stack, system: str, record: str, attribute: str | None, rule: str) -> str:
    """What is doubtful about a record that went through."""
    about = f"{attribute_words(stack, attribute)} fails" if attribute else "it fails"
    return f"{system_words(stack, system)}, {record}: {about} the check `{rule}`; the record is used all the same."


def failed_as_a_whole(stack: Stack, system: str, record: str, rule: str, *, crashed: bool) -> str:
    """What is wrong with a record type in which no single row is to blame."""
    how = "could not be evaluated" if crashed else "failed"
    return f"{system_words(stack, system)}: the check `{rule}` of all {record} records {how}."


def many(stack: Stack, system: str | None, attribute: str | None, rule: str, count: int) -> tuple[str, str]:
    """(what, action) of one case that stands for many of a kind."""
    about = f" ({attribute_words(stack, attribute)})" if attribute else ""
    place = system_words(stack, system) if system else "several systems"
    what = f"{place}: {count:,} findings of one kind at once, `{rule}`{about}."
    return what, _MANY


def system_words(stack: Stack, system: str | None) -> str:
    """A system as people call it."""
    declared = stack.systems.get(system) if system else None
    return (declared.label if declared else None) or system or "its authority"


def attribute_words(stack: Stack, attribute: str | None) -> str:
    """An attribute as people call it."""
    declared = stack.attributes.get(attribute) if attribute else None
    return (declared.label if declared else None) or (attribute or "record").replace("_", " ")


def _words(stack: Stack, place: Place) -> dict[str, str]:
    return {
        "copy": system_words(stack, place.copy),
        "authority": system_words(stack, place.authority),
        "attribute": attribute_words(stack, place.attribute),
    }
