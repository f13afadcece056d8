"""Text that a spreadsheet must not run."""

from __future__ import annotations

_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠", "\t", "\r", "\n")
"""A cell that starts with one of these is run by spreadsheets (OWASP, CSV injection), wide forms included."""


def neutral(text: str) -> str:
    """The text as a spreadsheet may safely show it: an apostrophe goes before whatever it would run."""
    return f"'{text}" if text.startswith(_FORMULA) or text.lstrip().startswith(_FORMULA[:8]) else text
