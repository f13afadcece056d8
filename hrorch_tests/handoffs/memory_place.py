"""A place that things are made in, kept in memory: an outside system, with the troubles outside systems have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hrorch_pipelines.systems.making.protocol import Event, Letter, Making, NewRecord, Seen
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt, WriteFault


def fault(outcome: Any, code: str = "timed_out", **more: Any) -> WriteFault:
    return WriteFault(code, "The place is in trouble.", outcome=outcome, remedy="wait", **more)


@dataclass
class Place:
    """A maker. Records are known by `identity` (the attribute that tells who it is); letters cannot be looked up.

    `troubles` are taken from the front, one per make: a callable that raises before (`before=True`) or after making.
    """

    identity: str = "work_email"
    made: dict[str, Any] = field(default_factory=dict)
    letters: list[tuple[str, Letter]] = field(default_factory=list)
    makes: Counter[str] = field(default_factory=Counter)
    looks: int = 0
    down: bool = False
    lagging: int = 0  # looks that do not show what was made
    unclear: set[str] = field(default_factory=set)
    troubles: list[tuple[str, WriteFault]] = field(default_factory=list)
    hand: Callable[[Making], None] | None = None
    filled: Mapping[str, str] = field(default_factory=dict)  # what it puts into what is made here

    def preview(self, making: Making) -> Preview:
        return Preview("MAKE", making.place, {"what": "…"})

    def look(self, making: Making) -> Seen:
        self.looks += 1
        if self.down:
            raise fault("not_done", "unreachable")
        match making.content:
            case Letter():
                return Seen("untold")
            case Event():
                held = self.made.get(making.content.uid)
                if held is None:
                    return Seen("absent")
                return Seen("there" if held == making.content else "other", making.content.uid, version="1")
        known = self.key(making)
        if known in self.unclear:
            return Seen("unclear", why="two records have its key")
        if known in self.made and not self.lagging:
            return Seen("there", self.made[known], filled=self.filled if self.makes[known] else {})
        self.lagging = max(0, self.lagging - 1)
        return Seen("absent")

    def make(self, making: Making, seen: Seen) -> Receipt:  # noqa: ARG002
        if self.down:
            raise fault("not_done", "unreachable")
        when, trouble = self.troubles.pop(0) if self.troubles else ("never", fault("refused"))
        if when == "before":
            raise trouble
        receipt = self._make(making)
        if when == "after":
            raise trouble
        return receipt

    def close(self) -> None:
        """Nothing to give back."""

    def key(self, making: Making) -> str:
        content = making.content
        return content.values[self.identity] or "" if isinstance(content, NewRecord) else making.idempotency_key

    def _make(self, making: Making) -> Receipt:
        match making.content:
            case Letter():
                self.letters.append((making.idempotency_key, making.content))
                self.makes[making.idempotency_key] += 1
                return Receipt(f"<{making.idempotency_key}@mail>")
            case Event():
                self.made[making.content.uid] = making.content
                self.makes[making.content.uid] += 1
                return Receipt(making.content.uid)
        known = self.key(making)
        self.makes[known] += 1
        self.made[known] = f"{making.place}-{len(self.made) + 1}"
        return Receipt(self.made[known])
