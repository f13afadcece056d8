"""How a person's value, or money that tells one, is shown where it must not be read: its shape stays, its content goes."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise

MASK = "•"
_CLEAR = frozenset({"normal"})
LONGEST_TOP = 6
"""What stands after the last dot of an address is shown only when it is as short as a top-level domain is."""

SMALLEST_GROUP = 3
"""A sum of money over fewer persons is shown as a band: it would tell what one of them earns."""

_STEPS = (1, 2, 5, 10)


def mask(value: object, sensitivity: str) -> str:
    """Show `value` as its sensitivity allows: whole when `normal`, else only its length class.

    `None` reads "(empty)": whether something is there is never personal. `special` and `secret` values show nothing,
    not even a length.
    """
    if value is None:
        return "(empty)"
    text = str(value)
    if sensitivity in _CLEAR:
        return text
    if sensitivity in {"secret", "special"}:
        return MASK * 4
    name, _, domain = text.partition("@")
    top = domain.rpartition(".")[2]
    if domain.count(".") and top.isascii() and top.isalpha() and len(top) <= LONGEST_TOP:
        return f"{name[:1]}{MASK * 3}@{MASK * 3}.{top}"
    return f"{text[:1] if sensitivity == 'personal' else ''}{MASK * 3}({len(text)})"


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
