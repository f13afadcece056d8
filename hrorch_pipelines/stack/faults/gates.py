"""Gate rules: on records and fields that exist, with limits their attribute's type can have."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from hrorch_pipelines.stack.catalogues import catalogue_fault
from hrorch_pipelines.stack.faults.fields import NUMBERS
from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.rules import Gate, GateRule
from hrorch_pipelines.stack.terms import AttributeType

_DAYS = frozenset({AttributeType.DATE, AttributeType.TIMESTAMP})
_USED_BY = {
    "pattern": {"pattern"}, "values": {"one_of"}, "values_from": {"one_of"}, "min": {"range"}, "max": {"range", "max_length"},
    "other": {"not_before", "not_after"}, "sql": {"sql"},
}  # fmt: skip


def check_gates(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Gates on unknown records and fields, unusable limits and patterns."""
    for target, gates in stack.gates.items():
        yield from _target(target, declared)
        fields = fields_of(stack, target)
        seen: set[str] = set()
        for number, gate in enumerate(gates):
            path: Path = ("gates", target, number)
            if fields is not None:
                yield from _attributes(path, stack, target, gate, fields)
            if isinstance(gate, GateRule):
                yield from _rule(path, stack, gate)
                if gate.id is not None and gate.id in seen:
                    yield Finding(
                        (*path, "id"),
                        f"another rule of this record has the id `{gate.id}`",
                        "give each its own: cases are kept under it",
                    )
                seen.add(gate.id or "")


def fields_of(stack: Stack, target: str) -> set[str] | None:
    """The attributes a gate's record maps; None where the record is not there."""
    system, _, record = target.partition(".")
    found = stack.systems.get(system)
    return set(found.records[record].fields) if found and record in found.records else None


def _target(target: str, declared: Declared) -> Iterator[Finding]:
    path: Path = ("gates", target)
    system, _, record = target.partition(".")
    targets = sorted(f"{name}.{kind}" for name, kinds in declared.records.items() for kind in kinds)
    if system not in declared.systems:
        yield Finding(
            path,
            f"there is no system `{system}`",
            f"{did_you_mean(target, targets)}write `system.record`, such as {listed(targets, 3)}",
        )
    elif declared.records[system] and record not in declared.records[system]:
        own = sorted(declared.records[system])
        what = f"`{system}` has no record type `{record}`" if record else "does not say which record type"
        yield Finding(path, what, f"{did_you_mean(record, own)}write `{system}.` and one of {listed(own)}")


def _attributes(path: Path, stack: Stack, target: str, gate: Gate, fields: set[str]) -> Iterator[Finding]:
    system = target.partition(".")[0]
    for key in ("attribute", "other"):
        name = getattr(gate, key, None)
        if name is None or name in fields:
            continue
        elsewhere = stack.systems[system].mapped().get(name)
        hint = (
            f"`{system}.{elsewhere}` does: move the rule there"
            if elsewhere
            else f"{did_you_mean(name, fields)}it maps {listed(sorted(fields))}"
        )
        yield Finding((*path, key), f"`{target}` does not map `{name}`", hint)


def _rule(path: Path, stack: Stack, rule: GateRule) -> Iterator[Finding]:
    for key, rules in _USED_BY.items():
        if getattr(rule, key) and rule.rule not in rules:
            yield Finding(
                (*path, key),
                f"means nothing to the rule `{rule.rule}`",
                f"remove it, or use the rule {' or '.join(sorted(rules))}",
            )
    if rule.pattern is not None and rule.rule == "pattern":
        yield from _pattern((*path, "pattern"), rule.pattern)
    if rule.values_from is not None:
        name, _, column = rule.values_from.partition("#")
        fault = catalogue_fault(stack.folder, name, (column,) if column else ())
        if fault is not None:
            yield Finding((*path, "values_from"), *fault)
    if rule.rule == "max_length" and rule.max is not None and not (rule.max.isdigit() and int(rule.max) > 0):
        yield Finding((*path, "max"), "is not a number of characters", "write a whole number, such as 40")
    attribute = stack.attributes.get(rule.attribute or "")
    if attribute is not None:
        yield from _limits(path, rule, attribute.type)
        other = stack.attributes.get(rule.other or "")
        if other is not None and not _comparable(attribute.type, other.type):
            yield Finding(
                (*path, "other"),
                f"a `{other.type.value}` cannot be compared with a `{attribute.type.value}`",
                "name two dates, or two values of one type",
            )


