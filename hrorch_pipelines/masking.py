"""How a person's value is shown where it must not be read: its shape stays, its content goes."""

from __future__ import annotations

MASK = "•"
_CLEAR = frozenset({"normal"})


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
    if "@" in text:
        name, _, domain = text.partition("@")
        return f"{name[:1]}{MASK * 3}@{MASK * 3}.{domain.rpartition('.')[2]}"
    return f"{text[:1] if sensitivity == 'personal' else ''}{MASK * 3}({len(text)})"
