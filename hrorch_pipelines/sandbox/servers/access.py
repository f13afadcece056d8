"""Who may ask: Basic keys and bearer tokens in front of a sandbox system, and who the change records will name."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Container
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

INTEGRATION = "hrorch-integration"
"""The service account of API writes. A person's write is simulated with the header X-Sandbox-User."""

Gate = Callable[[Request], bool]


class Guarded:
    """Lets a request through to `app` when `admits` it, else gives the vendor's `refusal`. `open_paths` need nothing."""

    def __init__(
        self, app: ASGIApp, admits: Gate, refusal: Callable[[], Response], open_paths: Container[str] = ()
    ) -> None:
        self._app, self._admits, self._refusal, self._open = app, admits, refusal, open_paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] not in self._open and not self._admits(Request(scope)):
            await self._refusal()(scope, receive, send)
            return
        await self._app(scope, receive, send)


def actor(request: Request) -> str:
    """Whom the change record names for this write."""
    return request.headers.get("x-sandbox-user", INTEGRATION)


def bearer(token: str) -> Gate:
    """Admits `Authorization: Bearer <token>`."""
    return lambda request: compare_digest(bearer_of(request).encode(), token.encode())


def bearer_of(request: Request) -> str:
    """The bearer token of a request, or nothing."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def basic(key: str, password: str | None = None) -> Gate:
    """Admits Basic `key:password`; any password when None (BambooHR ignores it, Checkr leaves it empty)."""

    def admits(request: Request) -> bool:
        user, given = basic_of(request)
        right_user = compare_digest(user.encode(), key.encode())
        return right_user and (password is None or compare_digest(given.encode(), password.encode()))

    return admits


def basic_of(request: Request) -> tuple[str, str]:
    """User and password of a Basic header, empty when there is none."""
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        user, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
