"""What a re-read says about a correction: it is there, nothing happened, it cannot be told, or somebody else was at it."""

from __future__ import annotations

from typing import Literal

from hrorch_pipelines.corrections.sameness import same
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.writing.protocol import Held

Sight = Literal["after", "before", "other", "untold", "gone"]
"""`untold`: the record is there and this attribute cannot be told (withheld, not convertible)."""


def sight(kind: AttributeType, attribute: str, before: str | None, after: str | None, held: Held) -> Sight:
    """What the target shows of one attribute. A value that is already right counts as `after`, whatever it was before."""
    if not held.found:
        return "gone"
    if attribute not in held.values:
        return "untold"
    value = held.values[attribute]
    if same(kind, value, after):
        return "after"
    return "before" if same(kind, value, before) else "other"
