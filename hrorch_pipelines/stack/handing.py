"""Handoffs: what must happen in one system because of the state in another. Conditions are SQL over the person's state."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, Tag

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import AttributeName, Duration, Name


class Create(Part):
    """Make a record. One that is there already, made by a crash or by hand, is found by identity and not made again."""

    create: str = Field(
        description="`system.record`; a record with a parent is made under the person's own record there."
    )
    with_: dict[AttributeName, str] = Field(
        default_factory=dict, alias="with", description="Attribute → SQL over the person's state."
    )
    from_: str | None = Field(
        None, alias="from", description="Effective-dated records: SQL of the first day it counts."
    )


class Change(Part):
    """Change a record that is there, compare and set as a correction does."""

    change: str = Field(description="`system.record`.")
    with_: dict[AttributeName, str] = Field(
        alias="with", min_length=1, description="Attribute → SQL over the person's state."
    )
    from_: str | None = Field(
        None, alias="from", description="Effective-dated records: SQL of the first day it counts."
    )


class Mail(Part):
    """Send a letter. What was sent is kept, sealed, as evidence."""

    mail: Name = Field(description="One of `outlets`.")
    to: str = Field(description="SQL of the address.")
    subject: str = Field(description="Jinja template of one line, over `fields`; no person's value belongs in it.")
    text: str = Field(description="Jinja template beside the stack file: the letter's text.")
    attach: str | None = Field(None, description="Typst template (.typ) beside the stack file, made into a PDF.")
    attach_as: str = Field("letter.pdf", description="The attachment's name; no person's value belongs in it.")
    fields: dict[AttributeName, str] = Field(
        default_factory=dict, description="Name in the templates → SQL over the person's state."
    )
    again: bool = Field(False, description="Send it again when what it says changes.")


class Invite(Part):
    """Put an event into a calendar; moved when its day moves, taken out when it is compensated."""

    invite: Name = Field(description="One of `outlets`.")
    starts: str = Field(description="SQL of a day (all day long) or of a moment.")
    lasts: Duration = Field("1h", validate_default=True, description="How long, where `starts` is a moment.")
    summary: str = Field(description="Jinja template of one line, over `fields`.")
    text: str | None = Field(None, description="Jinja template beside the stack file: the description.")
    location: str | None = Field(None, description="SQL of where.")
    attendees: list[str] = Field(
        default_factory=list, description="SQL of an address, one each; empty ones are left out."
    )
    fields: dict[AttributeName, str] = Field(
        default_factory=dict, description="Name in the templates → SQL over the person's state."
    )


class Ask(Part):
    """Open a case for the handoff's owner: what only a person may do."""

    ask: str = Field(description="What is to be decided, one sentence without values.")
    action: str = Field(description="What the owner does.")
    screening: bool = Field(False, description="Adverse result of a check: the statutory steps of `screening` follow.")


_FORMS: dict[str, type[Part]] = {"create": Create, "change": Change, "mail": Mail, "invite": Invite, "ask": Ask}


def _form_of(then: Any) -> str | None:
    """Which form is meant: the key that names what is done."""
    if isinstance(then, dict):
        return next((f"({name})" for name in _FORMS if name in then), None)
    return next((f"({name})" for name, form in _FORMS.items() if isinstance(then, form)), None)


Then = Annotated[
    Annotated[Create, Tag("(create)")]
    | Annotated[Change, Tag("(change)")]
    | Annotated[Mail, Tag("(mail)")]
    | Annotated[Invite, Tag("(invite)")]
    | Annotated[Ask, Tag("(ask)")],
    Discriminator(_form_of),
]


class Requirement(Part):
    """What must hold before it is done. Until then the step is parked: neither lost nor acted on."""

    that: str = Field(description="SQL over the person's state.")
    missing: str | None = Field(
        None, description="What its absence is called, for people: `the candidate's authorisation`."
    )
    owner: Name | None = Field(None, description="Who can bring it about; default: the handoff's owner.")


