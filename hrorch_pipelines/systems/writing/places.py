"""Where a field's value stands in a raw record: finding, setting and removing what a mapping path names, in place.

The same paths as `mapping.paths` follows in SQL; here on decoded JSON, or on the columns of a flat row.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal

import simplejson  # type: ignore[import-untyped]

from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.paths import Match, Step, parse_path
from hrorch_pipelines.systems.writing.errors import unwritable

Shape = Literal["nested", "flat"]
Steps = tuple[Step, ...]


def steps_of(path: str, shape: Shape, attribute: str) -> Steps:
    """The steps of a path inside the record. Raises WriteFault `unwritable` where it leads out of it or nowhere."""
    if shape == "flat":
        return (path,)
    try:
        parsed = parse_path(path, attribute)
    except FieldFault as wrong:
        raise unwritable("bad_path", wrong.what) from None
    if parsed.of_parent or not parsed.steps:
        raise unwritable("bad_path", f"{attribute}: `{path}` is not a field of the record itself")
    return parsed.steps


def value_at(record: Any, steps: Steps) -> Any:
    """What stands there; None where nothing does."""
    at = record
    for step in steps:
        at = _next(at, step)
        if at is None:
            return None
    return at


def put(record: dict[str, Any], steps: Steps, value: Any) -> None:
    """Set a value, making objects and list elements on the way that are missing. Raises WriteFault where a value stands
    in the way."""
    at: Any = record
    for step, following in itertools.pairwise(steps):
        below = _next(at, step)
        if below is None:
            below = {} if isinstance(following, str) else []
            _set(at, step, below)
            below = _next(at, step)
        at = below
    _set(at, steps[-1], value)


def take_out(record: dict[str, Any], steps: Steps) -> None:
    """Empty a place: a list element found by `[?…]` or by number goes as a whole, a plain field becomes null."""
    for depth in range(len(steps), 0, -1):
        step = steps[depth - 1]
        if not isinstance(step, str):
            holder, element = value_at(record, steps[: depth - 1]), value_at(record, steps[:depth])
            if isinstance(holder, list) and element is not None:
                holder.remove(element)
            return
    if value_at(record, steps) is not None:
        put(record, steps, None)


def text_of(value: Any) -> str | None:
    """A JSON value as the mapping sees it: strings as they are, numbers and truth values as written."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | Decimal):
        return str(value)
    return exact(value)


def exact(content: Any) -> str:
    """JSON text; decimals keep every digit."""
    return str(simplejson.dumps(content, use_decimal=True, ensure_ascii=False, separators=(",", ":")))


def decoded(text: str | bytes) -> Any:
    """Decoded JSON whose fractions are Decimals, so that what is sent back is what came. Raises ValueError."""
    return simplejson.loads(text, use_decimal=True, parse_constant=str)


def _next(at: Any, step: Step) -> Any:
    if isinstance(step, str):
        return at.get(step) if isinstance(at, Mapping) else None
    if not isinstance(at, list):
        return None
    if isinstance(step, int):
        return at[step] if -len(at) <= step < len(at) else None
    return next((element for element in at if _matches(element, step)), None)


def _matches(element: Any, step: Match) -> bool:
    return text_of(value_at(element, tuple(step.key.split(".")))) == step.value


def _set(at: Any, step: Step, value: Any) -> None:
    if isinstance(at, dict) and isinstance(step, str):
        at[step] = value
    elif isinstance(at, list) and isinstance(step, int):
        _set_numbered(at, step, value)
    elif isinstance(at, list) and isinstance(step, Match):
        element: dict[str, Any] = value if isinstance(value, dict) else {}
        put(element, tuple(step.key.split(".")), _literal(step.value))
        at.append(element)
    else:
        raise unwritable("bad_path", "something else stands where this field's value belongs")


def _set_numbered(at: list[Any], step: int, value: Any) -> None:
    if -len(at) <= step < len(at):
        at[step] = value
    elif step in {len(at), -1}:
        at.append(value)
    else:
        raise unwritable("bad_path", "the list has no element before this one")


def _literal(word: str) -> Any:
    return {"true": True, "false": False}.get(word, word)
