"""When two canonical texts are the same value: no tolerance, but 52000 is 52000.0000. Differences worth showing are `reconcile`'s."""

from __future__ import annotations

import unicodedata
from decimal import Decimal, InvalidOperation

from hrorch_pipelines.stack.terms import AttributeType

_NUMBERS = frozenset({AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY, AttributeType.INTEGER})
_FOLDED = frozenset({AttributeType.EMAIL, AttributeType.CODE, AttributeType.BOOLEAN})
_SCALE = Decimal("0.0001")


def same(kind: AttributeType, left: str | None, right: str | None) -> bool:
    """Whether both are the same value of an attribute of this type. Nothing and the empty text are the same."""
    if not left or not right:
        return not left and not right
    return _canonical(kind, left) == _canonical(kind, right)


def as_stored(kind: AttributeType, value: str) -> str:
    """The text that `history` will hold for a value: numbers with the scale of their column."""
    if kind not in _NUMBERS or kind is AttributeType.INTEGER:
        return value
    number = _number(value)
    return value if number is None else f"{number.quantize(_SCALE):f}"


def _canonical(kind: AttributeType, value: str) -> str | Decimal:
    if kind in _NUMBERS and (number := _number(value)) is not None:
        return number
    text = unicodedata.normalize("NFC", value)
    if kind is AttributeType.TEXT:
        return " ".join(text.split())
    return text.casefold() if kind in _FOLDED else text


def _number(value: str) -> Decimal | None:
    try:
        return Decimal(value)
    except InvalidOperation:
        return None