def _limits(path: Path, rule: GateRule, kind: AttributeType) -> Iterator[Finding]:
    if rule.rule == "not_future" and kind not in _DAYS:
        yield Finding((*path, "attribute"), f"a `{kind.value}` has no future", "use the rule on a date or timestamp")
    read = _reader(kind)
    limits: dict[str, Any] = {}
    written = [("min", rule.min), ("max", rule.max)] if rule.rule == "range" else []
    for key, text in written:
        if text is None:
            continue
        try:
            limits[key] = read(text)
        except (ValueError, InvalidOperation):
            yield Finding(
                (*path, key), f"is not a `{kind.value}` as `{rule.attribute}` is", f"write it as {_example(kind)}"
            )
    if len(limits) == 2 and _above(limits["min"], limits["max"]):
        yield Finding((*path, "min"), "is above `max`: every record would fail", "exchange the two")
    for number, text in enumerate(rule.values if rule.rule == "one_of" else []):
        try:
            read(text)
        except (ValueError, InvalidOperation):
            yield Finding(
                (*path, "values", number),
                f"is not a `{kind.value}` as `{rule.attribute}` is",
                f"write it as {_example(kind)}",
            )


def _pattern(path: Path, pattern: str) -> Iterator[Finding]:
    import duckdb

    with duckdb.connect() as con:
        try:
            con.execute("SELECT regexp_matches('', ?)", [pattern]).fetchall()
        except duckdb.Error as error:
            why = str(error).splitlines()[0].partition(": ")[2]
            yield Finding(
                path,
                f"is not a pattern RE2 can read ({why})",
                "mend it; RE2 knows no look-ahead and no back-references",
            )


def _reader(kind: AttributeType) -> Callable[[str], Any]:
    match kind:
        case AttributeType.DATE:
            return date.fromisoformat
        case AttributeType.TIMESTAMP:
            return datetime.fromisoformat
        case AttributeType.INTEGER:
            return int
        case AttributeType.DECIMAL | AttributeType.MONEY | AttributeType.PAY:
            return _amount
        case AttributeType.BOOLEAN:
            return _truth
    return str


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError
    return amount


def _truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError
    return text.lower() == "true"


def _above(low: Any, high: Any) -> bool:
    if isinstance(low, datetime) and isinstance(high, datetime) and (low.tzinfo is None) != (high.tzinfo is None):
        return low.replace(tzinfo=None) > high.replace(tzinfo=None)
    return bool(low > high)


def _example(kind: AttributeType) -> str:
    if kind is AttributeType.DATE:
        return '"2026-01-31"'
    if kind is AttributeType.TIMESTAMP:
        return '"2026-01-31T09:00:00"'
    if kind is AttributeType.BOOLEAN:
        return '"true" or "false"'
    return "a whole number" if kind is AttributeType.INTEGER else 'a plain number, such as "15000.50"'


def _comparable(first: AttributeType, second: AttributeType) -> bool:
    text = first not in NUMBERS | _DAYS | {AttributeType.BOOLEAN}
    if first in _DAYS and second in _DAYS:
        return True
    whole = {AttributeType.INTEGER}
    numbers = NUMBERS - whole
    return (
        (first in numbers and second in numbers)
        or (first in whole and second in whole)
        or (text and second not in NUMBERS | _DAYS | {AttributeType.BOOLEAN})
        or first is second
    )
