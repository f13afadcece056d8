"""Reads users or groups of a SCIM 2.0 service (RFC 7644) through scim2-client; resources leave as the service sent them.

scim2-client discovers the service, builds the requests and checks status and content type; its models are not asked
to validate the resources, so that a directory with a quirk in one account can still be read whole (docs/decisions).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import scim2_client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Group, ScimProvider, SearchRequest, User

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import Auth, ScimRead, System
from hrorch_pipelines.systems import json_paths
from hrorch_pipelines.systems.errors import ReadFault, unavailable
from hrorch_pipelines.systems.pages import PageLog
from hrorch_pipelines.systems.passes import settled
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.raw import Problem, RawRecords, ReadReport
from hrorch_pipelines.systems.rest_auth import fill
from hrorch_pipelines.systems.retry import RetryPolicy, TryAgain

MODELS: dict[str, type[User[Any]] | type[Group]] = {"User": User, "Group": Group}


@dataclass
class ScimConnector:
    """One SCIM service. `sleep` is given in tests; `rate` is the limit to share with others who ask the same service."""

    name: str
    system: System
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    rate: RateLimit | None = None

    def check(self) -> None:
        """Ask for one resource of each declared type. Raises SystemUnavailable."""
        try:
            with self._http() as http:
                for record in self.system.records:
                    _page(client_for(http), self._read_of(record), start=1, count=1)
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        """Read one resource type whole. See `raw.Connector`."""
        del until, since
        started, path = self.clock.now(), into / f"{record}.jsonl"
        read = self._read_of(record)
        try:
            with self._http() as http:
                client = client_for(http)
                log, problems = settled(record, lambda: PageLog(path, _key_of), lambda log: _pass(client, read, log))
                sent = http._transport.requests_sent  # type: ignore[attr-defined]  # noqa: SLF001
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault
        if log.rows == 0 and not any(problem.fatal for problem in problems):
            problems.append(Problem("empty_answer", f"{record}: the service answered with no resources", fatal=False))
        report = ReadReport(started, self.clock.now(), "full", log.pages, sent, log.claimed, tuple(problems))
        return RawRecords(path, "nested", log.rows, (), report)

    def _http(self) -> httpx2.Client:
        connection, credentials = self.system.connection, self.system.credentials
        retry = RetryPolicy(connection.retries, self.clock, self.sleep)
        headers = {name: fill(value, credentials) for name, value in connection.headers.items()}
        auth = connection.auth
        return httpx2.Client(
            base_url=self.system.base_url,
            headers={"Accept": "application/scim+json, application/json", **headers, **auth_header(auth, self.system)},
            auth=basic_auth(auth, self.system),
            timeout=connection.timeout.total_seconds(),
            transport=CheckedTransport(retry, self.rate or RateLimit(connection.rate, self.sleep)),
        )

    def _read_of(self, record: str) -> ScimRead:
        read = self.system.records[record].read
        if not isinstance(read, ScimRead):
            raise TypeError(f"{self.name}.{record} is not declared for SCIM")
        return read


class CheckedTransport(httpx2.HTTPTransport):
    """Sends with rate limit and retries; only a whole 2xx answer comes back, anything else is a ReadFault."""

    def __init__(self, retry: RetryPolicy, rate: RateLimit) -> None:
        super().__init__()
        self.retry = retry
        self.rate = rate
        self.requests_sent = 0

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; see the class."""
        return self.retry.run(lambda: self._attempt(request))

    def _attempt(self, request: httpx2.Request) -> httpx2.Response:
        self.rate.wait()
        self.requests_sent += 1
        try:
            response = super().handle_request(request)
            response.read()
        except httpx2.TimeoutException as error:
            raise TryAgain("timed_out", "no answer in time") from error
        except httpx2.RemoteProtocolError as error:
            raise TryAgain("short_body", "the connection broke in the middle of an answer") from error
        except httpx2.TransportError as error:
            raise TryAgain("not_reachable", "no connection") from error
        if not response.is_success:
            what = f"{request.method} request {self.requests_sent}"
            raise self.retry.status_fault(response.status_code, what, response.headers.get("Retry-After"))
        if response.content.lstrip()[:1] == b"<":
            raise ReadFault("html_answer", f"{request.method} request {self.requests_sent} answered with a web page")
        return response


class _ExactClient(SyncSCIMClient):
    """scim2-client with numbers that keep every digit."""

    def _parse_json(self, response: Any) -> Any:
        return json_paths.decode(response.content)


def _key_of(resource: dict[str, Any]) -> str | None:
    return str(resource["id"]) if "id" in resource else None


def client_for(http: httpx2.Client) -> SyncSCIMClient:
    """A SCIM client over a connection; it leaves the judging of answers to the transport."""
    return _ExactClient(http, provider=ScimProvider(models=[User, Group]), check_response_payload=False)


def _pass(client: SyncSCIMClient, read: ScimRead, log: PageLog) -> None:
    """Ask page after page until as many came as the service claims, or none came (RFC 7644 §3.4.2.4)."""
    log.begin()
    seen = 0
    while True:
        resources, claimed = _page(client, read, start=seen + 1, count=read.count)
        log.add(resources, claimed)
        seen += len(resources)
        if not resources or seen >= claimed:
            break
    log.end()


def _page(client: SyncSCIMClient, read: ScimRead, *, start: int, count: int) -> tuple[list[dict[str, Any]], int]:
    query: SearchRequest[Any] = SearchRequest(start_index=start, count=count, filter=read.filter)
    try:
        answer = client.query(MODELS[read.resource], query_parameters=query)
    except scim2_client.UnexpectedContentFormatException:
        raise ReadFault("cut_json", "the answer is JSON that ends or breaks") from None
    except scim2_client.SCIMClientException as error:
        raise ReadFault("not_records", f"the answer is no SCIM ({type(error).__name__})") from None
    if not isinstance(answer, dict) or not str(answer.get("totalResults", "")).isdigit():
        raise ReadFault("missing_data", "the answer is no SCIM list: it has no `totalResults`")
    resources = answer.get("Resources") or []  # may be absent when there are none
    if not isinstance(resources, list) or not all(isinstance(item, dict) for item in resources):
        raise ReadFault("not_records", "`Resources` is not a list of resources")
    return resources, int(answer["totalResults"])


def auth_header(auth: Auth, system: System) -> dict[str, str]:
    """The header that proves who we are, for `bearer` and `header`. Raises ReadFault for what SCIM does not know."""
    match auth.type:
        case "bearer":
            return {"Authorization": f"Bearer {fill(auth.token or '', system.credentials)}"}
        case "header":
            return {auth.header or "Authorization": fill(auth.token or "", system.credentials)}
        case "oauth_client_credentials":
            raise ReadFault(
                "unauthorized", "SCIM knows `bearer`, `basic` and `header`; fetch the token and give it as `bearer`"
            )
    return {}


def basic_auth(auth: Auth, system: System) -> httpx2.BasicAuth | None:
    """As `auth_header`, for `basic`."""
    if auth.type != "basic":
        return None
    return httpx2.BasicAuth(
        fill(auth.username or "", system.credentials), fill(auth.password or "", system.credentials)
    )
