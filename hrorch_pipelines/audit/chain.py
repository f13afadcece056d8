"""One stretch of the chain, entry by entry: is each what was linked, under its number, told alike by its columns?

Whether the log as a whole is there is `verify`'s question.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from orjson import loads

from hrorch_pipelines.audit.rows import REPEATED
from hrorch_pipelines.audit.verdict import Fault, Kind

MOST = 1_000
"""Faults kept; further ones are counted."""


@dataclass
class Stretch:
    """Walks rows in order. `hashes` are those the next entry may be linked to: the stored one, and the one worked out.

    They differ where an entry is at fault. If the next fits the stored one, the content was changed; if it fits the one
    worked out, the stored hash was.
    """

    next: int
    hashes: tuple[str, ...] = ()
    """Empty: nothing is known of the entry before."""
    silent_before: int = 0
    """Faults of earlier entries are another stretch's to tell."""
    entries: int = 0
    more: int = 0
    last_at: str = ""
    faults: list[Fault] = field(default_factory=list)
    _sound: bool = True

    def walk(self, chunks: Iterable[list[tuple[Any, ...]]]) -> None:
        """Look at rows as `rows.read` gives them."""
        for chunk in chunks:
            self._chunk(chunk)

    def note_missing(self, last: int) -> None:
        """The rows ended before the stretch did."""
        self._add(Fault(Kind.MISSING, self.next, "not in the log", _until(self.next, last)))

    def _chunk(self, chunk: list[tuple[Any, ...]]) -> None:
        expected, previous, last_at, sound = self.next, self.hashes, self.last_at, self._sound
        for row in chunk:
            sequence, at, envelope, stored, action, actor, person, system, attribute, case, correction = row
            if sequence != expected:
                self._add(Fault(Kind.MISSING, expected, "not in the log", _until(expected, sequence - 1)))
                previous, sound = (), True
            linked = (
                not previous
                or sha256(f"{previous[0]}\n{envelope}".encode()).hexdigest() == stored
                or (len(previous) > 1 and worked_out(previous[1], envelope) == stored)
            )
            try:
                content = loads(envelope)
                told = content.get
                fits = (
                    told("sequence") == sequence
                    and told("at") == at
                    and told("action") == action
                    and told("actor") == actor
                    and told("person_id") == person
                    and told("system") == system
                    and told("attribute") == attribute
                    and told("case_id") == case
                    and told("correction_id") == correction
                    and at >= last_at
                )
            except (ValueError, AttributeError, TypeError):
                content, fits = None, False
            if linked and fits:
                last_at = at
            else:
                self._tell(row, content, last_at, linked=linked, sound=sound)
            previous = (stored,) if linked else (stored, worked_out(previous[0], envelope))
            sound, expected = linked, sequence + 1
        self.entries += sum(row[0] >= self.silent_before for row in chunk) if self.silent_before else len(chunk)
        self.next, self.hashes, self.last_at, self._sound = expected, previous, last_at, sound

    def _tell(self, row: tuple[Any, ...], content: Any, last_at: str, *, linked: bool, sound: bool) -> None:
        sequence, at = row[0], row[1]
        if not isinstance(content, dict):
            self._add(Fault(Kind.STRANGE, sequence, "its envelope is not readable"))
            return
        if not linked and content.get("sequence") != sequence:
            # The number as the envelope has it may be anything that somebody wrote there.
            other = content.get("sequence")
            named = f"entry {other}" if isinstance(other, int) else "no number"
            self._add(Fault(Kind.MOVED, sequence, f"its envelope is that of {named}"))
        elif not linked and sound:
            self._add(Fault(Kind.CHANGED, sequence, "its hash is not that of its content after the entry before"))
        elif not linked:
            self._add(Fault(Kind.UNLINKED, sequence, "the entry before is at fault, so this one cannot be checked"))
        repeated = zip(("sequence", "at", *REPEATED), (sequence, at, *row[4:]), strict=True)
        columns = [name for name, value in repeated if content.get(name) != value]
        if columns and not (not linked and "sequence" in columns):
            self._add(Fault(Kind.COLUMN, sequence, f"says otherwise than its envelope: {', '.join(columns)}"))
        elif linked and at < last_at:
            self._add(Fault(Kind.CHANGED, sequence, "its moment is before that of an earlier entry"))

    def _add(self, fault: Fault) -> None:
        if fault.sequence is not None and (fault.until or fault.sequence) < self.silent_before:
            return
        if len(self.faults) < MOST:
            self.faults.append(fault)
        else:
            self.more += 1


def worked_out(earlier: str, envelope: str) -> str:
    """As `log.link`; said again here because a call less per entry counts, and so that the proof stands by itself."""
    return sha256(f"{earlier}\n{envelope}".encode(errors="surrogatepass")).hexdigest()


def _until(first: int, last: int) -> int | None:
    return last if last > first else None
