"""How a person's value is shown where it must not be read: its shape stays, its content goes."""

from __future__ import annotations

MASK = "•"
_CLEAR = frozenset({"normal"})
LONGEST_TOP = 6
"""What stands after the last dot of an address is shown only when it is as short as a top-level domain is."""


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
