"""Sends a SCIM request once and says what became of it. Reads with retries go through `systems.scim.CheckedTransport`."""

from __future__ import annotations

import httpx2

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.rest_auth import fill
from hrorch_pipelines.systems.retry import RetryPolicy
from hrorch_pipelines.systems.scim import auth_header, basic_auth
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.statuses import refusal

_CHANGED = frozenset({412})
_NEVER_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


def one_shot(system: System, clock: Clock, rate: RateLimit) -> httpx2.Client:
    """A connection to a service whose requests are sent once each. Raises WriteFault `refused` for what SCIM has no auth for."""
    connection, credentials = system.connection, system.credentials
    headers = {name: fill(value, credentials) for name, value in connection.headers.items()}
    try:
        headers |= auth_header(connection.auth, system)
    except ReadFault as wrong:
        raise fault(wrong.code, wrong.detail, "refused") from None
    return httpx2.Client(
        base_url=system.base_url,
        headers={"Accept": "application/scim+json, application/json", **headers},
        auth=basic_auth(connection.auth, system),
        timeout=connection.timeout.total_seconds(),
        transport=OneShot(clock, rate),
    )


class OneShot(httpx2.HTTPTransport):
    """One attempt per request, under the system's rate; only a whole 2xx answer comes back, all else is a WriteFault."""

    def __init__(self, clock: Clock, rate: RateLimit) -> None:
        super().__init__()
        self._waits, self._rate = RetryPolicy(0, clock), rate

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; see the class."""
        self._rate.wait()
        try:
            response = super().handle_request(request)
            response.read()
        except _NEVER_SENT:
            raise fault("not_reachable", "no connection", "not_done") from None
        except httpx2.TimeoutException:
            raise fault("timed_out", "sent, and no answer came in time", "unknown") from None
        except httpx2.TransportError:
            raise fault("short_body", "the connection broke after sending", "unknown") from None
        if not response.is_success:
            after = self._waits.again_after(response.headers.get("Retry-After"))
            raise refusal(request.method, response.status_code, response.content, after, _CHANGED)
        if response.content.lstrip()[:1] == b"<":
            what = f"{request.method} answered {response.status_code} with a web page"
            raise fault("html_answer", what, "unknown", status=response.status_code)
        return response