def _as_requirements(value: Any) -> Any:
    items = value if isinstance(value, list) else [value]
    return [{"that": item} if isinstance(item, str) else item for item in items]


class Undo(Part):
    """What takes it back. An invitation is taken out of the calendar without being told how."""

    when: str = Field(description="SQL over the person's state: what was done is to be taken back.")
    then: Then | None = Field(None, description="How; without it the owner is asked to do it by hand.")


class Handoff(Part):
    """One step that must happen because of a state. Asked anew in every pass: what should exist, and does not?"""

    when: str = Field(description="SQL over the person's state: it must happen.")
    requires: Annotated[list[Requirement], BeforeValidator(_as_requirements)] = Field(
        default_factory=list, description="What must hold before; `done_<handoff>` says that another one is done."
    )
    then: Then = Field(description="What is done.")
    done: str | None = Field(
        None, description="SQL: it is there already, whoever did it. `create` of a person's own record knows by itself."
    )
    once_per: str | None = Field(None, description="SQL of what it is done once for; default: `lifecycle.spell`.")
    within: Duration = Field(description="Later than this after it was to happen, it is stalled and its owner is told.")
    by: str | None = Field(None, description="SQL of the last day for it, where that is sooner than `within`.")
    since: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] | None = Field(
        None,
        description="What had to happen before this day is left alone. Default: `within` before the first pass that knew this "
        "handoff, so that declaring one never acts on the past.",
    )
    owner: Name = Field(description="Who is told when it does not happen; one of `people`.")
    compensate: Undo | None = Field(None, description="When and how it is taken back.")


class TimeZones(Part):
    """Whose midnight a date turns at."""

    attribute: AttributeName = Field(description="The attribute that decides, such as `location`.")
    values: dict[str, str] = Field(description="Its value → IANA name; any other: the organization's.")


class Lifecycle(Part):
    """What one hire is, and whose day it is."""

    handoffs: Literal["off", "watch", "do"] = Field(
        "do",
        description="`watch` says what is due, parked and late, and whether somebody did it, and does nothing; `do` also acts, "
        "as far as `corrections.mode` lets it; `off` looks at none.",
    )
    spell: str = Field(
        "person_id", description="SQL over the person's state: one hire. A handoff is done once for each value of it."
    )
    time_zones: TimeZones | None = Field(None, description="Default: the organization's for everybody.")


class StatutoryStep(Part):
    """One step that the law asks for before a person may be turned down."""

    step: Name = Field(description="Its name, such as `pre-adverse-notice`.")
    action: str = Field(description="What is done, in a sentence.")
    wait: Duration | None = Field(None, description="Time that must pass after it before the next.")
    working: bool = Field(True, description="Whether only working days count in `wait`.")


class StatutoryRule(Part):
    """The steps of one jurisdiction from a day on. Facts to configure, not advice."""

    jurisdiction: str = Field(description="A value of `screening.jurisdiction`, or `*` for everywhere else.")
    since: Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$")] = Field(description="The first day the rule counts.")
    source: str = Field(description="Where it is written, such as `15 USC 1681b(b)(3)`.")
    steps: list[StatutoryStep] = Field(min_length=1, description="In their order.")


class Screening(Part):
    """What follows an adverse result. The product never turns anybody down."""

    jurisdiction: AttributeName | None = Field(None, description="The attribute that decides, such as `location`.")
    rules: list[StatutoryRule] = Field(default_factory=list, description="The newest that has begun counts.")


Kind = Literal["create", "change", "mail", "invite", "ask"]
"""What a handoff does."""


def kind_of(then: Create | Change | Mail | Invite | Ask) -> Kind:
    """The key that names what is done."""
    names: dict[type[Part], Kind] = {Create: "create", Change: "change", Mail: "mail", Invite: "invite", Ask: "ask"}
    return names[type(then)]
