"""Which columns of a record are filled from the source, and by which field mapping. How is in `compile`."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.cells import Cell


def cells_of(stack: Stack, system: str, record: str) -> Iterator[Cell]:
    """The columns to fill from the source: those every record has, then the attributes."""
    declared = stack.systems[system].records[record]
    effective = declared.effective
    own: list[tuple[str, FieldMap | None, AttributeType]] = [
        ("source_id", declared.key, AttributeType.IDENTIFIER),
        ("parent_id", declared.parent_key, AttributeType.IDENTIFIER),
        ("effective_from", effective.from_ if effective else None, AttributeType.DATE),
        ("effective_to", effective.to if effective else None, AttributeType.DATE),
        ("sequence", effective.sequence if effective else None, AttributeType.INTEGER),
        ("source_updated_at", declared.changed_at, AttributeType.TIMESTAMP),
        ("source_updated_by", declared.changed_by, AttributeType.TEXT),
        ("source_version", declared.version, AttributeType.IDENTIFIER),
        ("deleted", declared.deleted, AttributeType.BOOLEAN),
    ]
    zone = stack.systems[system].time_zone or stack.organization.time_zone
    for name, field, kind in own:
        if field is not None:
            yield Cell(name, field, kind, field.time_zone or zone, field.currency, open_ended=name == "effective_to")
    for name, field in declared.fields.items():
        kind = stack.attributes[name].type
        paid = kind in {AttributeType.MONEY, AttributeType.PAY}
        currency = field.currency or (stack.organization.currency if paid else None)
        yield Cell(name, field, kind, field.time_zone or zone, currency, secret=kind is AttributeType.SECRET)


def secret_paths(stack: Stack, system: str) -> frozenset[str]:
    """Paths of every secret attribute of a system. All its records leave them out of `raw`: two may read one document."""
    return frozenset(
        path
        for record in stack.systems[system].records.values()
        for name, field in record.fields.items()
        if stack.attributes[name].type is AttributeType.SECRET
        for path in field.paths
    )
