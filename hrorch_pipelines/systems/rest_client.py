"""dlt's RESTClient with our own way of sending: rate limit, retries, and no answer believed before it is checked."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

from dlt.common.configuration.specs.runtime_configuration import RuntimeConfiguration
from dlt.sources.helpers.requests.session import Session
from dlt.sources.helpers.rest_client.client import RESTClient
from pydantic import SecretStr
from requests import PreparedRequest, Request, Response
from requests import exceptions as broken

from hrorch_pipelines.stack.systems import Connection
from hrorch_pipelines.systems import json_paths
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.rest_auth import auth_for, fill, forget_token
from hrorch_pipelines.systems.retry import RetryPolicy, TryAgain


class CheckedClient(RESTClient):
    """A REST client that returns a decoded 2xx JSON answer from our own host, or raises ReadFault.

    `requests_sent` counts every request, tries included. Nothing is logged: URLs may hold ids of persons.
    """

    def __init__(
        self,
        base_url: str,
        connection: Connection,
        credentials: dict[str, SecretStr],
        retry: RetryPolicy,
        rate: RateLimit,
    ) -> None:
        session = Session(timeout=connection.timeout.total_seconds(), raise_for_status=False)
        super().__init__(
            base_url=base_url,
            headers={name: fill(value, credentials) for name, value in connection.headers.items()},
            auth=auth_for(connection.auth, credentials, base_url, session),
            session=session,
            config=RuntimeConfiguration(dlthub_telemetry=False),
        )
        self.requests_sent = 0
        self.retry = retry
        self.rate = rate
        self._asked: set[str] = set()

    def start_collection(self) -> None:
        """Forget which pages were asked for: a page asked for twice in one collection is a loop."""
        self._asked.clear()

    def extract_response(self, response: Response, data_selector: Any) -> list[dict[str, Any]]:
        """The records of an answer; unlike dlt's, a missing path is a fault, not an empty list."""
        return json_paths.records_at(data_selector, response.json(), "the answer")

    def _log_request(self, request: Request, prepared_url: str) -> None:
        """dlt would log the URL."""

    def _send_request(self, request: Request, **kwargs: Any) -> Response:
        del kwargs
        if origin(str(request.url)) != origin(self.base_url):
            raise ReadFault("foreign_next_url", "the next page lies on another host than `base_url`")
        identity = repr((request.url, request.params, request.json))
        if identity in self._asked:
            raise ReadFault("cursor_loop", "the next page is one that was already read")
        self._asked.add(identity)
        return self.retry.run(lambda: self._attempt(request))

    def _attempt(self, request: Request) -> Response:
        self.rate.wait()
        self.requests_sent += 1
        try:
            prepared = self.session.prepare_request(request)
            settings = self.session.merge_environment_settings(str(prepared.url), {}, False, None, None)
            response = self.session.send(prepared, allow_redirects=False, **settings)
        except broken.Timeout as error:
            raise TryAgain("timed_out", "no answer in time") from error
        except (broken.ChunkedEncodingError, broken.ContentDecodingError) as error:
            raise TryAgain("short_body", "the connection broke in the middle of an answer") from error
        except broken.ConnectionError as error:
            raise TryAgain("not_reachable", "no connection") from error
        except broken.RequestException as error:
            raise ReadFault("not_reachable", f"the request could not be made ({type(error).__name__})") from None
        return self._checked(prepared, response)

    def _checked(self, prepared: PreparedRequest, response: Response) -> Response:
        what = f"{prepared.method} request {self.requests_sent}"
        if response.status_code == 401 and forget_token(self.auth):
            raise TryAgain("unauthorized", f"{what} answered 401", status=401, after=0.0)
        if not 200 <= response.status_code < 300:
            raise self.retry.status_fault(response.status_code, what, response.headers.get("Retry-After"))
        if response.content.lstrip()[:1] == b"<":
            raise ReadFault("html_answer", f"{what} answered {response.status_code} with a web page instead of JSON")
        try:
            content = json_paths.decode(response.content)
        except (json.JSONDecodeError, UnicodeDecodeError) as error:
            raise ReadFault("cut_json", f"{what} answered JSON that ends or breaks at byte {_place(error)}") from None
        # Decoded once and exactly: paginators ask for it again, and dlt's own decoding would round decimals.
        response.json = lambda **_: content  # type: ignore[method-assign]
        return response


def origin(url: str) -> tuple[str, str]:
    """Scheme and host of a URL: credentials go to one origin only."""
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _place(error: json.JSONDecodeError | UnicodeDecodeError) -> int:
    return error.pos if isinstance(error, json.JSONDecodeError) else error.start
