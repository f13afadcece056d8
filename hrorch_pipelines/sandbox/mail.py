"""The sandbox's mail server: takes every letter into a Maildir of the world's folder. Reads them back, for tests and the judge."""

from __future__ import annotations

import email
import shutil
import zlib
from email import policy
from email.message import EmailMessage
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from hrorch_pipelines.sandbox.servers.errors import SandboxUnavailable
from hrorch_pipelines.sandbox.servers.listening import HOST
from hrorch_pipelines.sandbox.servers.ports import free_port, is_free

if TYPE_CHECKING:
    from aiosmtpd.controller import Controller

_FOLDER = "mail"


class ReceivedLetter(NamedTuple):
    """A letter as it arrived. `to`: from the envelope; `attachments`: name → content."""

    to: str
    subject: str
    attachments: dict[str, bytes]
    text: str
    message_id: str


def mailbox(world: Path) -> list[ReceivedLetter]:
    """Every letter that the sandbox's server took, in the order of arrival; a letter sent twice is there twice."""
    folder = world / _FOLDER
    if not folder.is_dir():
        return []
    kept = [path for part in ("new", "cur") for path in (folder / part).glob("*")]
    return [_letter(path.read_bytes()) for path in sorted(kept, key=_arrival)]


class MailServer:
    """An SMTP server on loopback, without sign-in or TLS: it guards invented people. Stopped and started like a system."""

    def __init__(self, world: Path, port: int | None) -> None:
        self.name, self.port = "mail", port or 0
        self._folder = world / _FOLDER
        self._controller: Controller | None = None

    @staticmethod
    def available() -> bool:
        """Whether what it stands on is installed (the extra `sandbox`)."""
        return find_spec("aiosmtpd") is not None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"smtp://{HOST}:{self.port}"

    @property
    def env(self) -> dict[str, str]:
        """What the example stack file reads from the environment; nothing before it has a port."""
        return {"MAIL_HOST": HOST, "MAIL_PORT": str(self.port)} if self.port else {}

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._controller is not None

    def start(self) -> None:
        """Take the port and begin to answer; the same port again after a stop. Raises SandboxUnavailable."""
        from aiosmtpd.controller import Controller

        self.port = self.port or free_port()
        if not is_free(self.port):
            raise SandboxUnavailable(self.name, self.port)
        controller = Controller(_handler(self._folder), hostname=HOST, port=self.port, ready_timeout=30)
        try:
            controller.start()
        except (OSError, TimeoutError) as failure:
            raise SandboxUnavailable(self.name, self.port) from failure
        self._controller = controller

    def wait_until_ready(self) -> None:
        """It answers as soon as it is started."""
        if self._controller is None:
            raise SandboxUnavailable(self.name, self.port)

    def ask_to_stop(self) -> None:
        """Stopping takes no time, so it is done at once."""
        self.stop()

    def stop(self) -> None:
        """Stop answering and free the port."""
        if self._controller is not None:
            self._controller.stop(no_assert=True)
            self._controller = None

    def clear(self) -> None:
        """Throw every letter away."""
        shutil.rmtree(self._folder, ignore_errors=True)


def _handler(folder: Path) -> Any:
    from aiosmtpd.handlers import Mailbox

    class Taking(Mailbox):
        """Keeps each letter before it says so, and tells a queue id as real servers do."""

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  (aiosmtpd's name)
            await super().handle_DATA(server, session, envelope)
            return f"250 2.0.0 Ok: queued as {zlib.crc32(envelope.original_content or b''):08X}"

    folder.parent.mkdir(parents=True, exist_ok=True)
    return Taking(folder)


def _letter(raw: bytes) -> ReceivedLetter:
    message = email.message_from_bytes(raw, _class=EmailMessage, policy=policy.default)
    body = message.get_body(("plain",))
    return ReceivedLetter(
        to=str(message.get("X-RcptTo", message.get("To", ""))),
        subject=str(message.get("Subject", "")),
        attachments={part.get_filename() or "": part.get_content() for part in message.iter_attachments()},
        text=body.get_content().replace("\r\n", "\n") if body is not None else "",
        message_id=str(message.get("Message-ID", "")).strip("<> "),
    )


def _arrival(path: Path) -> tuple[int, str]:
    return path.stat().st_mtime_ns, path.name
