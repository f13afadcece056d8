"""What a gate has to say about a snapshot: counts and figures, never a person's value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a failed rule means: the data is wrong, or the rule could not be evaluated."""

    BAD_DATA = "bad_data"
    GATE_ERROR = "gate_error"
    NOT_JUDGED = "not_judged"  # an expectation with nothing to hold the figure against yet


@dataclass(frozen=True)
class Counts:
    """Records of one type: `input` = `passed` + `quarantined` + `unchanged` (not judged again)."""

    input: int
    passed: int
    quarantined: int
    unchanged: int


@dataclass(frozen=True)
class RuleFailures:
    """How many of the judged records failed one rule."""

    record: str
    rule_id: str
    severity: str
    kind: Kind
    records: int


@dataclass(frozen=True)
class GateError:
    """A rule or expectation that could not be evaluated. `code` says why, in a fixed word or two."""

    record: str
    rule_id: str
    code: str


@dataclass(frozen=True)
class Verdict:
    """One expectation on a whole snapshot. `observed` is a count or share; None when there was nothing to measure."""

    record: str
    expectation: str
    attribute: str | None
    observed: float | None
    limit_text: str
    passed: bool
    severity: str
    kind: Kind | None


@dataclass(frozen=True)
class GateResult:
    """Everything one gate decided about one snapshot."""

    system: str
    snapshot_id: str
    gate_hash: str
    records: Mapping[str, Counts]
    rule_failures: tuple[RuleFailures, ...]
    expectations: tuple[Verdict, ...]
    suite_passed: bool
    gate_errors: tuple[GateError, ...]
