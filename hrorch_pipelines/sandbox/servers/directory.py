"""The directory: the real `scim2-server` package over the sandbox's store, with bearer tokens. SCIM itself is not ours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hmac import compare_digest
from typing import Any

from scim2_models import ScimProvider, UnauthorizedException
from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.responses import ScimResponse
from scim2_server.service import ScimService
from scim2_server.testserver.application import BEARER_TOKEN_SCHEME
from scim2_server.utils import (
    load_default_resource_types,
    load_default_schemas,
    load_default_service_provider_config,
)
from starlette.types import ASGIApp, Receive, Scope, Send

from hrorch_pipelines.sandbox.servers.answers import AnswerForm
from hrorch_pipelines.sandbox.servers.directory_storage import StoredDirectory
from hrorch_pipelines.sandbox.servers.records import SystemRecords

BASE_PATH = "/v2"
FORM = AnswerForm(
    rows=("Resources",),
    totals=("totalResults",),
    pages={"startIndex": ("0", "1")},
    reading_posts=r"/\.search$",
    limited={
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": "429",
        "detail": "Too many requests",
    },
    expired=(410, {"schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": "410", "detail": "Gone"}),
    media_type="application/scim+json",
)


def create_app(records: SystemRecords, *, token: str) -> ASGIApp:
    """The directory over a store with the collections users and groups (bodies are SCIM resources, RFC 7643)."""
    config = load_default_service_provider_config()
    config.authentication_schemes = [*(config.authentication_schemes or []), BEARER_TOKEN_SCHEME]
    provider = ScimProvider.from_discovery(
        load_default_schemas().values(), load_default_resource_types().values(), config=config
    )
    directory = _Directory(StoredDirectory(records, provider), provider, token)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await directory(dict(scope), _as_dict(receive), send)

    return app


def _as_dict(receive: Receive) -> Callable[[], Awaitable[dict[str, Any]]]:
    """scim2-server asks for a dict where ASGI promises a mapping."""

    async def received() -> dict[str, Any]:
        return dict(await receive())

    return received


class _Directory(ASGIApplication):
    """scim2-server with a bearer token, looking at the store before each request."""

    def __init__(self, stored: StoredDirectory, provider: ScimProvider, token: str) -> None:
        super().__init__(AsyncInMemoryStorage(stored), provider, ScimService(provider, secret=token))
        self._stored, self._token = stored, token

    def check_auth(self, request: ScimRequest) -> None:
        scheme, _, token = (request.header("Authorization") or "").partition(" ")
        if scheme.lower() != "bearer" or not compare_digest(token.encode(), self._token.encode()):
            raise UnauthorizedException

    async def dispatch_request(self, request: ScimRequest) -> ScimResponse:
        self._stored.catch_up()
        return await super().dispatch_request(request)
