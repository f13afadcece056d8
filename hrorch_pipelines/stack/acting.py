"""What is declared about acting: who reviews what by when, what is put right, in which measure, by whose leave."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import AttributeName, Duration, Name, Share

CaseSource = Literal["gate", "snapshot", "identity", "discrepancy", "correction", "budget", "handoff"]
"""Where a case comes from."""

ChangeKind = Literal["termination", "pay", "bank", "manager", "email", "name", "status", "other"]
"""Kinds of change, each with a budget of its own."""


class Route(Part):
    """Who reviews cases of one sort. Routes are tried in the order written; the first whose every word fits decides."""

    source: CaseSource | None = Field(None, description="Where the case comes from.")
    system: Name | None = Field(None, description="The system it is about.")
    attribute: AttributeName | None = Field(None, description="The attribute it is about.")
    data_type: Name | None = Field(None, description="The attribute's data type.")
    entity: str | None = Field(None, description="The person's legal entity, as `exceptions.entity` says it.")
    reviewer: Name = Field(description="One of `people`.")
    due: Duration | None = Field(None, description="Working time the reviewer has; `1d` is one working day.")


class Exceptions(Part):
    """Cases: who gets them, by when, and to whom they go when time is up."""

    routes: list[Route] = Field(default_factory=list, description="First that fits; else the system's owner.")
    default_reviewer: Name | None = Field(
        None, description="Who gets a case that no route and no owner covers; default: the first of `people`."
    )
    entity: AttributeName | None = Field(None, description="The attribute that says a person's legal entity.")
    due: Duration = Field("1d", validate_default=True, description="Working time for what no route and no gate says.")
    escalate_after: Duration = Field(
        "0s", validate_default=True, description="Working time after `due` until the deputy is told."
    )


class Budget(Part):
    """The most corrections of one kind in one plan. Over it, that segment freezes and its owner gets a case."""

    kind: ChangeKind = Field(description="Which kind of change.")
    system: Name | None = Field(None, description="In this target only; else in each target by itself.")
    entity: str | None = Field(None, description="In this legal entity only.")
    count: int | None = Field(None, ge=0, description="At most so many.")
    share: Share | None = Field(None, description="At most this share of the target's people.")
    owner: Name | None = Field(None, description="Who decides about a frozen segment; default: the target's owner.")

    @model_validator(mode="after")
    def _bounded(self) -> Budget:
        if self.count is None and self.share is None:
            raise ValueError("has no bound; write `count` or `share`, or both (then the smaller holds)")
        return self


class NeverTouch(Part):
    """What is never written, whatever the comparison says."""

    attributes: list[AttributeName] = Field(default_factory=list, description="Attributes.")
    systems: list[Name] = Field(default_factory=list, description="Systems.")
    records: list[str] = Field(default_factory=list, description="Records, as `system:source_id`.")
    where: str | None = Field(None, description="SQL over the golden record: people who are left alone.")


class Fights(Part):
    """When the same value is corrected again and again, somebody else is writing it: stop and ask."""

    times: int = Field(3, gt=0, description="After so many confirmed corrections of one value …")
    within: Duration = Field("7d", validate_default=True, description="… in this time, the next one is a case.")


class Corrections(Part):
    """What is put right, how carefully. Nothing is sent until `mode` says `apply`."""

    mode: Literal["propose", "apply"] = Field("propose", description="`propose` plans and shows; `apply` also sends.")
    targets: list[Name] | None = Field(
        None, description="Only these systems are written; default: all that declare `writes`."
    )
    four_eyes: list[str] = Field(
        default_factory=list,
        description="Kinds of change, data types or attributes that need an approver who is not the proposer.",
    )
    approvers: list[Name] = Field(default_factory=list, description="Who may approve; default: all of `people`.")
    budgets: list[Budget] = Field(
        default_factory=list,
        description="Bounds per kind. A kind without one gets 5 % of the target's people, and at least 10.",
    )
    never_touch: NeverTouch = Field(NeverTouch(), description="What is left alone.")
    fights: Fights = Field(Fights(), description="When to stop correcting one value.")
    patience: Duration = Field(
        "2m", validate_default=True, description="How long a write may take to be seen when the target is read again."
    )
    tries: int = Field(8, gt=0, description="Sends of one correction before it becomes a case.")
    batch: int = Field(500, gt=0, description="Corrections per push.")
