"""What of a value, and of the money it is worth, may be shown to whoever did not ask for it to be revealed."""

from __future__ import annotations

from hrorch_pipelines.masking import MASK, SMALLEST_GROUP, band, mask, rounded
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity

__all__ = ["SMALLEST_GROUP", "band", "pay_is_masked", "rounded", "shown"]


def shown(stack: Stack, attribute: str | None, value: object, *, reveal: bool) -> str:
    """A value as its attribute's sensitivity allows. What is no attribute counts as personal; a secret is never shown."""
    declared = stack.attributes.get(attribute) if attribute else None
    sensitivity = declared.sensitivity if declared else Sensitivity.PERSONAL
    if sensitivity is Sensitivity.SECRET or (declared and declared.type is AttributeType.SECRET):
        return MASK * 4
    if value is None:
        return "(empty)"
    return str(value) if reveal else mask(value, sensitivity.value)


def pay_is_masked(stack: Stack) -> bool:
    """Whether amounts at risk tell something that is masked elsewhere: a ghost's is the pay itself."""
    return any(
        attribute.type is AttributeType.PAY and attribute.sensitivity is not Sensitivity.NORMAL
        for attribute in stack.attributes.values()
    )
