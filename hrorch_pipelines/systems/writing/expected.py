"""Whether a record still is as its correction expects: nothing is written over a value nobody has looked at."""

from __future__ import annotations

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.writing.errors import fault, unwritable
from hrorch_pipelines.systems.writing.proof import same
from hrorch_pipelines.systems.writing.protocol import Held, Write


def compare(stack: Stack, write: Write, held: Held) -> None:
    """Raises WriteFault `changed` where the record is gone or shows another value than `before`, `unwritable` where what
    it shows cannot be told."""
    if not held.found:
        raise fault("changed", f"{write.record}: the record is not there", "changed")
    refuse_unknown(write, held)
    for change in write.changes:
        if not same(stack, change.attribute, held.values[change.attribute], change.before):
            raise fault("changed", f"{change.attribute}: it is no longer what the correction was made for", "changed")


def refuse_unknown(write: Write, held: Held) -> None:
    """Raises WriteFault `unwritable` for an attribute that is withheld from us or cannot be read."""
    for change in write.changes:
        if change.attribute not in held.values:
            raise unwritable("unknown_value", f"{change.attribute}: what stands there cannot be told")
