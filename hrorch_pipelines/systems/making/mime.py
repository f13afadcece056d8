"""A letter as an Internet message (RFC 5322): the same bytes for every try, save its date. Sending it is `smtp`'s business."""

from __future__ import annotations

import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime

from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.systems.making.addresses import address, mailbox_of
from hrorch_pipelines.systems.making.outlet_faults import unwritable
from hrorch_pipelines.systems.making.protocol import Letter

_ASCII = SMTP.clone(cte_type="7bit")  # no server on the way has to understand 8BITMIME
_UTF8 = SMTPUTF8.clone(cte_type="7bit")
_KEY = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")


def compose(outlet: MailOutlet, letter: Letter, key: str, now: datetime) -> EmailMessage:
    """The message of a letter. Raises WriteFault `unwritable` rather than let a value become a header.

    `key` makes its Message-ID, by which mail servers and readers tell a second copy. Auto-Submitted (RFC 3834) keeps
    out-of-office answers away.
    """
    to = address(letter.to)
    for what, line in (("subject", letter.subject), ("attach_as", letter.attach_as or "")):
        if not line.isprintable():
            raise unwritable("header", f"`{what}` is not one line of printable characters")
    if not _KEY.fullmatch(key):
        raise unwritable("header", "the idempotency key cannot stand in a Message-ID")
    message = EmailMessage(policy=_ASCII if to.isascii() else _UTF8)
    sender = mailbox_of(outlet.sender)
    message["Message-ID"] = f"<{key}@{sender.domain}>"
    message["Date"] = format_datetime(now)
    message["From"] = sender
    name, _, domain = to.rpartition("@")
    message["To"] = Address(username=name, domain=domain)
    if outlet.reply_to is not None:
        message["Reply-To"] = mailbox_of(outlet.reply_to)
    message["Subject"] = letter.subject
    message["Auto-Submitted"] = "auto-generated"
    try:
        message.set_content(letter.text)
    except UnicodeEncodeError:
        raise unwritable("template", "the letter holds characters that are no text") from None
    if letter.attachment is not None:
        message.add_attachment(letter.attachment, maintype="application", subtype="pdf", filename=letter.attach_as)
        message.set_boundary(f"=_{key}")
    return message
