"""The stack file as a whole. Cross-checks between its parts are in `faults`; reading it is in `load`."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, PrivateAttr, SecretStr

from hrorch_pipelines.stack.acting import Alerts, Corrections, Exceptions
from hrorch_pipelines.stack.handing import Handoff, Lifecycle, Screening
from hrorch_pipelines.stack.mapping import Currency, Part
from hrorch_pipelines.stack.outlets import Outlet
from hrorch_pipelines.stack.rules import Attribute, Comparison, DataTypes, Gate, Matching, Presence, Stage
from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.stack.terms import AttributeName, Name


class Organization(Part):
    """Whose stack this is; its calendar decides when a date turns and when something is overdue."""

    name: str = Field(description="Shown in reports.")
    time_zone: str = Field("UTC", description="IANA name; HR dates turn at its midnight.")
    currency: Currency = Field("USD", description="Currency of amounts whose mapping names none; ISO 4217.")
    work_week: str = Field("mon-fri", description="First and last working day, such as mon-fri or sun-thu.")
    work_hours: Annotated[str, Field(pattern=r"^\d\d:\d\d-\d\d:\d\d$")] = Field(
        "09:00-17:00", description="Working hours of a working day; time to resolve is counted in them."
    )
    holidays: str | None = Field(None, description="Country code of the `holidays` library, e.g. US or US-IL.")


class Away(Part):
    """Days somebody does not work; cases go to the deputy."""

    first: date = Field(description="First day away.")
    last: date = Field(description="Last day away.")


class Owner(Part):
    """A named person who owns systems or reviews exceptions."""

    name: str = Field(description="As colleagues know them.")
    email: Annotated[str, Field(pattern=r"^[^@\s]+@[^@\s]+$")] = Field(description="Where they are told.")
    deputy: Name | None = Field(None, description="Who acts when this one is away.")
    away: list[Away] = Field(default_factory=list, description="When this one is away.")
    alert_urls: list[SecretStr] = Field(
        default_factory=list, description="Where alerts for them go; default: `alerts.urls`."
    )


class Stack(Part):
    """Everything the user declares."""

    version: Literal[1] = Field(1, description="Version of this format.")
    organization: Organization = Field(description="Whose stack this is.")
    people: dict[Name, Owner] = Field(min_length=1, description="Owners and reviewers, by a short name.")
    systems: dict[Name, System] = Field(min_length=1, description="The systems to observe.")
    attributes: dict[AttributeName, Attribute] = Field(min_length=1, description="What is known about a person.")
    stages: dict[Name, Stage] = Field(
        min_length=1, description="Lifecycle stages; the first that holds is the person's."
    )
    authority: DataTypes = Field(description="Data type → stage → the one system that decides there.")
    presence: dict[Name, Presence] = Field(default_factory=dict, description="Who must, and must not, be in a system.")
    gates: dict[str, list[Gate]] = Field(default_factory=dict, description="`system.record` → rules and expectations.")
    matching: Matching = Field(Matching(), description="Who is who.")
    comparison: Comparison = Field(Comparison(), description="Defaults of the comparison.")

    exceptions: Exceptions = Field(Exceptions(), description="Who reviews what, by when.")
    corrections: Corrections = Field(Corrections(), description="What is put right, how carefully.")
    lifecycle: Lifecycle = Field(Lifecycle(), description="What one hire is, and whose day it is.")
    outlets: dict[Name, Outlet] = Field(default_factory=dict, description="Where letters and invitations go.")
    handoffs: dict[Name, Handoff] = Field(default_factory=dict, description="What must happen because of what.")
    screening: Screening = Field(Screening(), description="What follows an adverse background check.")
    alerts: Alerts = Field(Alerts(), description="Who is told of what fails.")
    legal_hold: list[str] = Field(
        default_factory=list, description="People (`person_id`, or `system:source_id`) who may not be erased."
    )

    _folder: Path = PrivateAttr(default=Path())
    _hash: str = PrivateAttr(default="")

    @property
    def folder(self) -> Path:
        """Where the stack file lies; catalogues and relative paths start here."""
        return self._folder

    @property
    def content_hash(self) -> str:
        """SHA-256 of the file with presets applied, `${NAME}` not filled in."""
        return self._hash

    def systems_with(self, attribute: str) -> list[str]:
        """Systems that map an attribute, in the order declared."""
        return [name for name, system in self.systems.items() if attribute in system.mapped()]

    def authority_of(self, attribute: str, stage: str) -> str | None:
        """The system that decides an attribute in a stage; None where the stage has no rule for its data type."""
        rule = self.authority.get(self.attributes[attribute].data_type, {}).get(stage)
        return rule.system if rule else None
