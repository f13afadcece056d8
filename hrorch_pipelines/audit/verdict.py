"""What verifying the log can find. How it is found is in `verify`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What is wrong with an entry, or with the log's end."""

    MISSING = "missing"  # dropped: the numbers have a gap
    CHANGED = "changed"  # its content or hash is not what was linked
    UNLINKED = "unlinked"  # cannot be checked: it follows an entry that is at fault itself
    MOVED = "moved"  # holds the entry of another number
    COLUMN = "column"  # a column says otherwise than the envelope
    STRANGE = "strange"  # nothing this program wrote: no canonical envelope, or a number below 1
    BEYOND = "beyond"  # after the noted end: inserted, or the note was set back
    TRUNCATED = "truncated"  # before the noted or exported end the log stops
    HEAD = "head"  # the noted or exported end has another hash
    VALUE = "value"  # a sealed value is not the one committed to
    OBSERVED = "observed"  # the warehouse's change rows are not those whose digest was logged


@dataclass(frozen=True)
class Fault:
    """One finding. `sequence` is the entry's, the first of a range up to `until`; None for what is not about an entry."""

    kind: Kind
    sequence: int | None
    what: str
    until: int | None = None

    def __str__(self) -> str:
        if self.sequence is None:
            return f"{self.kind}: {self.what}"
        numbers = f"entry {self.sequence}" if self.until is None else f"entries {self.sequence} to {self.until}"
        return f"{numbers} {self.kind}: {self.what}"


@dataclass(frozen=True)
class Verdict:
    """How many entries were looked at, and what was found; `more` faults were counted and not kept."""

    entries: int
    faults: tuple[Fault, ...] = ()
    more: int = 0
    values: int | None = None  # sealed values opened and compared with their commitments; None: not asked for

    @property
    def ok(self) -> bool:
        return not self.faults
