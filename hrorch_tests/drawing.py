"""How many examples a property draws: all of them in `make test-long`, half in `make test`, which draws the same ones every time."""

from __future__ import annotations

import os

EXPLORING = bool(os.environ.get("HRORCH_EXPLORE"))


def drawn(many: int, otherwise: int | None = None) -> int:
    """`many` when exploring; else `otherwise`, or half as many."""
    return many if EXPLORING else otherwise or (many + 1) // 2
