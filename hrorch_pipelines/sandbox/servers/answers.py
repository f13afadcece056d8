"""The form of a system's answers: where the rows, totals and next pages are, and JSON in a vendor's dress."""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Query = Mapping[str, str]


@dataclass(frozen=True)
class AnswerForm:
    """How to recognise and bend a system's list answers without knowing its domain.

    `rows`, `totals` and `nexts` are keys or dotted paths into the JSON body; a body that is itself a list holds the rows.
    `pages` names the parameters (of the query or of a JSON body) that ask for a page, with their values for the first one.
    """

    rows: tuple[str, ...] = ()
    totals: tuple[str, ...] = ()
    total_headers: tuple[str, ...] = ()
    nexts: tuple[str, ...] = ()
    next_headers: tuple[str, ...] = ()
    pages: Mapping[str, Container[str]] = field(default_factory=dict)
    windows: tuple[str, ...] = ()
    sign_in: str = ""
    reading_posts: str = ""  # regular expression of paths where POST reads
    expired: tuple[int, Any] = (410, {"error": "The cursor has expired."})
    limited: Any = field(default_factory=lambda: {"message": "Rate limit exceeded."})
    media_type: str = "application/json"

    def asks_for_more(self, query: Query, body: bytes) -> bool:
        """Whether a request continues an earlier one (later page) or asks for a window of changes."""
        return any(name in query for name in self.windows) or self.is_later_page(query, body)

    def is_later_page(self, query: Query, body: bytes) -> bool:
        """Whether a request asks for a page after the first."""
        content = _parsed(body) if body and self.reading_posts else None
        sent = {**(content if isinstance(content, dict) else {}), **query}
        return any(name in sent and str(sent[name]) not in first for name, first in self.pages.items())


class JSONAnswer(Response):
    """JSON, UTF-8, compact."""

    def __init__(
        self, content: Any, status: int = 200, headers: Mapping[str, str] | None = None, media: str = "application/json"
    ) -> None:
        text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
        super().__init__(text.encode(), status, headers, media)


class Refused(Exception):  # noqa: N818  (an answer on its way out, not an error of ours)
    """Ends a request with this answer."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


Handler = Callable[[Request, Exception], Response]


def refusals(answers: Mapping[type[Exception], Callable[[], Response]]) -> dict[Any, Handler]:
    """Starlette's exception handlers: `Refused` gives its own answer, each other exception the answer said here."""

    def refused(request: Request, refusal: Exception) -> Response:  # noqa: ARG001
        if isinstance(refusal, Refused):
            return refusal.answer
        return next(make for kind, make in answers.items() if isinstance(refusal, kind))()

    return dict.fromkeys((Refused, *answers), refused)


async def json_body(request: Request, refusal: Response) -> dict[str, Any]:
    """The request's JSON object. Raises Refused(refusal) when it is none."""
    try:
        body = await request.json()
    except ValueError:
        raise Refused(refusal) from None
    if not isinstance(body, dict):
        raise Refused(refusal)
    return body


def whole_number(text: str | None, default: int, *, least: int = 1, most: int | None = None) -> int | None:
    """A query parameter as a number; `default` when absent, None when it is not a number in range."""
    if text is None:
        return default
    if not text.isdecimal() or int(text) < least or (most is not None and int(text) > most):
        return None
    return int(text)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
