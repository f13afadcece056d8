"""One request to a calendar server, once, and what became of it in plain terms. URLs hold ids only; answers are not logged."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import quote

import httpx

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.outlets import CalendarOutlet
from hrorch_pipelines.systems.making.outlet_faults import fault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.retry import RetryPolicy
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_pipelines.systems.writing.statuses import refusal

_NEVER_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)

_WHAT_IT_IS = b'<propfind xmlns="DAV:"><prop><resourcetype/></prop></propfind>'
_IS_CALENDAR = re.compile(rb"<(?:[\w.-]+:)?calendar[\s/>]")


@dataclass(frozen=True)
class Stored:
    """What a calendar holds under an id. `etag`: a strong one; a weak one cannot be a condition."""

    content: bytes = field(repr=False)
    etag: str | None


class CalendarRequests:
    """Requests to one calendar, each sent once. Redirects are not followed: credentials go to `base_url` only."""

    def __init__(self, outlet: CalendarOutlet, clock: Clock, rate: RateLimit) -> None:
        self._base = outlet.base_url.rstrip("/") + "/"
        self._rate, self._waits = rate, RetryPolicy(0, clock)
        secret = outlet.password.get_secret_value() if outlet.password else ""
        self._client = httpx.Client(
            auth=httpx.BasicAuth(outlet.user, secret) if outlet.user is not None else None,
            timeout=outlet.timeout.total_seconds(),
            follow_redirects=False,
        )

    def path(self, uid: str) -> str:
        """Where an event is kept, below the calendar."""
        return quote(uid, safe="") + ".ics"

    def get(self, uid: str) -> Stored | None:
        """What stands there; None where nothing does. Nothing happens by it, so what may pass is `not_done`."""
        # Unpacked: servers weaken the ETag of what they pack, and a weak one is no condition (RFC 9110, section 13.1.1).
        try:
            answer = self._answer("GET", uid, None, {"Accept": "text/calendar", "Accept-Encoding": "identity"})
        except WriteFault as wrong:
            if wrong.status in {404, 410}:
                return None
            if wrong.outcome == "unknown" or wrong.status in {401, 403, 407}:
                # Credentials that no longer hold are not the event's fault: it waits, and the outlet's owner is told.
                raise fault(wrong.code, wrong.what, "not_done", status=wrong.status, after=wrong.after) from None
            raise
        etag = answer.headers.get("ETag") or ""
        return Stored(answer.content, None if etag.startswith("W/") else etag or None)

    def put(self, uid: str, content: bytes, condition: dict[str, str]) -> str | None:
        """Store an event under a condition; tells its ETag where the server does. Raises WriteFault."""
        headers = {"Content-Type": "text/calendar; charset=utf-8", **condition}
        try:
            answer = self._answer("PUT", uid, content, headers)
        except WriteFault as wrong:
            if wrong.status in {404, 409}:
                what = f"PUT answered {wrong.status}: the calendar is not there, or does not take the event"
                raise fault("not_a_calendar", what, "refused", status=wrong.status) from None
            if wrong.status in {401, 407}:
                raise fault(wrong.code, wrong.what, "not_done", status=wrong.status) from None
            raise
        etag: str | None = answer.headers.get("ETag")
        return etag

    def check(self) -> None:
        """See that `base_url` is a calendar. Raises WriteFault."""
        answer = self._answer("PROPFIND", None, _WHAT_IT_IS, {"Depth": "0", "Content-Type": "application/xml"})
        if not _IS_CALENDAR.search(answer.content):
            raise fault("not_a_calendar", "what stands at `base_url` is no calendar", "refused")

    def close(self) -> None:
        """Give the connection back."""
        self._client.close()

    def _answer(self, method: str, uid: str | None, content: bytes | None, headers: dict[str, str]) -> httpx.Response:
        self._rate.wait()
        url = self._base if uid is None else self._base + self.path(uid)
        try:
            answer = self._client.request(method, url, content=content, headers=headers)
        except _NEVER_SENT:
            raise fault("not_reachable", "no connection", "not_done") from None
        except httpx.TimeoutException:
            raise fault("timed_out", "sent, and no answer came in time", "unknown") from None
        except (httpx.TransportError, httpx.DecodingError):
            raise fault("short_body", "the connection broke after sending", "unknown") from None
        if not answer.is_success:
            after = self._waits.again_after(answer.headers.get("Retry-After"))
            raise refusal(method, answer.status_code, answer.content, after, frozenset({412}))
        if uid is not None and answer.content.lstrip()[:1] == b"<":
            what = f"{method} answered {answer.status_code} with a web page"
            raise fault("html_answer", what, "unknown", status=answer.status_code)
        return answer
