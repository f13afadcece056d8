"""SCIM PATCH operations (RFC 7644 §3.5.2) for what a rewritten resource changes: paths of the mapping in SCIM's own form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.systems.mapping.paths import Match
from hrorch_pipelines.systems.writing.errors import unwritable
from hrorch_pipelines.systems.writing.places import Steps, exact, steps_of, value_at
from hrorch_pipelines.systems.writing.unmap import Rewritten, written_paths

_BARE = re.compile(r"true|false|-?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Operation:
    """One operation. `value` is absent for `remove`."""

    attribute: str
    op: Literal["add", "replace", "remove"]
    path: str
    value: Any = field(default=None, repr=False)

    def as_sent(self) -> dict[str, Any]:
        """Its JSON."""
        told = {"op": self.op, "path": self.path}
        return told if self.op == "remove" else {**told, "value": self.value}


def operations(
    declared: Record, changes: Mapping[str, str | None], held: Mapping[str, Any], made: Rewritten
) -> list[Operation]:
    """One operation per path that is written."""
    return [
        _operation(attribute, steps_of(path, "nested", attribute), held, made, empty=made.values[path] is None)
        for attribute in changes
        for path in written_paths(declared, attribute)
    ]


def _operation(attribute: str, steps: Steps, held: Mapping[str, Any], made: Rewritten, *, empty: bool) -> Operation:
    """A list element goes by its filter; one by number has no path in SCIM, so there the whole list is replaced."""
    numbered = next((place for place, step in enumerate(steps) if isinstance(step, int)), None)
    if numbered is not None:
        left = value_at(made.record, steps[:numbered])
        path = _path(steps[:numbered])
        return Operation(attribute, "replace", path, left) if left else Operation(attribute, "remove", path)
    matched = next((place for place, step in enumerate(steps) if isinstance(step, Match)), None)
    if empty:
        return Operation(attribute, "remove", _path(steps if matched is None else steps[: matched + 1]))
    if matched is not None and value_at(held, steps[: matched + 1]) is None:
        element = value_at(made.record, steps[: matched + 1])
        return Operation(attribute, "add", _path(steps[:matched]), [element])
    return Operation(attribute, "replace", _path(steps), value_at(made.record, steps))


def _path(steps: Steps) -> str:
    """`name.givenName`, `emails[primary eq true].value`, `urn:…:User:manager.value`."""
    path = ""
    for place, step in enumerate(steps):
        if isinstance(step, Match):
            value = step.value if _BARE.fullmatch(step.value) else exact(step.value)
            path += f"[{step.key} eq {value}]"
        elif isinstance(step, str):
            after_extension = place == 1 and path.startswith("urn:")
            path += ("" if not path else ":" if after_extension else ".") + step
        else:
            raise unwritable("bad_path", "SCIM has no path to an element by its number")
    return path
