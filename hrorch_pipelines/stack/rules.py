"""What is declared about the data: attributes, stages, authority, presence, gates, matching, comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import (
    AttributeName,
    AttributeType,
    Duration,
    Name,
    Probability,
    Sensitivity,
    Share,
    Tolerance,
)


class Attribute(Part):
    """One thing known about a person. The catalogue of attributes is the register of processing (GDPR Art. 30)."""

    data_type: Name = Field(description="The group whose authority decides this value.")
    type: AttributeType = AttributeType.TEXT
    label: str | None = None
    sensitivity: Sensitivity = Sensitivity.PERSONAL
    tolerance: Tolerance | None = Field(
        None, description="Numbers: 0.005 or 0.5%. Nothing else has one."
    )
    compare: bool = Field(True, description="False: kept and shown, never compared (an id of the system's own).")
    required_in: list[Name] = Field(default_factory=list, description="Systems whose records must hold it.")
    grace: Duration | None = Field(None, description="Younger authority changes are `in_flight`; default `comparison.grace`.")
    purpose: str | None = None
    retention: Duration | None = None


class AuthorityRule(Part):
    """Who decides in one stage, and what happens when the decider has nothing or is away."""

    system: Name
    when_empty: Literal["empty", "hold"] = Field(
        "empty", description="`empty`: the value is empty and copies that hold one disagree. `hold`: no value, nothing compared."
    )
    when_unavailable: Literal["last_good", "hold"] = Field(
        "last_good", description="No fresh snapshot: use the last good value, marked stale, or hold."
    )


def _as_rule(value: Any) -> Any:
    return {"system": value} if isinstance(value, str) else value


class Stage(Part):
    """A lifecycle stage. Stages are tried in the order written; the first that holds is the person's."""

    present_in: list[Name] = Field(min_length=1, description="The person has a record in one of these systems.")
    when: str | None = Field(
        None, description="SQL over `<system>.<attribute>`, for example `hris.employment_status <> 'terminated'`."
    )


class Presence(Part):
    """Who must have a record in a system, and who must not. SQL over the golden record; `stage` is a column."""

    must: str | None = Field(None, description="e.g. stage = 'worker' AND employment_status IN ('active', 'leave')")
    must_not: str | None = Field(None, description="A live record where this holds is a ghost.")
    live: str | None = Field(None, description="SQL over the system's own attributes: when a record counts as present. Default: always.")
    grace: Duration | None = None


class GateRule(Part):
    """A rule every record must pass. Failing an `error` quarantines the whole record; a `warning` only tells."""

    rule: Literal[
        "required", "pattern", "one_of", "range", "max_length", "unique", "not_before", "not_after", "not_future", "sql"
    ]
    attribute: AttributeName | None = Field(None, description="What it looks at; `sql` may do without.")
    other: AttributeName | None = Field(None, description="The other attribute of `not_before` / `not_after`.")
    pattern: str | None = None
    values: list[str] = Field(default_factory=list)
    values_from: str | None = Field(None, description="CSV beside the stack file; its first column, or `file.csv#column`.")
    min: str | None = None
    max: str | None = None
    sql: str | None = Field(None, description="SQL over the record's attributes that must be true. NULL passes.")
    when: str | None = Field(None, description="SQL: the rule applies only to records where this is true.")
    severity: Literal["error", "warning"] = "error"
    route: Name | None = Field(None, description="Reviewer; default: the system's owner.")
    cause: str | None = Field(None, description="Probable cause, in words for the reviewer.")
    action: str | None = Field(None, description="What the reviewer does.")
    due: Duration = Field("1d", validate_default=True)
    id: Name | None = Field(None, description="Stable name; made from rule and attribute when absent.")

    @property
    def rule_id(self) -> str:
        return self.id or "-".join(part for part in (self.attribute, self.rule, self.other) if part)

    @model_validator(mode="after")
    def _complete(self) -> GateRule:
        needs = {
            "pattern": self.pattern,
            "one_of": self.values or self.values_from,
            "range": self.min or self.max,
            "max_length": self.max,
            "not_before": self.other,
            "not_after": self.other,
            "sql": self.sql,
        }
        if self.rule in needs and not needs[self.rule]:
            missing = {"one_of": "`values` or `values_from`", "range": "`min` or `max`", "max_length": "`max`"}
            raise ValueError(f"rule `{self.rule}` needs {missing.get(self.rule, '`other`' if self.rule.startswith('not_') else f'`{self.rule}`')}")
        if self.rule != "sql" and self.attribute is None:
            raise ValueError(f"rule `{self.rule}` needs `attribute`")
        return self


class Expectation(Part):
    """What a whole snapshot must look like. A failed `error` stops the snapshot at the gate."""

    expect: Literal["volume", "completeness", "drift", "unique", "refers_to"]
    attribute: AttributeName | None = None
    at_least: Share | None = Field(None, description="completeness, refers_to, unique: smallest share.")
    at_most: float | None = Field(None, description="drift: greatest population stability index against the last passed snapshot.")
    min_rows: int | None = None
    max_rows: int | None = None
    refers_to: str | None = Field(None, description="`system.attribute` the values must be found in.")
    severity: Literal["error", "warning"] = "error"
    route: Name | None = None
    action: str | None = None


def _rule_or_expectation(value: Any) -> Any:
    if isinstance(value, dict):
        return (Expectation if "expect" in value else GateRule).model_validate(value)
    return value


Gate = Annotated[GateRule | Expectation, BeforeValidator(_rule_or_expectation)]


class MatchKey(Part):
    """Attributes that together identify a person. A key that finds two people goes to review."""

    attributes: list[AttributeName] = Field(min_length=1)
    confirm: list[AttributeName] = Field(
        default_factory=list,
        description="At least one of these must not contradict; else the pair goes to review (a reused number, a typed-over row).",
    )


class Probabilistic(Part):
    """What Splink compares when no key decides."""

    attributes: list[AttributeName] = Field(min_length=2)
    block_on: list[list[AttributeName]] = Field(min_length=1, description="Pairs are compared when one of these agrees.")


class Matching(Part):
    """Who is who. Below `review_between` pairs are left apart, above they are linked, between they are asked."""

    keys: list[MatchKey] = Field(default_factory=list)
    probabilistic: Probabilistic | None = None
    review_between: tuple[Probability, Probability] = (0.10, 0.99)
    reviewer: Name | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Matching:
        if self.review_between[0] >= self.review_between[1]:
            raise ValueError("review_between is [low, high], low first")
        return self


class Comparison(Part):
    """Defaults of the comparison."""

    grace: Duration = Field("24h", validate_default=True, description="Time a change of the authority has to reach its copies.")
    pay_periods_per_year: int = Field(26, gt=0, description="Money at risk is per pay period.")


DataTypes = dict[Name, dict[Name, Annotated[AuthorityRule, BeforeValidator(_as_rule)]]]
"""Data type → stage → rule."""
