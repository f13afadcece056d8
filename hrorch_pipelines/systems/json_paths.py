"""Finds values in decoded JSON by the paths of `read` (`data`, `total`, `next`…). Paths of `fields` are `mapping`'s."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

from hrorch_pipelines.systems.errors import ReadFault

_DOTTED = re.compile(r"^(?:\$\.)?[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*$")
_MISSING = object()


def decode(text: str | bytes) -> Any:
    """Decode JSON; numbers with a fraction stay text, so that no digit is lost. Raises ValueError."""
    return json.loads(text, parse_float=str, parse_constant=str)


def encode(record: Any) -> str:
    """One line of JSON Lines."""
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def values_at(path: str, content: Any) -> list[Any]:
    """Every value at a path; `$` is the whole content. Empty when the path leads nowhere."""
    if path == "$":
        return [content]
    if _DOTTED.match(path):
        value = functools.reduce(
            lambda at, key: at.get(key, _MISSING) if isinstance(at, dict) else _MISSING,
            path.removeprefix("$.").split("."),
            content,
        )
        return [] if value is _MISSING else [value]
    return [found.value for found in _compiled(path).find(content)]


def first_at(path: str, content: Any) -> Any:
    """The first value at a path, or None."""
    return next(iter(values_at(path, content)), None)


def records_at(path: str, content: Any, what: str) -> list[dict[str, Any]]:
    """The records of an answer or file: the list at the path, or every object a `[*]` path names.

    Raises ReadFault `missing_data` when there is nothing at the path, `not_records` when it is something else.
    """
    if "[*]" in path:
        holder = path.partition("[*]")[0]
        if not isinstance(first_at(holder or "$", content), list):
            raise ReadFault("missing_data", f"{what} has no list at `{holder}`")
        found: Any = values_at(path, content)
    else:
        hits = values_at(path, content)
        if not hits or hits[0] is None:
            raise ReadFault("missing_data", f"{what} has nothing at `{path}`")
        found = hits[0]
    if isinstance(found, dict) and path == "$":
        found = [found]
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ReadFault("not_records", f"{what} holds no list of records at `{path}`")
    return found


@functools.lru_cache(maxsize=256)
def _compiled(path: str) -> Any:
    from jsonpath_ng.ext.parser import parse

    return parse(path)
