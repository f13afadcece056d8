"""Letters by SMTP. The server's acceptance is all that can be known of one; a second try carries the same Message-ID."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.systems.making.addresses import address, mailbox_of
from hrorch_pipelines.systems.making.mime import compose
from hrorch_pipelines.systems.making.outlet_faults import unwritable
from hrorch_pipelines.systems.making.protocol import Letter, Making, Seen
from hrorch_pipelines.systems.making.smtp_line import MailLine
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.writing.protocol import Preview, Receipt

_LONGEST_REFERENCE = 250


@dataclass
class SmtpMaker:
    """One mail server. Its line is opened at the first `look` and kept open until `close`.

    `reveal`: previews show values in clear. `sleep` is given in tests.
    """

    stack: Stack
    place: str
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    reveal: bool = False

    def __post_init__(self) -> None:
        """`rate` is kept outside the line: it outlives one, and pushes tell each other of it."""
        outlet = self.stack.outlets[self.place]
        if not isinstance(outlet, MailOutlet):
            raise TypeError(f"{self.place} is no mail outlet")
        self.outlet = outlet
        self.rate = RateLimit(outlet.rate, self.sleep)
        self._line = MailLine(outlet)
        self._composed: tuple[Making, bytes] | None = None

    def preview(self, making: Making) -> Preview:
        """Who would get which letter, masked."""
        letter = _letter(making)
        compose(self.outlet, letter, making.idempotency_key, self.clock.now())
        body = {name: value if self.reveal else mask(value, "personal") for name, value in _values(letter).items()}
        body["from"] = self.outlet.sender
        if letter.attachment is not None:
            body["attachment"] = f"{letter.attach_as}, {len(letter.attachment)} bytes"
        return Preview("SMTP", f"{self.outlet.host}:{self.outlet.port}", body, "none: a letter cannot be looked up")

    def look(self, making: Making) -> Seen:
        """Always `untold`, once the server answers: a letter that waits for a server costs no try. Raises WriteFault."""
        self.message(making)
        self._line.open()
        return Seen("untold")

    def message(self, making: Making) -> bytes:
        """Exactly what `make` hands over, to be kept as evidence beforehand. Raises WriteFault `unwritable`."""
        if self._composed is None or self._composed[0] != making:
            composed = compose(self.outlet, _letter(making), making.idempotency_key, self.clock.now())
            self._composed = making, composed.as_bytes()
        return self._composed[1]

    def make(self, making: Making, seen: Seen) -> Receipt:  # noqa: ARG002  nothing can be seen of a letter
        """Hand the letter to the server, once. `reference`: the server's queue id, else the Message-ID. Raises WriteFault."""
        data, sender = self.message(making), mailbox_of(self.outlet.sender)
        self.rate.wait()
        queued = self._line.hand_over(sender.addr_spec, address(_letter(making).to), data)
        reference = queued or f"{making.idempotency_key}@{sender.domain}"
        return Receipt(reference=reference[:_LONGEST_REFERENCE])

    def close(self) -> None:
        """Take leave of the server."""
        self._line.close()
        self._composed = None


def _letter(making: Making) -> Letter:
    if not isinstance(making.content, Letter):
        raise unwritable("no_letter", "a mail server takes letters only")
    return making.content


def _values(letter: Letter) -> dict[str, str]:
    return {"to": letter.to, "subject": letter.subject, "text": letter.text}
