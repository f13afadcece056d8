"""A small HR API over real HTTP that tests bend: it answers from a script of pages, statuses and delays."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Answer = Callable[[Request, int], Response]


def as_json(content: Any, status: int = 200, **headers: str) -> Response:
    return Response(
        json.dumps(content),
        status,
        {name.replace("_", "-"): text for name, text in headers.items()},
        "application/json",
    )


@dataclass
class Api:
    """`answer` gets the request and its number (from 1) and answers it; `seen` keeps what was asked."""

    answer: Answer
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def app(self) -> Starlette:
        async def endpoint(request: Request) -> Response:
            body = await request.body()
            self.seen.append(
                {
                    "method": request.method,
                    "path": request.url.path,
                    "query": dict(request.query_params),
                    "headers": dict(request.headers),
                    "body": json.loads(body) if body and body[:1] == b"{" else body.decode(),
                }
            )
            return self.answer(request, len(self.seen))

        return Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])


def people(first: int, last: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"P{number}"} for number in range(first, last + 1)]
