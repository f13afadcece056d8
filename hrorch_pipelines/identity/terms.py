"""The words of matching and its limits. What the stack file asks for is in `plan`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Zone(StrEnum):
    """What becomes of a compared pair."""

    LINK = "link"
    REVIEW = "review"
    APART = "apart"


class Method(StrEnum):
    """How a record came to its person."""

    SEED = "seed"
    KEY = "key"
    PROBABILISTIC = "probabilistic"
    DECISION = "decision"
    NEW = "new"


class Agreement(StrEnum):
    """How two values of one attribute compare: all that is kept of a comparison."""

    EXACT = "exact"
    SWAPPED = "swapped"  # first and last name exchanged
    NICKNAME = "nickname"
    FORMER = "former"  # an earlier name of the other
    CLOSE = "close"  # a typing error away; for dates also day and month exchanged, or one day off
    SIMILAR = "similar"  # alike, but not by a single slip
    DIFFERS = "differs"
    MISSING = "missing"


class ReviewKind(StrEnum):
    """Why a person is asked."""

    UNCONFIRMED_KEY = "unconfirmed_key"  # the key agrees, everything meant to confirm it contradicts
    SHARED_KEY = "shared_key"  # several records of one system carry the key's value
    CONFLICT = "conflict"  # the evidence leads to two persons that cannot be one
    PROBABLE = "probable"  # the probability lies in the zone to be asked about
    DUPLICATE = "duplicate"  # one system seems to hold one person twice
    ID_REUSED = "id_reused"  # one id, but somebody else behind it
    DUPLICATE_ID = "duplicate_id"  # one id on several rows


class EventKind(StrEnum):
    """What happened to a person."""

    CREATED = "created"
    LINKED = "linked"
    MERGED = "merged"
    SPLIT = "split"
    REMOVED = "removed"  # the record left its system; its person stays
    UNDONE = "undone"


CONTRADICTS = frozenset({Agreement.DIFFERS, Agreement.SIMILAR})


@dataclass(frozen=True)
class Limits:
    """Where pairing stops being useful. What is skipped is counted in the result, never silent."""

    group: int = 30
    """Records that share one key value; beyond it the value identifies nobody and is asked about once."""
    block: int = 2_000
    """Records in one block of the probabilistic comparison."""
    component: int = 60
    """Records that one chain of evidence may join."""


@dataclass(frozen=True)
class MatchResult:
    """What one pass did. Counts of persons, records and pairs; never who."""

    new_persons: int = 0
    linked: int = 0
    merged: int = 0
    split: int = 0
    removed: int = 0
    reviews_opened: int = 0
    reviews_closed: int = 0
    left_apart: int = 0
    pairs_scored: int = 0
    blocks_skipped: int = 0
    keys_skipped: int = 0
    records_without_id: int = 0
