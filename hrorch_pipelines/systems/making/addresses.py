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
    try:
        parsed = Address(addr_spec=given)
        domain = parsed.domain.encode("idna").decode("ascii") if not parsed.domain.isascii() else parsed.domain
    except (MessageError, ValueError, IndexError, UnicodeError):
        raise unwritable("bad_address", "the address is not one plain mail address") from None
    if not parsed.username or not domain or domain.startswith((".", "-")) or domain.endswith((".", "-")):
        raise unwritable("bad_address", "the address is not one plain mail address")
    return f"{parsed.username}@{domain}"


def mailbox(configured: str) -> Address:
    """An address of the stack file, `People Team <people@lakeside.example>`, in its parts."""
    name, plain = parseaddr(configured)
    return Address(display_name=name, addr_spec=plain)
