"""Attributes and the fields that supply them: declared, mapped, once per system, with what their type needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path as FilePath

from hrorch_pipelines.stack.catalogues import catalogue_fault
from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity, tolerance_amount

NUMBERS = frozenset({AttributeType.INTEGER, AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY})
PAID = frozenset({AttributeType.MONEY, AttributeType.PAY})

RESERVED = frozenset(
    {
        *("row_id", "record_key", "occurrence", "source_id", "parent_id", "effective_from", "effective_to", "sequence"),
        *("source_updated_at", "source_updated_by", "source_version", "deleted", "record_hash", "hidden", "faults"),
        *("raw", "snapshot_id", "valid_from", "valid_to", "held", "person_id", "absent", "changed", "upcoming", "live"),
        *("stage", "as_of"),
    }
)
"""Columns of the tables between the rooms (docs/tables.md) and words of conditions."""


def check_fields(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Fields of undeclared attributes, attributes mapped twice, fields that lack what their type needs."""
    for name, system in stack.systems.items():
        first: dict[str, str] = {}
        for record, item in system.records.items():
            for attribute, field in item.fields.items():
                path: Path = ("systems", name, "records", record, "fields", attribute)
                if attribute not in declared.attributes:
                    yield _undeclared(path, attribute, declared)
                if attribute in first:
                    yield Finding(
                        path,
                        f"`{attribute}` is mapped twice in this system: `{first[attribute]}` supplies it too",
                        "keep it in one record type; take it out of the other (`null` where a preset put it)",
                    )
                first.setdefault(attribute, record)
                if attribute in stack.attributes:
                    yield from _field(path, field, stack.attributes[attribute].type, stack.folder)


def check_attributes(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Attributes whose declaration does not fit their type, or that nothing supplies."""
    for name, attribute in stack.attributes.items():
        path: Path = ("attributes", name)
        if name in RESERVED:
            yield Finding(path, f"`{name}` is a column every record has", "give the attribute another name")
        if attribute.tolerance is not None and attribute.type not in NUMBERS:
            yield Finding(
                (*path, "tolerance"),
                f"`{attribute.type.value}` is not a number, so it has no tolerance",
                "remove it, or set the right `type`",
            )
        elif attribute.tolerance is not None and _is_everything(attribute.tolerance):
            yield Finding((*path, "tolerance"), "is 100% or more: nothing would ever disagree", "write a smaller one")
        if attribute.type is AttributeType.SECRET and attribute.sensitivity is not Sensitivity.SECRET:
            yield Finding(
                (*path, "sensitivity"),
                "is weaker than the type `secret`; the keyed hash is treated as this says",
                note=True,
            )
        for number, system in enumerate(attribute.required_in):
            yield from _required((*path, "required_in", number), name, system, stack, declared)
    if declared.whole("systems", "attributes"):
        for name in stack.attributes:
            if not stack.systems_with(name):
                yield Finding(("attributes", name), "no system maps it, so there is nothing to compare", note=True)


def _is_everything(tolerance: str) -> bool:
    amount, relative = tolerance_amount(tolerance)
    return relative and amount >= 1


def _undeclared(path: Path, attribute: str, declared: Declared) -> Finding:
    known = sorted(declared.attributes)
    return Finding(
        path,
        f"`{attribute}` is mapped and not declared",
        f"{did_you_mean(attribute, known)}declare it under `attributes`, or take it out (`{attribute}: null` where a preset maps it)",
    )


def _required(path: Path, name: str, system: str, stack: Stack, declared: Declared) -> Iterator[Finding]:
    if system not in declared.systems:
        known = sorted(declared.systems)
        yield Finding(
            path, f"there is no system `{system}`", f"{did_you_mean(system, known)}name one of {listed(known)}"
        )
    elif declared.whole("systems") and name not in stack.systems[system].mapped():
        yield Finding(
            path, f"`{system}` must hold `{name}` and does not map it", f"map it in `{system}`, or take `{system}` out"
        )


def _field(path: Path, field: FieldMap, kind: AttributeType, folder: FilePath) -> Iterator[Finding]:
    if kind is AttributeType.PAY and field.unit is None and field.unit_from is None:
        yield Finding(
            path, "nothing says what the pay is per", "add `unit: year` (or month, hour, …), or `unit_from: path`"
        )
    given = field.model_fields_set
    for key, allowed in (
        ("unit", {AttributeType.PAY}),
        ("unit_from", {AttributeType.PAY}),
        ("unit_map", {AttributeType.PAY}),
        ("hours_per_year", {AttributeType.PAY}),
        ("currency", PAID),
        ("decimal", NUMBERS),
        ("thousands", NUMBERS),
        ("format", {AttributeType.DATE, AttributeType.TIMESTAMP}),
        ("time_zone", {AttributeType.DATE, AttributeType.TIMESTAMP}),
        ("true_values", {AttributeType.BOOLEAN}),
        ("false_values", {AttributeType.BOOLEAN}),
    ):
        if key in given and kind not in allowed:
            types = ", ".join(sorted(item.value for item in allowed))
            yield Finding(
                (*path, key),
                f"means nothing to the type `{kind.value}`",
                f"remove it, or set the attribute's type ({types})",
            )
    if field.unit_map and field.unit_from is None:
        yield Finding(
            (*path, "unit_map"), "there is no `unit_from` whose words it could explain", "add `unit_from`, or remove it"
        )
    if field.thousands and field.thousands == field.decimal:
        yield Finding(
            (*path, "thousands"), "is the decimal mark too", "set `decimal` and `thousands` to different signs"
        )
    if field.catalogue is not None:
        fault = catalogue_fault(folder, field.catalogue, ("source", "canonical"))
        if fault is not None:
            yield Finding((*path, "catalogue"), *fault)
