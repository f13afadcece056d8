"""Which systems may send messages, and how each one's are proved. The vendors are written in the stack file's own words."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.webhooks import Signing

VENDORS = {
    # developers.greenhouse.io/webhooks.html. Its `Greenhouse-Event-ID` is outside what is signed: whoever sends an old message
    # again could change it, so the content itself says which message it is.
    "greenhouse": Signing(
        header="Signature",
        prefix="sha256 ",
        kind=["action"],
        subject=[
            "payload.application.candidate.id",
            "payload.candidate.id",
            "payload.candidate_id",
            "payload.person.id",
        ],
        ignored=["ping"],
    ),
    # documentation.bamboohr.com/docs/webhooks: event-based and field-based messages, as JSON.
    "bamboohr": Signing(
        header="X-BambooHR-Signature",
        timestamp="X-BambooHR-Timestamp",
        signed="{body}{timestamp}",
        kind=["type", "employees[*].action"],
        subject=["data.employeeId", "employees[*].id"],
    ),
    # docs.checkr.com/apis/webhooks. The secret is the API key.
    "checkr": Signing(
        header="X-Checkr-Signature",
        id="id",
        kind=["type"],
        subject=["data.object.candidate_id", "data.object.id"],
    ),
    # docs.gusto.com/embedded-payroll/docs/webhooks. Its `timestamp` is the event's, the same however late it is sent again.
    "gusto": Signing(header="X-Gusto-Signature", id="uuid", kind=["event_type"], subject=["entity_uuid"]),
}


@dataclass(frozen=True)
class Door:
    """How the messages of one system are proved. `secret` is None while there is none: then nothing is let in."""

    system: str
    scheme: str
    signing: Signing
    secret: bytes | None = field(repr=False)
    window: timedelta
    tolerance: timedelta
    every: timedelta

    @property
    def open(self) -> bool:
        """Whether anything can be let in."""
        return self.secret is not None


def doors(stack: Stack) -> dict[str, Door]:
    """One door per system with a `webhook`. An empty secret is none: anybody could sign with it."""
    made = {}
    for name, system in stack.systems.items():
        if (webhook := system.webhook) is None:
            continue
        secret = system.credentials.get(webhook.secret)
        made[name] = Door(
            system=name,
            scheme=webhook.scheme,
            signing=webhook.signing or VENDORS[webhook.scheme],
            secret=(secret.get_secret_value().encode() if secret is not None else b"") or None,
            window=webhook.window,
            tolerance=webhook.tolerance,
            every=webhook.every,
        )
    return made
