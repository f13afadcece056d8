"""How the ATS lets clients in: OAuth client credentials, and so many requests in a fixed window of 30 seconds."""

from __future__ import annotations

import hashlib
import hmac
import time
from hmac import compare_digest

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hrorch_pipelines.sandbox.servers.access import basic_of
from hrorch_pipelines.sandbox.servers.answers import JSONAnswer

TOKEN_PATH = "/auth/token"  # noqa: S105
_LIFE = 3600
_WINDOW = 30


async def sign_in(request: Request, client_id: str, client_secret: str) -> Response:
    """RFC 6749, section 4.4: the client's name and secret come by Basic or in the form (or JSON)."""
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            sent = await request.json()
        except ValueError:
            sent = None
        form = {str(name): str(value) for name, value in sent.items()} if isinstance(sent, dict) else {}
    else:
        form = _form(await request.body())
    user, password = basic_of(request)
    user, password = user or form.get("client_id", ""), password or form.get("client_secret", "")
    if form.get("grant_type") != "client_credentials":
        return JSONAnswer({"error": "unsupported_grant_type"}, 400)
    right = compare_digest(user.encode(), client_id.encode()), compare_digest(password.encode(), client_secret.encode())
    if not all(right):
        return JSONAnswer({"error": "invalid_client"}, 401, {"WWW-Authenticate": "Basic"})
    until = str(int(time.time()) + _LIFE)
    token = f"{until}.{_signature(until, client_secret)}"
    return JSONAnswer({"access_token": token, "token_type": "Bearer", "expires_in": _LIFE})


def known_token(token: str, client_secret: str) -> bool:
    """Whether a token was issued here and still lives. Nothing is stored, so a restart forgets nobody."""
    until, _, signature = token.partition(".")
    genuine = compare_digest(signature.encode(), _signature(until, client_secret).encode())
    return genuine and int(until) >= time.time()


class RequestWindow:
    """At most `limit` requests in each fixed window; every answer says how many are left, only the 429 does not."""

    def __init__(self, app: ASGIApp, limit: int = 300) -> None:
        self._app, self._limit = app, limit
        self._window, self._used = 0, 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        window = int(time.time()) // _WINDOW
        if window != self._window:
            self._window, self._used = window, 0
        self._used += 1
        if self._used > self._limit:
            await JSONAnswer({"message": "Rate limit exceeded."}, 429)(scope, receive, send)
            return
        reset = (window + 1) * _WINDOW
        told = {
            "X-RateLimit-Limit": self._limit,
            "X-RateLimit-Remaining": self._limit - self._used,
            "X-RateLimit-Reset": reset,
        }

        async def send_with_limits(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), str(value).encode()) for name, value in told.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, receive, send_with_limits)


def _signature(until: str, secret: str) -> str:
    return hmac.new(secret.encode(), until.encode(), hashlib.sha256).hexdigest()


def _form(body: bytes) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True))
