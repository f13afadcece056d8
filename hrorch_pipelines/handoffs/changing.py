"""A change of a record that is there, as something to be made: so that one way of acting serves for all that handoffs do.

Reading, comparing and setting is the target's (`systems.writing`), as for a correction.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from hrorch_pipelines.corrections.sameness import same
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.protocol import Seen
from hrorch_pipelines.systems.writing.protocol import Change, Held, Preview, Receipt, Target, Write


@dataclass(frozen=True)
class Changing:
    """What one record is to say. `values`: attribute → canonical text; `source_id`: the base record's."""

    place: str
    record: str
    source_id: str
    values: Mapping[str, str | None] = field(repr=False)
    idempotency_key: str
    effective_from: date | None = None


class Changer:
    """Looks at a record, changes what differs given what it holds, and looks again."""

    def __init__(self, stack: Stack, target: Target) -> None:
        self.stack, self.target = stack, target
        self._held: dict[str, Held] = {}

    def preview(self, wanted: Changing) -> tuple[Preview, ...]:
        """The requests, values masked; reads and sends nothing. Raises WriteFault `unwritable`."""
        return self.target.preview(_write(wanted, wanted.values, None))

    def look(self, wanted: Changing) -> Seen:
        """`there`: the record says so already. `absent`: something differs. `unclear`: it is gone, or does not tell."""
        held = self.target.read(_write(wanted, wanted.values, None))
        if not held.found:
            return Seen("unclear", wanted.source_id, why="the record is no longer there")
        if untold := sorted(set(wanted.values) - set(held.values)):
            return Seen("unclear", wanted.source_id, why=f"the target does not show {', '.join(untold)}")
        if not self._differing(wanted, held):
            return Seen("there", wanted.source_id, held.version)
        self._held[wanted.idempotency_key] = held
        return Seen("absent", wanted.source_id, held.version)

    def make(self, wanted: Changing) -> Receipt:
        """Change what differed at the last look, and only while it still is as it was. Raises WriteFault."""
        held = self._held.pop(wanted.idempotency_key)
        receipt = self.target.send(_write(wanted, self._differing(wanted, held), held), held)
        return Receipt(wanted.source_id, receipt.version or receipt.reference, receipt.deferred)

    def close(self) -> None:
        """Give connections back."""
        self._held.clear()
        self.target.close()

    def _differing(self, wanted: Changing, held: Held) -> dict[str, str | None]:
        return {
            name: value
            for name, value in wanted.values.items()
            if not same(self.stack.attributes[name].type, held.values[name], value)
        }


def _write(wanted: Changing, values: Mapping[str, str | None], held: Held | None) -> Write:
    changes = tuple(
        Change(name, held.values[name] if held is not None else None, value) for name, value in values.items()
    )
    return Write(wanted.place, wanted.record, wanted.source_id, changes, wanted.idempotency_key, wanted.effective_from)
