"""How a system tells us by itself that something changed: who signs, with what, and how old a message may be."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, model_validator

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.terms import Duration

_PLACES = re.compile(r"\{(\w+)\}")
_KNOWN = {"id", "timestamp", "body"}


class Signing(Part):
    """An HMAC-SHA-256 over what was sent, and where in the message its parts are. Our vendors are written in these words too."""

    header: str = Field(description="Header that holds the signature.")
    prefix: str = Field("", description="What stands before the signature in that header, such as `sha256=`.")
    encoding: Literal["hex", "base64"] = Field("hex", description="How the signature is written.")
    signed: str = Field(
        "{body}", description="What is signed: `{body}` as it came, `{timestamp}` and `{id}` as in their headers."
    )
    timestamp: str | None = Field(
        None, description="Header that says when it was sent: ISO 8601, or seconds or milliseconds since 1970."
    )
    id: str | None = Field(
        None, description="The event's own id: a JSON path, or `header:NAME`. Without it, the same content counts once."
    )
    kind: list[str] = Field(default_factory=list, description="JSON paths of the kind of event; the first that leads.")
    subject: list[str] = Field(
        default_factory=list, description="JSON paths of the key of the record it is about; the first that leads."
    )
    ignored: list[str] = Field(
        default_factory=list, description="Kinds that say nothing about a record, such as pings."
    )

    @property
    def id_header(self) -> str | None:
        """The header of the event's id, where it has one."""
        return self.id.removeprefix("header:") if self.id and self.id.startswith("header:") else None

    @model_validator(mode="after")
    def _nothing_unsigned_is_believed(self) -> Signing:
        named = set(_PLACES.findall(self.signed))
        if "body" not in named or not named <= _KNOWN:
            raise ValueError("`signed` must hold {body}, and beside it only {timestamp} and {id}")
        if (self.timestamp is not None) != ("timestamp" in named):
            raise ValueError(
                "say `timestamp` and put {timestamp} into `signed`, or neither: an unsigned time proves nothing"
            )
        if (self.id_header is not None) != ("id" in named):
            raise ValueError("an id in a header must be signed: put {id} into `signed`, or take the id from the body")
        return self


class Webhook(Part):
    """What the system may send to `/webhooks/<its name>`. A message is a hint: the system is then read."""

    scheme: Literal["greenhouse", "bamboohr", "checkr", "gusto", "hmac"] = Field(
        description="How its messages are signed; `hmac` is spelled out under `signing`."
    )
    secret: str = Field(
        "webhook_secret", description="The credential that signs. Nothing is accepted while it is missing or empty."
    )
    window: Duration = Field(
        "5m", validate_default=True, description="Sent longer ago than this: refused, where the message tells when."
    )
    tolerance: Duration = Field("1m", validate_default=True, description="How far its clock may be ahead of ours.")
    every: Duration = Field(
        "1m", validate_default=True, description="Messages start a reading no more often than this."
    )
    signing: Signing | None = Field(None, description="For `hmac` only.")

    @model_validator(mode="after")
    def _spelled_out_where_needed(self) -> Webhook:
        if self.scheme == "hmac" and self.signing is None:
            raise ValueError("scheme `hmac` needs `signing`, at least its `header`")
        if self.scheme != "hmac" and self.signing is not None:
            raise ValueError(f"scheme `{self.scheme}` says how it signs; leave `signing` out, or use `hmac`")
        return self
