"""What is declared about the data: attributes, stages, authority, presence, gates, matching, comparison."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Discriminator, Field, Tag, model_validator

from hrorch_pipelines.stack.acting import ChangeKind
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
    WrittenAs,
)


class Attribute(Part):
    """One thing known about a person. The catalogue of attributes is the register of processing (GDPR Art. 30)."""

    data_type: Name = Field(description="The group whose authority decides this value.")
    type: AttributeType = Field(AttributeType.TEXT, description="What a value is, hence how two of them are compared.")
    label: str | None = Field(None, description="Shown instead of the name.")
    sensitivity: Sensitivity = Field(
        Sensitivity.PERSONAL, description="`normal` is shown in clear, everything else masked unless revealed."
    )
    tolerance: Tolerance | None = Field(None, description="Numbers: 0.005 or 0.5%. Nothing else has one.")
    compare: bool = Field(True, description="False: kept and shown, never compared (an id of the system's own).")
    required_in: list[Name] = Field(default_factory=list, description="Systems whose records must hold it.")
    grace: Duration | None = Field(
        None, description="Younger authority changes are `in_flight`; default `comparison.grace`."
    )
    purpose: str | None = Field(None, description="Why it is processed (GDPR Art. 5).")
    retention: Duration | None = Field(
        None, description="How long it is kept once the person has left, or a candidate's record last changed."
    )
    change: ChangeKind | None = Field(
        None, description="Kind of change a correction of it is (its budget); default: by its type and name."
    )


class AuthorityRule(Part):
    """Who decides in one stage, and what happens when the decider has nothing or is away."""

    system: Name = Field(description="The system that decides.")
    when_empty: Literal["empty", "hold"] = Field(
        "empty",
        description="`empty`: the value is empty and copies that hold one disagree. `hold`: no value, nothing compared.",
    )
    when_unavailable: Literal["last_good", "hold"] = Field(
        "last_good", description="No fresh snapshot: use the last good value, marked stale, or hold."
    )


def _as_rule(value: Any) -> Any:
    if isinstance(value, list):
        raise ValueError("a data type has one authority in a stage; write the one system that decides")  # noqa: TRY004
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
    live: str | None = Field(
        None, description="SQL over the system's own attributes: when a record counts as present. Default: always."
    )
    grace: Duration | None = Field(None, description="Time a record has to appear or go; default `comparison.grace`.")


class GateRule(Part):
    """A rule every record must pass. Failing an `error` quarantines the whole record; a `warning` only tells."""

    rule: Literal[
        "required", "pattern", "one_of", "range", "max_length", "unique", "not_before", "not_after", "not_future", "sql"
    ] = Field(description="Which rule. NULL passes every rule but `required`.")
    attribute: AttributeName | None = Field(None, description="What it looks at; `sql` may do without.")
    other: AttributeName | None = Field(None, description="The other attribute of `not_before` / `not_after`.")
    pattern: str | None = Field(
        None, description="`pattern`: a regular expression (RE2), found anywhere unless anchored by ^ and $."
    )
    values: list[str] = Field(default_factory=list, description="`one_of`: the allowed values.")
    values_from: str | None = Field(
        None, description="`one_of`: CSV beside the stack file; its first column, or `file.csv#column`."
    )
    min: str | None = Field(None, description="`range`: the smallest allowed, written like the attribute's type.")
    max: str | None = Field(None, description="`range`: the greatest allowed; `max_length`: the most characters.")
    sql: str | None = Field(None, description="SQL over the record's attributes that must be true. NULL passes.")
    when: str | None = Field(None, description="SQL: the rule applies only to records where this is true.")
    severity: Literal["error", "warning"] = Field("error", description="`error` quarantines, `warning` only tells.")
    route: Name | None = Field(None, description="Reviewer; default: the system's owner.")
    cause: str | None = Field(None, description="Probable cause, in words for the reviewer.")
    action: str | None = Field(None, description="What the reviewer does.")
    due: Duration = Field("1d", validate_default=True, description="Time the reviewer has.")
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
            raise ValueError(
                f"rule `{self.rule}` needs {missing.get(self.rule, '`other`' if self.rule.startswith('not_') else f'`{self.rule}`')}"
            )
        if self.rule != "sql" and self.attribute is None:
            raise ValueError(f"rule `{self.rule}` needs `attribute`")
        return self


class Expectation(Part):
    """What a whole snapshot must look like. A failed `error` stops the snapshot at the gate."""

    expect: Literal["volume", "completeness", "drift", "unique", "refers_to"] = Field(description="Which expectation.")
    attribute: AttributeName | None = Field(None, description="What it looks at; `volume` does without.")
    at_least: Share | None = Field(None, description="completeness, refers_to, unique: smallest share.")
    at_most: float | None = Field(
        None, description="drift: greatest population stability index against the last passed snapshot."
    )
    min_rows: int | None = Field(None, ge=0, description="volume: fewest rows.")
    max_rows: int | None = Field(None, ge=0, description="volume: most rows.")
    refers_to: str | None = Field(None, description="`system.attribute` the values must be found in.")
    severity: Literal["error", "warning"] = Field(
        "error", description="`error` stops the snapshot, `warning` only tells."
    )
    route: Name | None = Field(None, description="Reviewer; default: the system's owner.")
    action: str | None = Field(None, description="What the reviewer does.")


def _rule_or_expectation(value: Any) -> str:
    """Which of the two forms is meant, so that errors speak of that form only."""
    expects = "expect" in value if isinstance(value, dict) else isinstance(value, Expectation)
    return "(expectation)" if expects else "(rule)"


Gate = Annotated[
    Annotated[GateRule, Tag("(rule)")] | Annotated[Expectation, Tag("(expectation)")],
    Discriminator(_rule_or_expectation),
]


class MatchKey(Part):
    """Attributes that together identify a person. A key that finds two people goes to review."""

    attributes: list[AttributeName] = Field(min_length=1, description="All of them must be equal.")
    confirm: list[AttributeName] = Field(
        default_factory=list,
        description="At least one of these must not contradict; else the pair goes to review (a reused number, a typed-over row).",
    )


class Probabilistic(Part):
    """What Splink compares when no key decides."""

    attributes: list[AttributeName] = Field(min_length=2, description="What is compared.")
    block_on: list[list[AttributeName]] = Field(
        min_length=1, description="Pairs are compared when one of these agrees."
    )


def _low_first(between: tuple[float, float]) -> tuple[float, float]:
    if between[0] >= between[1]:
        raise ValueError("is not [low, high]; write the lower probability first")
    return between


class Matching(Part):
    """Who is who. Below `review_between` pairs are left apart, above they are linked, between they are asked."""

    keys: list[MatchKey] = Field(default_factory=list, description="Tried in the order written.")
    probabilistic: Probabilistic | None = Field(None, description="For what no key decides.")
    review_between: Annotated[tuple[Probability, Probability], AfterValidator(_low_first)] = Field(
        (0.10, 0.99), description="Probabilities between which a person is asked."
    )
    reviewer: Name | None = Field(None, description="Who is asked; default: the systems' owners.")


class Comparison(Part):
    """Defaults of the comparison."""

    grace: Duration = Field(
        "24h", validate_default=True, description="Time a change of the authority has to reach its copies."
    )
    pay_periods_per_year: int = Field(26, gt=0, description="Money at risk is per pay period.")


_A_SYSTEM = '{"type": "string", "description": "The system that decides: short for {system: that}."}'
DataTypes = dict[Name, dict[Name, Annotated[AuthorityRule, BeforeValidator(_as_rule), WrittenAs(_A_SYSTEM, also=True)]]]
"""Data type → stage → rule."""
