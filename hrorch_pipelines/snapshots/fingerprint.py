"""Fingerprints of a declaration: did a value change, or only how we read it? A change of ours is no change of the source."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.terms import AttributeType

_ZONED = {AttributeType.DATE, AttributeType.TIMESTAMP}
_SHAPE = {"key", "parent", "parent_key", "effective", "explode", "where"}


def field_hashes(stack: Stack, system: str, record: str) -> dict[str, str]:
    """Attribute → hash of all that turns its source value into the canonical one, catalogue contents included."""
    declared = stack.systems[system]
    zones = [declared.time_zone, stack.organization.time_zone]
    return {
        name: _hash(
            field.model_dump(mode="json"),
            stack.attributes[name].type,
            _catalogue(stack.folder, field),
            zones if stack.attributes[name].type in _ZONED else None,
        )
        for name, field in declared.records[record].fields.items()
    }


def shape_hash(declared: Record) -> str:
    """Hash of what makes a source record one record: key, parent, effective dates, exploded list, condition."""
    return _hash(declared.model_dump(mode="json", include=_SHAPE))


def mapping_hash(stack: Stack, system: str, record: str) -> str:
    """Hash of the whole declaration of a record type: what is read, from where, and how it is mapped."""
    return _hash(
        stack.systems[system].records[record].model_dump(mode="json"),
        field_hashes(stack, system, record),
    )


def _catalogue(folder: Path, field: FieldMap) -> str | None:
    if field.catalogue is None:
        return None
    path = folder / field.catalogue.partition("#")[0]
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _hash(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]
