"""One request to a REST system, once: sent with its rate and its credentials, and what became of it in plain terms.

Paging reads with their retries are `rest_client`; what is asked and sent is `rest`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from dlt.sources.helpers.requests.session import Session
from requests import PreparedRequest, Request, Response
from requests import exceptions as broken
from urllib3 import exceptions as wire

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.rest_auth import auth_for, fill, forget_token
from hrorch_pipelines.systems.rest_client import origin
from hrorch_pipelines.systems.retry import RetryPolicy, TryAgain
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.places import decoded, exact
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_pipelines.systems.writing.statuses import refusal


@dataclass(frozen=True)
class Reply:
    """A 2xx answer. `content`: decoded JSON with exact decimals, None when there is no body."""

    status: int
    content: Any = field(repr=False)
    etag: str | None = None
    location: str | None = None


class Exchange:
    """Sends single requests to one system. URLs, bodies and answers are logged nowhere: they hold persons' data."""

    def __init__(self, system: System, clock: Clock, rate: RateLimit) -> None:
        self.system, self.rate = system, rate
        self.session = Session(timeout=system.connection.timeout.total_seconds(), raise_for_status=False)
        try:
            self.auth = auth_for(system.connection.auth, system.credentials, system.base_url, self.session)
        except ReadFault as wrong:
            raise fault(wrong.code, wrong.detail, "refused") from None
        self._waits = RetryPolicy(0, clock)

    def read(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Reply | None:
        """GET; None for 404. Nothing happens by it, so whatever may pass is `not_done`; it is tried once more at once."""
        try:
            return self._read(path, params, headers)
        except WriteFault as first:
            if first.outcome != "not_done" or first.after is not None:
                raise
            return self._read(path, params, headers)

    def _read(self, path: str, params: Mapping[str, str], headers: Mapping[str, str]) -> Reply | None:
        query = "?" + urlencode({name: fill(value, self.system.credentials) for name, value in params.items()})
        try:
            answer = self._attempt("GET", path + (query if params else ""), None, headers)
            return self._decoded("GET", answer)
        except WriteFault as wrong:
            if wrong.status == 404:
                return None
            if wrong.outcome == "unknown":
                raise fault(wrong.code, wrong.what, "not_done", status=wrong.status, after=wrong.after) from None
            raise

    def write(
        self, method: str, path: str, body: Mapping[str, Any], headers: Mapping[str, str], *, changed: frozenset[int]
    ) -> Reply:
        """Send a change. `changed`: statuses that speak of the version. Raises WriteFault; `unknown` when it may be done."""
        return self._decoded(method, self._attempt(method, path, body, headers, changed=changed))

    def close(self) -> None:
        """Give the connections back."""
        self.session.close()

    def _attempt(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        headers: Mapping[str, str],
        *,
        changed: frozenset[int] = frozenset(),
    ) -> Response:
        for last in (False, True):
            response = self._sent(self._prepared(method, path, body, headers))
            if response.status_code == 401 and not last and forget_token(self.auth):
                continue
            if not 200 <= response.status_code < 300:
                raise self._refusal(method, response, changed=changed)
            return response
        raise AssertionError("the loop returns or raises")  # pragma: no cover

    def _prepared(
        self, method: str, path: str, body: Mapping[str, Any] | None, headers: Mapping[str, str]
    ) -> PreparedRequest:
        """The request, signed. Until here nothing was sent to the record, so a fault is `not_done` or `refused`."""
        credentials, connection = self.system.credentials, self.system.connection
        url = self.system.base_url.rstrip("/") + "/" + fill(path, credentials).lstrip("/")
        if origin(url) != origin(self.system.base_url):
            raise fault("foreign_next_url", f"{method}: the path lies on another host than `base_url`", "refused")
        sent = {name: fill(value, credentials) for name, value in {**connection.headers, **headers}.items()}
        content = None
        if body is not None:
            sent = {"Content-Type": "application/json", **sent}
            content = exact(body).encode()
        try:
            return self.session.prepare_request(Request(method, url, headers=sent, data=content, auth=self.auth))
        except TryAgain as later:
            raise fault(later.code, later.detail, "not_done", status=later.status, after=later.after) from None
        except ReadFault as wrong:
            raise fault(wrong.code, wrong.detail, "refused", status=wrong.status) from None
        except broken.ConnectionError:
            raise fault("not_reachable", "no connection while signing in", "not_done") from None
        except broken.Timeout:
            raise fault("timed_out", "no answer in time while signing in", "not_done") from None
        except broken.RequestException as wrong:
            what = f"the request could not be made ({type(wrong).__name__})"
            raise fault("not_reachable", what, "refused") from None

    def _sent(self, request: PreparedRequest) -> Response:
        self.rate.wait()
        settings = self.session.merge_environment_settings(str(request.url), {}, False, None, None)
        try:
            response: Response = self.session.send(request, allow_redirects=False, **settings)  # type: ignore[no-untyped-call]
        except broken.ConnectTimeout:
            raise fault("not_reachable", "no connection in time", "not_done") from None
        except broken.Timeout:
            raise fault("timed_out", "sent, and no answer came in time", "unknown") from None
        except broken.ConnectionError as wrong:
            if _never_connected(wrong):
                raise fault("not_reachable", "no connection", "not_done") from None
            raise fault("short_body", "the connection broke after sending", "unknown") from None
        except broken.RequestException as wrong:
            what = f"the answer could not be read ({type(wrong).__name__})"
            raise fault("short_body", what, "unknown") from None
        return response

    def _refusal(self, method: str, response: Response, *, changed: frozenset[int]) -> WriteFault:
        after = self._waits.again_after(response.headers.get("Retry-After"))
        return refusal(method, response.status_code, response.content, after, changed)

    def _decoded(self, method: str, response: Response) -> Reply:
        """The JSON of a 2xx answer. Raises WriteFault `unknown` when it is a web page, or JSON that breaks off."""
        content: Any = None
        body = response.content.strip()
        if body[:1] == b"<":
            what = f"{method} answered {response.status_code} with a web page"
            raise fault("html_answer", what, "unknown", status=response.status_code)
        if body:
            try:
                content = decoded(body)
            except ValueError:
                what = f"{method} answered JSON that ends or breaks"
                raise fault("cut_json", what, "unknown", status=response.status_code) from None
        return Reply(response.status_code, content, response.headers.get("ETag"), response.headers.get("Location"))


def _never_connected(wrong: broken.ConnectionError) -> bool:
    """Whether the connection was never made: refused, no such host, no route."""
    cause: Any = wrong.args[0] if wrong.args else None
    reason = getattr(cause, "reason", cause)
    return isinstance(reason, wire.NewConnectionError | wire.ConnectTimeoutError)
