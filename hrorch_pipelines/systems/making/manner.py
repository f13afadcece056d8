"""How amounts and days are written in letters: unambiguous everywhere, the same in Jinja and Typst templates."""

from __future__ import annotations

from contextlib import suppress
from datetime import date
from decimal import Decimal, InvalidOperation

_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


def money(amount: str, currency: str) -> str:
    """`85000.0000`, `USD` → `USD 85,000`; cents are shown where there are any. Raises ValueError.

    The ISO code, because a sign such as $ is several currencies'.
    """
    return f"{currency} {grouped(amount)}"


def grouped(amount: str) -> str:
    """`1234.5` → `1,234.50`; a whole number without decimals, else two, or as many as it has. Raises ValueError."""
    try:
        number = Decimal(str(amount).strip())
    except InvalidOperation:
        raise ValueError("is not an amount") from None
    if not number.is_finite():
        raise ValueError("is not an amount")
    if number == number.to_integral_value():
        return f"{number:,.0f}"
    exponent = number.normalize().as_tuple().exponent
    return f"{number:,.{max(2, -exponent if isinstance(exponent, int) else 2)}f}"


def long_date(day: str) -> str:
    """`2026-07-06` (or a moment that begins so) → `July 6, 2026`. Raises ValueError."""
    found = parsed_day(day)
    return f"{_MONTHS[found.month - 1]} {found.day}, {found.year}"


def parsed_day(text: str) -> date:
    """The day of an ISO date or moment. Raises ValueError, without the text."""
    head, rest = text.strip()[:10], text.strip()[10:]
    if len(head) == len("2026-07-06") and (not rest or rest[0] in "T "):
        with suppress(ValueError):
            return date.fromisoformat(head)
    raise ValueError("is not a date")
