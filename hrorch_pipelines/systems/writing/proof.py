"""Whether a rewritten record says what was wished: mapped by the snapshots' own statement, and nothing else changed."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, tolerance_amount
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.writing.errors import unwritable
from hrorch_pipelines.systems.writing.remap import Mapped, Remap

_NUMBERS = {AttributeType.INTEGER, AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY}


def prove(
    remap: Remap,
    record: str,
    changes: Mapping[str, str | None],
    *,
    before: Sequence[Mapping[str, Any]],
    after: Sequence[Mapping[str, Any]],
    row: int,
    known: Mapped | None = None,
    others: frozenset[str] | None = None,
) -> Mapped:
    """The row as mapped from the documents `after`. Raises WriteFault `unwritable` where it does not say what was wished,
    or says something else than `before` about another attribute that shares a field with a changed one.

    `known`: the row as already mapped from `before`. `others`: what must stay, if more than such `neighbours`.
    """
    stack, system = remap.stack, remap.system
    others = neighbours(stack, system, record, changes) if others is None else others
    try:
        proven = _row(remap, record, after, row, {*changes, *others})
        standing = known or (_row(remap, record, before, row, others) if others else None)
    except MappingFault as wrong:
        raise unwritable("bad_path", wrong.what) from None
    for attribute, wish in changes.items():
        if attribute not in proven.values or not near(stack, attribute, wish, proven.values[attribute]):
            raise unwritable("not_representable", f"{attribute}: this value cannot be said exactly in {system}'s terms")
    for attribute in others if standing is not None else ():
        if standing is not None and not _kept(stack, attribute, standing, proven):
            raise unwritable("side_effect", f"{attribute}: would change too, as the two share a field in {system}")
    return proven


def neighbours(stack: Stack, system: str, record: str, changes: Mapping[str, Any]) -> frozenset[str]:
    """Attributes of the record that read a field one of the changed ones is written to, and are not changed themselves."""
    fields = stack.systems[system].records[record].fields
    touched = {path for name in changes for path in [*fields[name].paths, fields[name].write_to] if path}
    return frozenset(
        name
        for name, field in fields.items()
        if name not in changes
        and (
            not touched.isdisjoint([*field.paths, field.unit_from])
            or (field.sql is not None and _named(field.sql, touched))
        )
    )


def same(stack: Stack, attribute: str, one: str | None, other: str | None) -> bool:
    """Whether two canonical texts are one value; numbers by value."""
    if one is None or other is None:
        return one is other
    kind = stack.attributes[attribute].type
    return meaning(kind, one) == meaning(kind, other)


def near(stack: Stack, attribute: str, wish: str | None, found: str | None) -> bool:
    """As `same`, numbers within the attribute's tolerance."""
    if same(stack, attribute, wish, found):
        return True
    declared = stack.attributes[attribute]
    if wish is None or found is None or declared.type not in _NUMBERS or declared.tolerance is None:
        return False
    amount, relative = tolerance_amount(declared.tolerance)
    try:
        return abs(Decimal(wish) - Decimal(found)) <= amount * (abs(Decimal(wish)) if relative else 1)
    except InvalidOperation:
        return False


def meaning(kind: AttributeType, text: str) -> str:
    """A text as far as two of them are compared: letter case of codes, marks of numbers, spaces and composition aside."""
    folded = unicodedata.normalize("NFC", " ".join(text.split()))
    if kind is AttributeType.CODE:
        return folded.lower().replace(" ", "_").replace("-", "_")
    if kind in {AttributeType.EMAIL, AttributeType.BOOLEAN}:
        return folded.lower()
    if kind in _NUMBERS:
        try:
            return f"{Decimal(folded).normalize():f}"
        except InvalidOperation:
            return folded
    return folded


def _row(
    remap: Remap, record: str, documents: Sequence[Mapping[str, Any]], row: int, attributes: frozenset[str] | set[str]
) -> Mapped:
    found = next((one for one in remap.rows(record, documents, attributes) if one.row == row), None)
    if found is None:
        raise unwritable("not_representable", "the record would no longer be read at all")
    return found


def _kept(stack: Stack, attribute: str, before: Mapped, after: Mapped) -> bool:
    """The same value, or one that was unknown, or that is withheld now: some fields say only one of two things at a time."""
    if attribute not in before.values or attribute in after.hidden:
        return True
    return attribute in after.values and near(stack, attribute, before.values[attribute], after.values[attribute])


def _named(sql: str, paths: set[str]) -> bool:
    return any(f"'{path}'" in sql for path in paths)
