"""The root of every error a user may see. Each room adds its own classes in its own `errors.py`."""

from __future__ import annotations


class HrorchError(Exception):
    """Something went wrong that a person can act on.

    The message says what happened and where; `remedy` says what to do. Neither ever holds a person's value.
    """

    def __init__(self, what: str, *, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.what}\n  What to do: {self.remedy}"
