"""One line to a mail server: secured, signed in, kept open; and what became of a message handed over on it.

Nothing the server writes is passed on but its codes: its words may quote addresses.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from contextlib import suppress

from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.systems.making.addresses import mailbox_of
from hrorch_pipelines.systems.making.outlet_faults import fault
from hrorch_pipelines.systems.writing.protocol import WriteFault

_ENHANCED = re.compile(rb"^[245]\.\d{1,3}\.\d{1,3}\b")
_QUEUE_IDS = (
    re.compile(rb"queued as ([\w.-]{4,80})"),  # Postfix
    re.compile(rb"\bid=([\w.-]{4,80})"),  # Exim
    re.compile(rb"([\w.-]{4,80}) Message accepted for delivery"),  # Sendmail
)
_DOT_AT_START = re.compile(rb"(?m)^\.")


class MailLine:
    """A connection to an outlet's server. Opened when it is first needed, and again when the server let it go."""

    def __init__(self, outlet: MailOutlet) -> None:
        self._outlet = outlet
        self._smtp: smtplib.SMTP | None = None

    def open(self) -> None:
        """See that the server answers now. Raises WriteFault `not_done`: the letter is not to blame."""
        if self._smtp is not None:
            with suppress(smtplib.SMTPException, OSError):
                if self._smtp.noop()[0] == 250:
                    return
        self.close()
        self._smtp = self._opened()

    def hand_over(self, sender: str, to: str, data: bytes) -> str | None:
        """Give one message to the server; tells the server's own id of it. Raises WriteFault.

        `refused`: the recipient or the message, for good. `not_done`: it was not taken, or the line broke before the
        message was complete. `unknown`: the line broke between the final dot and the answer.
        """
        if self._smtp is None:
            self._smtp = self._opened()
        smtp = self._smtp
        try:
            self._envelope(smtp, sender, to, data)
            try:
                smtp.send(_DOT_AT_START.sub(b"..", data) + (b"" if data.endswith(b"\r\n") else b"\r\n"))
            except (smtplib.SMTPServerDisconnected, OSError):
                raise fault("not_reachable", "the line broke while the letter was handed over", "not_done") from None
            return _taken(smtp)
        except WriteFault as wrong:
            self._recover(wrong)
            raise
        except (smtplib.SMTPServerDisconnected, OSError):
            self.close()
            raise fault("not_reachable", "the line broke before the letter was handed over", "not_done") from None

    def close(self) -> None:
        """Take leave. The line can be opened again."""
        if self._smtp is not None:
            smtp, self._smtp = self._smtp, None
            with suppress(smtplib.SMTPException, OSError):
                smtp.quit()
            smtp.close()

    def _envelope(self, smtp: smtplib.SMTP, sender: str, to: str, data: bytes) -> None:
        options = [f"size={len(data)}"] if smtp.has_extn("size") else []
        if not to.isascii():
            if not smtp.has_extn("smtputf8"):
                what = "the server takes no address with such characters before the @ (SMTPUTF8)"
                raise fault("not_supported", what, "refused")
            options.append("SMTPUTF8")
        _accepted("MAIL", smtp.mail(sender, options), refused="sender_refused")
        _accepted("RCPT", smtp.rcpt(to), refused="refused_recipient")
        code, said = smtp.docmd("DATA")
        if code != 354:
            _accepted("DATA", (code, said), refused="refused")
            raise fault("refused", f"DATA answered {code}", "not_done")

    def _recover(self, wrong: WriteFault) -> None:
        """Leave the line as if nothing had been said, or give it up."""
        if wrong.outcome == "unknown" or self._smtp is None:
            self.close()
            return
        try:
            fine = self._smtp.rset()[0] == 250
        except (smtplib.SMTPException, OSError):
            fine = False
        if not fine:
            self.close()

    def _opened(self) -> smtplib.SMTP:
        outlet = self._outlet
        where = f"{outlet.host}:{outlet.port}"
        try:
            return self._signed_in(self._connected())
        except ssl.SSLError as wrong:
            why = "its certificate is not trusted" if isinstance(wrong, ssl.SSLCertVerificationError) else "no TLS"
            raise fault("untrusted_server", f"{where}: {why}", "not_done") from None
        except TimeoutError:
            raise fault("timed_out", f"{where}: no answer in time", "not_done") from None
        except smtplib.SMTPAuthenticationError as wrong:
            code = "unauthorized" if wrong.smtp_code >= 500 else "greylisted"
            raise fault(code, f"{where}: signing in answered {wrong.smtp_code}", "not_done") from None
        except smtplib.SMTPResponseException as wrong:
            raise fault("refused", f"{where}: the greeting answered {wrong.smtp_code}", "not_done") from None
        except smtplib.SMTPServerDisconnected:
            raise fault("not_reachable", f"{where}: the line broke at the greeting", "not_done") from None
        except OSError:
            raise fault("not_reachable", f"{where}: no connection", "not_done") from None

    def _connected(self) -> smtplib.SMTP:
        outlet, seconds = self._outlet, self._outlet.timeout.total_seconds()
        # What we call ourselves: the machine's own name is nobody's business.
        name = mailbox_of(outlet.sender).domain
        if outlet.security == "tls":
            trusted = ssl.create_default_context()
            return smtplib.SMTP_SSL(outlet.host, outlet.port, name, timeout=seconds, context=trusted)
        smtp = smtplib.SMTP(outlet.host, outlet.port, name, timeout=seconds)
        if outlet.security == "starttls":
            try:
                smtp.starttls(context=ssl.create_default_context())
            except smtplib.SMTPNotSupportedError:
                smtp.close()
                what = f"{outlet.host}:{outlet.port}: the server offers no STARTTLS"
                raise fault("no_starttls", what, "not_done") from None
            except BaseException:
                smtp.close()
                raise
        return smtp

    def _signed_in(self, smtp: smtplib.SMTP) -> smtplib.SMTP:
        outlet = self._outlet
        try:
            smtp.ehlo_or_helo_if_needed()
            if outlet.user is not None:
                smtp.login(outlet.user, outlet.password.get_secret_value() if outlet.password else "")
        except (smtplib.SMTPResponseException, smtplib.SMTPServerDisconnected):
            smtp.close()
            raise
        except (smtplib.SMTPException, UnicodeEncodeError):
            smtp.close()
            what = f"{outlet.host}:{outlet.port}: the server knows no way of signing in with what is declared"
            raise fault("no_login", what, "not_done") from None
        except BaseException:
            smtp.close()
            raise
        return smtp


