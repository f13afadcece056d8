"""Answers bent out of shape: rows taken out, pages shifted, pages of the wrong kind. Pure functions of an answer."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

from starlette.types import Message

from hrorch_pipelines.sandbox.servers.answers import AnswerForm

_PAGE = "<!DOCTYPE html><html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer; header names in lower case, without content-type and content-length."""

    status: int
    headers: dict[str, str]
    body: bytes
    media_type: str

    def start(self) -> Message:
        """The ASGI message that opens this answer, with the full Content-Length."""
        headers = {**self.headers, "content-length": str(len(self.body)), "content-type": self.media_type}
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items() if value]
        return {"type": "http.response.start", "status": self.status, "headers": pairs}


def maintenance_page() -> Answer:
    """A web page where JSON was asked for, status 200."""
    return _page("Down for maintenance")


def sign_in_page() -> Answer:
    """Where an expired session ends up, status 200."""
    return _page("Sign in")


def no_rows(form: AnswerForm) -> Any:
    """A well-formed list answer of a system that holds nothing."""
    if not form.rows:
        return []
    content: dict[str, Any] = {}
    for path, value in [
        (form.rows[0], []),
        *((path, 0) for path in form.totals),
        *((path, None) for path in form.nexts),
    ]:
        _set(content, path, value)
    return content


def truncate(answer: Answer, form: AnswerForm) -> Answer:
    """Half of the page's rows (at least one fewer); totals and next links keep promising all of them."""
    content, rows = _opened(answer, form)
    if not rows:
        return answer
    del rows[len(rows) // 2 :]
    return _closed(answer, content)


def empty(answer: Answer, form: AnswerForm) -> Answer:
    """No rows, totals of zero, no next page: as well-formed as an empty system's answer."""
    content, rows = _opened(answer, form)
    if rows is None:
        return answer
    rows.clear()
    for path in form.totals:
        _change(content, path, 0)
    for path in form.nexts:
        _change(content, path, None)
    headers = {name: value for name, value in answer.headers.items() if name not in form.next_headers}
    headers.update({name: "0" for name in form.total_headers if name in headers})
    return _closed(replace(answer, headers=headers), content)


class PageDrift:
    """Shows later pages as they look when a record was inserted before them, or removed, since the first page.

    Inserted: the last row of the page before comes again and the total is one more. Removed: the page's first row slid to
    the page already read, so it is never seen, and the total is one less.
    """

    def __init__(self, form: AnswerForm) -> None:
        self._form = form
        self._last: dict[str, tuple[Any, int]] = {}

    def remember(self, path: str, answer: Answer) -> None:
        """Keep a first page's last row and its size."""
        _, rows = _opened(answer, self._form)
        if rows:
            self._last[path] = (rows[-1], len(rows))

    def shift(self, path: str, answer: Answer, drift: Literal["inserted", "removed"]) -> Answer:
        """A later page after the drift. Pages must be asked for in order."""
        content, rows = _opened(answer, self._form)
        if not rows or path not in self._last:
            return answer
        before, size = self._last[path]
        self._last[path] = (rows[-1], size)
        if drift == "inserted":
            rows[:] = [before, *(rows if len(rows) < size else rows[:-1])]
        else:
            del rows[0]
        by = 1 if drift == "inserted" else -1
        for total in self._form.totals:
            _change(content, total, by, add=True)
        headers = {
            name: str(int(value) + by) if name in self._form.total_headers else value
            for name, value in answer.headers.items()
        }
        return _closed(replace(answer, headers=headers), content)


def _page(title: str) -> Answer:
    return Answer(200, {}, _PAGE.format(title=title).encode(), "text/html; charset=utf-8")


def _opened(answer: Answer, form: AnswerForm) -> tuple[Any, list[Any] | None]:
    """The JSON of an answer and its rows (the very list in it); None when it is no list answer."""
    if answer.status != 200 or not answer.body:
        return None, None
    try:
        content = json.loads(answer.body)
    except ValueError:
        return None, None
    if isinstance(content, list):
        return content, content
    for path in form.rows:
        found = _find(content, path.split("."))
        if isinstance(found, list):
            return content, found
    return content, None


def _closed(answer: Answer, content: Any) -> Answer:
    return replace(answer, body=json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode())


def _find(content: Any, steps: Iterable[str]) -> Any:
    for step in steps:
        if not isinstance(content, dict) or step not in content:
            return None
        content = content[step]
    return content


def _set(content: dict[str, Any], path: str, value: Any) -> None:
    *steps, last = path.split(".")
    for step in steps:
        content = content.setdefault(step, {})
    content[last] = value


def _change(content: Any, path: str, value: Any, *, add: bool = False) -> None:
    """Replace (or add to) what is at a path; what is not there stays away."""
    *steps, last = path.split(".")
    holder = _find(content, steps)
    if isinstance(holder, dict) and last in holder:
        holder[last] = holder[last] + value if add else value
