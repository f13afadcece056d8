"""Where letters and invitations go: a mail server, a calendar. Nothing about persons is read from them."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import getaddresses
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, SecretStr, Tag, model_validator

from hrorch_pipelines.stack.mapping import Part
from hrorch_pipelines.stack.systems import Rate
from hrorch_pipelines.stack.terms import Duration, Name


def _one_address(text: str) -> str:
    """Raises ValueError unless mail can come from it everywhere: one address, its local part ASCII (RFC 5322)."""
    found = getaddresses([text])
    local, _, domain = found[0][1].rpartition("@") if len(found) == 1 else ("", "", "")
    try:
        Address(found[0][0], addr_spec=f"{local}@{domain.encode('idna').decode('ascii')}")
        local.encode("ascii")
    except (MessageError, ValueError, IndexError):
        domain = ""
    if not local or not domain or not text.isprintable():
        raise ValueError("is not one mail address; write people@lakeside.example or Name <people@lakeside.example>")
    return text


MailAddress = Annotated[str, Field(pattern=r"^[^<>\r\n]*<?[^@\s<>]+@[^@\s<>]+>?$"), AfterValidator(_one_address)]
"""`people@lakeside.example`, or `Lakeside Health <people@lakeside.example>`."""

_THIS_MACHINE = frozenset({"localhost", "127.0.0.1", "::1"})


class MailOutlet(Part):
    """A mail server that letters are handed to (SMTP). Its acceptance is all that can be known of a letter."""

    connector: Literal["smtp"] = Field(description="Mail.")
    host: str = Field(description="The server's name.")
    port: int = Field(587, gt=0, lt=65536, description="Its port.")
    security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the line is secured; `none` only on this machine."
    )
    user: str | None = Field(None, description="Who signs in; nobody when absent.")
    password: SecretStr | None = Field(None, description="Written as ${NAME}.")
    sender: MailAddress = Field(description="From whom letters come.")
    reply_to: MailAddress | None = Field(None, description="Where answers go.")
    owner: Name = Field(description="Who is told when it does not work; one of `people`.")
    rate: Rate | None = Field(None, description="The most letters the server takes.")
    timeout: Duration = Field("30s", validate_default=True, description="How long an answer may take.")

    @model_validator(mode="after")
    def _private_line(self) -> MailOutlet:
        if self.security == "none" and self.host not in _THIS_MACHINE:
            raise ValueError("`security: none` is for a server on this machine; letters hold persons' data")
        return self


class CalendarOutlet(Part):
    """One calendar on a CalDAV server (RFC 4791). Events are put there under an id of ours, moved and taken out again."""

    connector: Literal["caldav"] = Field(description="A calendar.")
    base_url: str = Field(
        description="URL of the calendar's collection, such as https://dav.example/people/first-days/."
    )
    user: str | None = Field(None, description="Who signs in (Basic); nobody when absent.")
    password: SecretStr | None = Field(None, description="Written as ${NAME}.")
    organizer: MailAddress = Field(description="Who invites.")
    owner: Name = Field(description="Who is told when it does not work; one of `people`.")
    rate: Rate | None = Field(None, description="The most requests the server takes.")
    timeout: Duration = Field("30s", validate_default=True, description="How long an answer may take.")


def _form_of(outlet: Any) -> str | None:
    connector = outlet.get("connector") if isinstance(outlet, dict) else getattr(outlet, "connector", None)
    return f"({connector})" if connector in {"smtp", "caldav"} else None


Outlet = Annotated[
    Annotated[MailOutlet, Tag("(smtp)")] | Annotated[CalendarOutlet, Tag("(caldav)")],
    Discriminator(_form_of),
]
