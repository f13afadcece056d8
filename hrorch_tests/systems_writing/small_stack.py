"""A stack of one system, `s`, to write into."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.models import Stack


def small_stack(system: dict[str, Any], records: dict[str, Any], types: dict[str, str], folder: Path = Path()) -> Stack:
    """`types`: attribute → type. Every attribute is personal and may be written."""
    attributes = {
        name: {"data_type": "personal", "type": kind, "sensitivity": "personal"} for name, kind in types.items()
    }
    stack = Stack.model_validate(
        {
            "organization": {"name": "T", "time_zone": "America/Chicago"},
            "people": {"dana": {"name": "Dana", "email": "d@x.example"}},
            "systems": {"s": {"owner": "dana", "records": records, "writes": {"attributes": list(types)}, **system}},
            "attributes": attributes,
            "stages": {"worker": {"present_in": ["s"]}},
            "authority": {"personal": {"worker": "s"}},
        }
    )
    stack._folder = folder
    return stack
