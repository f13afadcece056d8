"""How the sandbox writes moments and versions down."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime


def stamp(moment: datetime) -> str:
    """The store's form of a moment: `2026-01-31T09:00:00Z`; sorts as text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment(text: str) -> datetime:
    """Back from `stamp`."""
    return datetime.fromisoformat(text)


def version_of(*parts: object) -> str:
    """A 32-digit version token that follows from its parts, so that the same world has the same bytes."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
