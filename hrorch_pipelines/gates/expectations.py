"""What a whole snapshot must look like: the expectations of one record type, each a limit on one figure of its profile."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hrorch_pipelines.gates.rules import reviewer_of
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.gates.words import action_words
from hrorch_pipelines.stack.rules import Expectation

_CAUSES = {
    "volume": "An export that was cut, filtered or doubled",
    "completeness": "A field that stopped being delivered, or a column that was renamed",
    "drift": "A changed code list, a shifted column, or a reorganization nobody announced",
    "unique": "An export that was doubled, or a key column that was exchanged",
    "refers_to": "An export older than the one it refers to, or another kind of key",
}


@dataclass(frozen=True)
class SnapshotRule:
    """One figure of the profile and its limits. `measure` is the figure's column."""

    expectation: str
    expect: str
    measure: str
    attribute: str | None
    low: float | None
    high: float | None
    severity: str
    cause: str
    action: str
    reviewer: str
    deputy: str | None
    refers_to: str | None = None
    due: timedelta = timedelta(days=1)

    @property
    def limit_text(self) -> str:
        bounds = [
            f"{word} {bound:g}" for word, bound in (("at least", self.low), ("at most", self.high)) if bound is not None
        ]
        return " and ".join(bounds) or "any"


def snapshot_rules(scope: RecordType, rows_before: int | None) -> list[SnapshotRule]:
    """The declared expectations, and one nobody has to declare: a snapshot has rows.

    A record type that stands for persons is never empty; a child (offers, bank accounts) may be, unless it was not so in
    the last snapshot that passed: an empty answer is unknown, not 'deleted'.
    """
    declared = scope.expectations
    rules: list[SnapshotRule] = []
    if not any(item.expect == "volume" and item.min_rows is not None for item in declared):
        needed = scope.record == scope.stack.systems[scope.system].base_record or bool(rows_before)
        rules.append(_compile(scope, Expectation(expect="volume", min_rows=1 if needed else 0), "volume"))
    names: dict[str, int] = {rule.expectation: 1 for rule in rules}
    for item in declared:
        name = f"{item.attribute}-{item.expect}" if item.attribute else item.expect
        names[name] = names.get(name, 0) + 1
        rules.append(_compile(scope, item, name if names[name] == 1 else f"{name}-{names[name]}"))
    return rules


def measure_of(item: Expectation) -> str:
    """The profile column an expectation looks at."""
    if item.expect == "volume":
        return "rows"
    if item.expect == "refers_to":
        return f"{item.attribute} found in {item.refers_to}"
    words = {"completeness": "filled", "drift": "stability index", "unique": "distinct"}
    return f"{item.attribute} {words[item.expect]}"


def _compile(scope: RecordType, item: Expectation, name: str) -> SnapshotRule:
    reviewer, deputy = reviewer_of(scope.stack, scope.system, item.route)
    low: float | None = item.at_least
    high = item.at_most
    if item.expect == "volume":
        low, high = item.min_rows, item.max_rows
    elif item.expect == "drift":
        low, high = None, 0.25 if item.at_most is None else item.at_most
    elif low is None:
        low = 1.0
    return SnapshotRule(
        expectation=name,
        expect=item.expect,
        measure=measure_of(item),
        attribute=item.attribute,
        low=low,
        high=high,
        severity=item.severity,
        cause=_CAUSES[item.expect],
        action=item.action or f"{action_words(scope.stack, scope.system, item.attribute)}, or extract again",
        reviewer=reviewer,
        deputy=deputy,
        refers_to=item.refers_to,
    )
