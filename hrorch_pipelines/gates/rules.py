"""The rules of one record type, ready to be judged: limits parsed, words and reviewers filled in. Nothing is judged here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from hrorch_pipelines.gates.catalogues import CatalogueUnusable, read_catalogue
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.gates.words import action_words, cause_words, expected_words
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import GateRule
from hrorch_pipelines.stack.terms import AttributeType

_DEFAULT_DUE = timedelta(days=1)
_STRUCTURE = {
    "missing-key": "a key",
    "missing-parent": "the key of the record it belongs to",
    "missing-effective-date": "the first day the row counts",
    "duplicate-key": "one record per key",
    "ambiguous-effective-date": "one row per person and day, or a sequence that says which counts",
}
_NOT_LOCAL = {"unique", "not_future", "sql"}


@dataclass(frozen=True)
class RowRule:
    """A rule on single records. `fault` is set when it cannot be judged at all, and then says why."""

    number: int
    rule_id: str
    kind: str  # a GateRule's `rule`, a structural rule's name, or `convertible`
    severity: str
    expected: str
    cause: str | None
    action: str
    reviewer: str
    deputy: str | None
    due: timedelta
    attribute: str | None = None
    other: str | None = None
    when: str | None = None
    sql: str | None = None
    pattern: str | None = None
    low: Any = None
    high: Any = None
    allowed: tuple[Any, ...] = ()
    fault: str | None = None

    @property
    def structural(self) -> bool:
        return self.kind in _STRUCTURE or self.kind == "convertible"

    @property
    def lasting(self) -> bool:
        """Whether the verdict holds as long as the record itself does not change: others, time and crashes have no say."""
        return self.when is None and self.kind not in _NOT_LOCAL and self.kind not in _STRUCTURE


def row_rules(scope: RecordType) -> list[RowRule]:
    """The declared rules of a record type, then the implied structural ones; numbered, each `rule_id` once."""
    declared = [_compile(scope, number, rule) for number, rule in enumerate(scope.rules)]
    implied = [
        structural_rule(scope, len(declared) + number, kind, expected=expected)
        for number, (kind, expected) in enumerate(_STRUCTURE.items())
    ]
    return _with_unique_ids([*declared, *implied])


def structural_rule(
    scope: RecordType, number: int, kind: str, *, expected: str, attribute: str | None = None
) -> RowRule:
    """A rule nobody has to declare."""
    reviewer, deputy = reviewer_of(scope.stack, scope.system, None)
    return RowRule(
        number=number,
        rule_id=f"{attribute}-{kind}" if attribute else kind,
        kind=kind,
        severity="error",
        expected=expected,
        cause=cause_words(kind),
        action=action_words(scope.stack, scope.system, attribute),
        reviewer=reviewer,
        deputy=deputy,
        due=_DEFAULT_DUE,
        attribute=attribute,
    )


def reviewer_of(stack: Stack, system: str, route: str | None) -> tuple[str, str | None]:
    """Who decides, and who does when they are away."""
    reviewer = route or stack.systems[system].owner
    owner = stack.people.get(reviewer)
    return reviewer, owner.deputy if owner else None


def _compile(scope: RecordType, number: int, rule: GateRule) -> RowRule:
    reviewer, deputy = reviewer_of(scope.stack, scope.system, rule.route)
    bare = RowRule(
        number=number,
        rule_id=rule.rule_id,
        kind=rule.rule,
        severity=rule.severity,
        expected=expected_words(rule),
        cause=rule.cause or cause_words(rule.rule),
        action=rule.action or action_words(scope.stack, scope.system, rule.attribute),
        reviewer=reviewer,
        deputy=deputy,
        due=rule.due,
        attribute=rule.attribute,
        other=rule.other,
        when=rule.when,
        sql=rule.sql,
        pattern=rule.pattern,
    )
    if any(name not in scope.attributes for name in (rule.attribute, rule.other) if name):
        return replace(bare, fault="attribute_not_mapped")
    try:
        return _with_limits(scope, bare, rule)
    except CatalogueUnusable as problem:
        return replace(bare, fault=problem.code)
    except (ValueError, InvalidOperation):
        return replace(bare, fault="limit_unreadable")


def _with_limits(scope: RecordType, bare: RowRule, rule: GateRule) -> RowRule:
    """Limits as values of the attribute's own type. Raises ValueError, InvalidOperation or CatalogueUnusable."""
    if rule.rule == "max_length":
        return replace(bare, high=int(rule.max or ""))
    if rule.rule == "range":
        read = _reader(scope.stack, rule.attribute or "")
        return replace(bare, low=rule.min and read(rule.min), high=rule.max and read(rule.max))
    if rule.rule == "one_of":
        texts = read_catalogue(scope.stack.folder, rule.values_from) if rule.values_from else []
        read = _reader(scope.stack, rule.attribute or "")
        allowed = tuple(dict.fromkeys(read(text) for text in [*rule.values, *texts]))
        return replace(bare, allowed=allowed, expected=expected_words(rule, len(allowed)))
    if rule.rule in {"not_before", "not_after"} and not _comparable(scope, rule):
        return replace(bare, fault="not_comparable")
    return bare


def _reader(stack: Stack, attribute: str) -> Callable[[str], Any]:
    """How a limit written in the stack file becomes a value of the attribute's type."""
    kind = stack.attributes[attribute].type
    if kind is AttributeType.DATE:
        return date.fromisoformat
    if kind is AttributeType.TIMESTAMP:
        return lambda text: _moment(text, stack.organization.time_zone)
    if kind is AttributeType.INTEGER:
        return int
    if kind in {AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY}:
        return _amount
    if kind is AttributeType.BOOLEAN:
        return lambda text: (
            {"true": True, "false": False}[text.lower()] if text.lower() in {"true", "false"} else int("")
        )
    return str


def _amount(text: str) -> Decimal:
    amount = Decimal(text)
    if not amount.is_finite():
        raise ValueError("not a finite number")
    return amount


def _moment(text: str, time_zone: str) -> datetime:
    """A moment in UTC, without its zone; one that names none is meant in the organization's."""
    moment = datetime.fromisoformat(text)
    aware = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(time_zone))
    return aware.astimezone(UTC).replace(tzinfo=None)


def _comparable(scope: RecordType, rule: GateRule) -> bool:
    kinds = {scope.attributes[name] for name in (rule.attribute, rule.other) if name}
    return len(kinds) == 1 or kinds == {"DATE", "TIMESTAMPTZ"}


def _with_unique_ids(rules: Iterable[RowRule]) -> list[RowRule]:
    """Two rules of one name would share their cases, so the second gets a number."""
    seen: dict[str, int] = {}
    result = []
    for rule in rules:
        seen[rule.rule_id] = seen.get(rule.rule_id, 0) + 1
        times = seen[rule.rule_id]
        result.append(rule if times == 1 else replace(rule, rule_id=f"{rule.rule_id}-{times}"))
    return result
