"""Gusto tells its verification token to the address it will send to, once, before it can sign. Taken by a person who waits for it."""

from __future__ import annotations

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hrorch_pipelines.systems.json_paths import decode

_LARGEST = 4096


def verification_token(system: str, *, host: str, port: int) -> str | None:
    """Listen at `/webhooks/{system}` until a token arrives; None when stopped before. Nothing of it is stored or logged.

    Nobody has proved anything yet: the token is worth something only once the vendor confirms it.
    """
    found: list[str] = []

    async def take(request: Request) -> Response:
        token = _token(await request.body()) if int(request.headers.get("content-length", "0")) <= _LARGEST else None
        if token is None:
            return Response(status_code=400)
        found.append(token)
        server.should_exit = True
        return Response(status_code=200)

    app = Starlette(routes=[Route(f"/webhooks/{system}", take, methods=["POST"])])
    server = uvicorn.Server(
        uvicorn.Config(app, host=host, port=port, access_log=False, log_level="warning", server_header=False)
    )
    server.run()
    return found[0] if found else None


def _token(body: bytes) -> str | None:
    try:
        content = decode(body)
    except (ValueError, RecursionError):
        return None
    token = content.get("verification_token") if isinstance(content, dict) else None
    return token if isinstance(token, str) and token.isprintable() and token else None
