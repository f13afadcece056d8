"""What every maker does: say what it would send, look whether it is there already, make it, look again.

Faults are `systems.writing.protocol.WriteFault`, with the same outcomes as for a correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal, Protocol

from hrorch_pipelines.systems.writing.protocol import Preview, Receipt


@dataclass(frozen=True)
class NewRecord:
    """A record to be made. `values`: attribute → canonical text, as in the snapshots; None is left out.

    `parent_id`: the person's own record in that system, for a record with a parent. `effective_from`: the first day, for
    effective-dated ones.
    """

    record: str
    values: Mapping[str, str | None] = field(repr=False)
    parent_id: str | None = None
    effective_from: date | None = None


@dataclass(frozen=True)
class Letter:
    """A mail, rendered. `attachment` is a PDF; `attach_as` its name."""

    to: str = field(repr=False)
    subject: str = field(repr=False)
    text: str = field(repr=False)
    attachment: bytes | None = field(default=None, repr=False)
    attach_as: str | None = None


@dataclass(frozen=True)
class Event:
    """An event of a calendar. `starts`: a day (all day) or a moment; `ends` is exclusive. `sequence` counts its changes (RFC 5545)."""

    uid: str
    sequence: int
    starts: date | datetime
    ends: date | datetime
    summary: str = field(repr=False)
    text: str = field(default="", repr=False)
    location: str | None = field(default=None, repr=False)
    attendees: tuple[str, ...] = field(default=(), repr=False)
    cancelled: bool = False


Content = NewRecord | Letter | Event


@dataclass(frozen=True)
class Making:
    """One thing to be made. `place`: a system or an outlet. `idempotency_key`: the same for every try of it."""

    place: str
    content: Content
    idempotency_key: str


@dataclass(frozen=True)
class Seen:
    """What a look found.

    `absent`: surely not there. `there`: it is there, as wanted (records: the same by identity, whatever else it says).
    `other`: something stands in its place (a calendar event somebody edited; `version` for compare and set).
    `unclear`: several could be it, or keys agree and what should confirm them contradicts: nobody may act on that.
    `untold`: this place cannot be looked into (mail).
    `filled`: of a record that we just made, what the target put into it by itself; attribute → canonical text.
    """

    state: Literal["absent", "there", "other", "unclear", "untold"]
    source_id: str | None = None
    version: str | None = None
    why: str | None = None  # `unclear`: in words, no values
    filled: Mapping[str, str] = field(default_factory=dict, repr=False)


class Maker(Protocol):
    """One system or outlet in which something can be made. Rate limits are kept inside; retries are the push's business."""

    def preview(self, making: Making) -> Preview:
        """The request it would send, values masked; sends nothing. Raises WriteFault `unwritable`."""

    def look(self, making: Making) -> Seen:
        """Whether it is there already. Raises WriteFault (`not_done` when it cannot be reached)."""

    def make(self, making: Making, seen: Seen) -> Receipt:
        """Make it, once, given what the look found (`absent`, `other` or `untold`). `Receipt.reference`: its own id there.

        Raises WriteFault: `unknown` when it may have happened; look again before anything else.
        """

    def close(self) -> None:
        """Give connections and memory back; the maker can be used again."""
