"""What a mistyped name was probably meant to be."""

from __future__ import annotations

from collections.abc import Iterable


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, if any is like it."""
    from rapidfuzz import fuzz, process, utils

    found = process.extractOne(name, list(known), scorer=fuzz.ratio, processor=utils.default_process, score_cutoff=60)
    return str(found[0]) if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`did you mean `x`? `, or nothing; to stand before the rest of a remedy."""
    found = nearest(name, known)
    return f"did you mean `{found}`? " if found else ""


def listed(names: Iterable[str], most: int = 12) -> str:
    """`a, b, c` in the order given, cut after `most`."""
    every = list(names)
    return ", ".join(f"`{name}`" for name in every[:most]) + (
        f" and {len(every) - most} more" if len(every) > most else ""
    )
