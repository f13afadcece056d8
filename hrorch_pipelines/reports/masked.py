"""What of a value, and of the money it is worth, may be shown to whoever did not ask for it to be revealed."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

from hrorch_pipelines.masking import MASK, mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity

SMALLEST_GROUP = 3
"""A sum of money over fewer persons is shown as a band: it would tell what one of them earns."""

_STEPS = (1, 2, 5, 10)


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


def band(amount: Decimal | float | None) -> str | None:
    """An amount of one person, as the 1-2-5 step it lies in: 1,234.00 → `1,000–2,000`. None stays None."""
    if amount is None:
        return None
    size = abs(Decimal(str(amount)))
    if size < 1:
        return "0" if size == 0 else "under 1"
    power = Decimal(10) ** size.adjusted()
    low, high = next(
        (low * power, high * power) for low, high in pairwise(_STEPS) if low * power <= size < high * power
    )
    return f"{low:,.0f}–{high:,.0f}"


def rounded(amount: Decimal | float, persons: int, *, masked: bool) -> str:
    """A sum of money over some persons, told without telling anyone's pay: two leading digits, or a band for a few."""
    size = Decimal(str(amount))
    if not masked:
        return f"{size:,.2f}"
    if persons < SMALLEST_GROUP:
        return band(size) or "0"
    if size < 10:
        return f"{size:,.0f}"
    step = Decimal(10) ** (size.adjusted() - 1)
    return f"{(size / step).to_integral_value() * step:,.0f}"
