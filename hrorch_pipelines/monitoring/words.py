"""How lengths of time and sizes are told. Rough on purpose: a sentence that changes every minute is no use."""

from __future__ import annotations

from datetime import datetime, timedelta


def ago(length: timedelta) -> str:
    """`4 minutes`, `3 hours`, `2 days`: the largest unit there are at least two of."""
    seconds = max(0, int(length.total_seconds()))
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}s"
    return f"{seconds} seconds"


def moment(at: datetime) -> str:
    """`2026-03-02 12:00 UTC`."""
    return f"{at:%Y-%m-%d %H:%M} UTC"


def many(count: int, one: str, several: str | None = None) -> str:
    """`1 case`, `3 cases`."""
    return f"{count} {one if count == 1 else several or one + 's'}"


def size(count: float) -> str:
    """`1.4 GB`."""
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
