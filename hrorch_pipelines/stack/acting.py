"""What is declared about acting: who reviews what by when, what is put right, in which measure, by whose leave."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SecretStr, model_validator

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import AttributeName, Duration, Name, Share

CaseSource = Literal["gate", "snapshot", "identity", "discrepancy", "correction", "budget", "handoff"]
"""Where a case comes from."""

TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
"""Local time, such as 08:00."""

ChangeKind = Literal["termination", "pay", "bank", "manager", "email", "name", "status", "other", "hire", "message"]
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


class Watched(Part):
    """From when on something that does not happen, or goes on too long, is a failure."""

    cycle: Duration = Field("6h", validate_default=True, description="The longest time between two finished cycles.")
    heartbeat: Duration = Field("10m", validate_default=True, description="The longest silence of daemon or sensors.")
    untrusted: int = Field(2, gt=0, description="Refused snapshots of one system in a row.")
    queue: Duration = Field("2h", validate_default=True, description="The longest a correction waits to be sent.")
    starved: Duration = Field(
        "30m", validate_default=True, description="The longest corrections wait because the system asks for patience."
    )
    passes: Duration = Field(
        "2h", validate_default=True, description="The longest nobody looks what handoffs should have made."
    )
    parked: Duration = Field(
        "5d", validate_default=True, description="The longest a handoff waits for something that is missing."
    )
    gate_cycles: int = Field(20, ge=5, description="Snapshots whose share held at the gate is what is usual.")
    gate_band: float = Field(
        4.0, gt=0, description="How far from usual is too far, in median absolute deviations scaled to a standard one."
    )
    disk_free: Share = Field("10%", validate_default=True, description="Less of the disk free than this.")
    disk_full: Duration = Field(
        "7d", validate_default=True, description="At the pace of the last days it is full by then."
    )
    audit_head: Duration = Field("2d", validate_default=True, description="The longest the audit log goes on unsigned.")


class Alerts(Part):
    """Who is told of what fails, where, and when not. Each failure has one owner; nobody is told twice of one change."""

    urls: list[SecretStr] = Field(
        default_factory=list,
        description="Addresses as Apprise writes them (mailto://, slack://, json://, …), for whom names none of their own. "
        "`{email}` is filled with the owner's. Give secrets as ${NAME}; an empty one is left out.",
    )
    default_owner: Name | None = Field(
        None, description="Who owns what no system's owner does; default: `exceptions.default_reviewer`."
    )
    quiet_hours: Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] | None = Field(
        None, description="Local time in which only what is critical is sent, such as 20:00-07:00; the rest waits."
    )
    digest_at: TimeOfDay | None = Field(None, description="Local time at which owners get a list of what is open.")
    escalate_after: Duration = Field("4h", validate_default=True, description="Open so long, and the deputy is told.")
    settle: Duration = Field(
        "5m", validate_default=True, description="Right for so long before it counts as recovered."
    )
    keep_trying: Duration = Field(
        "3d", validate_default=True, description="How long an undeliverable message is tried."
    )
    watch: Watched = Field(Watched(), description="From when on something is a failure.")
