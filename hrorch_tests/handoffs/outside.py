"""The outside systems of the chain, kept in memory: what is made and changed there, with answers that get lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hrorch_pipelines.systems.making.protocol import Making, NewRecord
from hrorch_pipelines.systems.writing.protocol import Held, Preview, Receipt, Write
from hrorch_tests.handoffs.memory_place import Place, fault


class Killed(BaseException):
    """The process died right after the system had done it, before the answer was heard."""


@dataclass
class Records(Place):
    """A system with records, known by `application`: a maker, and a target that changes them. `held`: source id → record.

    Every `lose`-th make or change succeeds and its answer is lost; every `kill`-th, the process dies instead.
    """

    identity: str = "application"
    held: dict[str, dict[str, Any]] = field(default_factory=dict)
    lose: int = 0
    kill: int = 0
    deeds: int = 0
    changes: Counter[str] = field(default_factory=Counter)

    def look(self, making: Making) -> Any:
        if isinstance(making.content, NewRecord):
            # Somebody may have entered it by hand since.
            self.made |= {one["application"]: key for key, one in self.held.items()}
        return super().look(making)

    def make(self, making: Making, seen: Any) -> Receipt:
        receipt = super().make(making, seen)
        if isinstance(making.content, NewRecord):
            self.held[receipt.reference or ""] = {"id": receipt.reference, **making.content.values}
        self._answer()
        return receipt

    def read(self, write: Write) -> Held:
        if self.down:
            raise fault("not_done", "unreachable")
        record = self.held.get(write.source_id)
        return Held(record is not None, {name: value for name, value in (record or {}).items() if name != "id"})

    def send(self, write: Write, held: Held) -> Receipt:  # noqa: ARG002
        self.held[write.source_id] |= {change.attribute: change.after for change in write.changes}
        self.changes[write.source_id] += 1
        self._answer()
        return Receipt(write.source_id)

    def preview(self, making: Any, held: Any = None) -> Any:  # noqa: ARG002
        return (Preview("MAKE", "here", {}),)

    def of(self, application: str) -> dict[str, Any] | None:
        return next((one for one in self.held.values() if one["application"] == application), None)

    def _answer(self) -> None:
        self.deeds += 1
        if self.kill and self.deeds % self.kill == 0:
            raise Killed
        if self.lose and self.deeds % self.lose == 0:
            raise fault("unknown")
