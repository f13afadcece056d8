"""Mail addresses out of data: one plain address, or nothing is sent. Never a header, never a second recipient."""

from __future__ import annotations

from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr

from hrorch_pipelines.systems.making.outlet_faults import unwritable

_LONGEST = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets


def address(text: str | None) -> str:
    """The address alone, its domain as DNS writes it. Raises WriteFault `unwritable`; the address is never repeated."""
    given = (text or "").strip()
    if not given:
        raise unwritable("bad_address", "there is no address to send to")
    if not given.isprintable() or len(given) > _LONGEST or any(c.isspace() or c in '<>,;:"()[]\\' for c in given):
        raise unwritable("bad_address", "the address is not one plain mail address")
    name, _, domain = given.rpartition("@")
    try:
        Address(
            addr_spec=f"{_ascii_for(name)}@{_ascii_for(domain)}"
        )  # the grammar of RFC 5322; RFC 6532 only widens its signs
        domain = domain if domain.isascii() else domain.encode("idna").decode("ascii")
    except (MessageError, ValueError, IndexError):
        raise unwritable("bad_address", "the address is not one plain mail address") from None
    if not name or domain.startswith((".", "-")) or domain.endswith((".", "-")):
        raise unwritable("bad_address", "the address is not one plain mail address")
    return f"{name}@{domain}"


def _ascii_for(text: str) -> str:
    return "".join(sign if sign.isascii() else "x" for sign in text)


def mailbox_of(configured: str) -> Address:
    """An address of the stack file, `People Team <people@lakeside.example>`, in its parts; the domain as DNS writes it."""
    display_name, plain = parseaddr(configured)
    name, _, domain = plain.rpartition("@")
    return Address(display_name, name, domain if domain.isascii() else domain.encode("idna").decode("ascii"))
