"""Reads `map` and `catalogue` of a field into one list of source value → canonical value."""

from __future__ import annotations

import csv
from pathlib import Path

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.systems.mapping.errors import FieldFault


def entries_of(field: FieldMap, folder: Path, attribute: str) -> dict[str, str]:
    """What `map` says, and under it what the catalogue says. Raises FieldFault for a catalogue that cannot be used."""
    if field.catalogue is None:
        return dict(field.map)
    return _read(folder / field.catalogue, field.catalogue, attribute) | field.map


def _read(path: Path, name: str, attribute: str) -> dict[str, str]:
    remedy = f"make `{name}` a UTF-8 CSV beside the stack file with the columns source,canonical"
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            header = set(rows[0]) if rows else set[str]()
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise FieldFault(
            attribute, f"catalogue `{name}` cannot be read ({type(problem).__name__})", remedy=remedy
        ) from None
    if not {"source", "canonical"} <= header:
        raise FieldFault(attribute, f"catalogue `{name}` has no rows under source,canonical", remedy=remedy)
    entries: dict[str, str] = {}
    for line, row in enumerate(rows, start=2):
        source, canonical = (row["source"] or "").strip(), (row["canonical"] or "").strip()
        if not source or entries.setdefault(source, canonical) != canonical:
            what = "has no source value" if not source else "gives a source value a second meaning"
            raise FieldFault(attribute, f"catalogue `{name}` row {line} {what}", remedy="correct or remove that row")
    return entries
