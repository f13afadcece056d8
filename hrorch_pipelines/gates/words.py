"""The words a reviewer reads: what was expected, why it is probably wrong, what to do, how the value is shown."""

from __future__ import annotations

from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import GateRule
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity

_SHOWN = 120
_CAUSES = {
    "required": "Never entered, or cleared by an update",
    "pattern": "Mistyped, or entered in the wrong field",
    "one_of": "A value outside the agreed list: mistyped, or new and not yet in the list",
    "range": "Mistyped, or in another unit",
    "max_length": "Two values in one field, or text pasted by mistake",
    "unique": "Entered twice, or a number given out again",
    "not_before": "The two dates exchanged, or one mistyped",
    "not_after": "The two dates exchanged, or one mistyped",
    "not_future": "The year mistyped, or entered ahead of time",
    "missing-key": "The export has no key column, or the field is empty",
    "missing-parent": "The row was not linked to a person",
    "missing-effective-date": "The first day of the row was left empty or could not be read",
    "duplicate-key": "The record was delivered more than once, or one key is used for two records",
    "ambiguous-effective-date": "Two entries for the same day, and nothing says which one counts",
    "convertible": "Another notation than the mapping declares, or a mistyped value",
}


def expected_words(rule: GateRule, choices: int = 0) -> str:
    """What a rule asks for, in words."""
    text = {
        "required": "a value",
        "pattern": f"text that matches {rule.pattern}",
        "one_of": f"one of the {choices} values of {rule.values_from or 'the list in the stack file'}",
        "range": " and ".join(
            f"{word} {bound}" for word, bound in (("at least", rule.min), ("at most", rule.max)) if bound is not None
        ),
        "max_length": f"at most {rule.max} characters",
        "unique": "a value that no other record holds",
        "not_before": f"not before {rule.other}",
        "not_after": f"not after {rule.other}",
        "not_future": "not later than today",
        "sql": f"true: {rule.sql}",
    }[rule.rule]
    return f"{text} (when {rule.when})" if rule.when else text


def cause_words(kind: str) -> str | None:
    """The usual cause of a failure of this kind."""
    return _CAUSES.get(kind)


def action_words(stack: Stack, system: str, attribute: str | None) -> str:
    """What to do when the stack file does not say."""
    place = stack.systems[system].label or system
    label = attribute and attribute in stack.attributes and stack.attributes[attribute].label
    return f"Correct {label or attribute or 'the record'} in {place}"


def shown(stack: Stack, attribute: str | None, text: str | None) -> str:
    """A value as its attribute's sensitivity allows, short and on one line. What is no attribute counts as personal."""
    declared = stack.attributes.get(attribute) if attribute else None
    sensitivity = declared.sensitivity if declared else Sensitivity.PERSONAL
    if declared and declared.type is AttributeType.SECRET:
        sensitivity = Sensitivity.SECRET
    masked = "".join(char if char.isprintable() else "\ufffd" for char in mask(text, sensitivity.value)[: _SHOWN + 1])
    return masked if len(masked) <= _SHOWN else f"{masked[:_SHOWN]}…"