def _taken(smtp: smtplib.SMTP) -> str | None:
    """Say that the message is complete, and hear whether the server has it."""
    try:
        smtp.send(b".\r\n")
        code, said = smtp.getreply()
    except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException, OSError):
        what = "the letter was handed over, and the line broke before the server said that it has it"
        raise fault("unknown_outcome", what, "unknown") from None
    if not 200 <= code < 300:
        if not 400 <= code < 600:
            raise fault("unknown_outcome", "the letter was handed over, and the answer is none", "unknown")
        _accepted("the letter", (code, said), refused="refused")
    found = next((found for pattern in _QUEUE_IDS if (found := pattern.search(said))), None)
    return found[1].decode("ascii", "ignore") or None if found else None


def _accepted(verb: str, answer: tuple[int, bytes], *, refused: str) -> None:
    """Return when the server says yes; it says 4xx for "not now" and 5xx for "never" (RFC 5321, section 4.2.1)."""
    code, said = answer
    if 200 <= code < 300:
        return
    enhanced = _ENHANCED.match(said)
    what = f"{verb} answered {code}" + (f" ({enhanced[0].decode()})" if enhanced else "")
    if code >= 500 and (refused != "sender_refused" or code == 552):  # 552: this letter is too large
        raise fault(refused if code != 552 else "refused", what, "refused", status=code)
    raise fault("greylisted" if 400 <= code < 500 else refused, what, "not_done", status=code)
