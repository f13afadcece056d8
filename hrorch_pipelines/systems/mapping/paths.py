"""Paths of field mappings: their grammar, and the SQL that follows one. Paths of `read` are `systems.json_paths`.

`name.first`, `"key.with.dots".x`, `list[0]`, `list[-1]`, `emails[?type=work].value` (the first that matches), `$` (the
whole record), `^.uuid` (the parent record, when the record is one element of an exploded list).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches

from hrorch_pipelines.storage.sql import literal
from hrorch_pipelines.systems.mapping.errors import FieldFault

_STEP = re.compile(
    r"""(?:^|\.)(?:"((?:[^"\\]|\\.)*)"|([^.\[\]"^$*?]+))  # a key, quoted or plain
    |\[(-?\d+)\]                                          # an index
    |\[\?\s*([\w.-]+)\s*==?\s*(?:"([^"]*)"|'([^']*)'|([^\]"']*))\]  # the first element whose key has a value
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Match:
    """`[?key=value]`."""

    key: str
    value: str


Step = str | int | Match


@dataclass(frozen=True)
class Path:
    """A parsed path: where it starts and the steps from there."""

    text: str
    of_parent: bool
    steps: tuple[Step, ...]

    @property
    def head(self) -> str:
        """The first key, or "" for the whole record."""
        return self.steps[0] if self.steps and isinstance(self.steps[0], str) else ""

    @property
    def plain(self) -> bool:
        """No `[?…]`: DuckDB's own JSON path can follow it."""
        return not any(isinstance(step, Match) for step in self.steps)


def parse_path(text: str, attribute: str) -> Path:
    """Read a path. Raises FieldFault where it does not follow the grammar."""
    of_parent = text == "^" or text.startswith(("^.", "^["))
    rest = text[1:].removeprefix(".") if of_parent else text
    rest = "" if rest == "$" else rest.removeprefix("$.")
    steps: list[Step] = []
    at = 0
    while at < len(rest):
        found = _STEP.match(rest, at)
        if not found or found.end() == at or (at > 0 and found[3] is None and found[4] is None and rest[at] != "."):
            raise FieldFault(
                attribute,
                f"path `{text}` cannot be read from character {at + 1} of `{rest}`",
                remedy='write `a.b`, `a[0]`, `a[?type=work].b`; put keys with dots or signs in quotes: `"a.b".c`',
            )
        steps.append(_step(found))
        at = found.end()
    return Path(text, of_parent, tuple(steps))


def _step(found: re.Match[str]) -> Step:
    if found[3] is not None:
        return int(found[3])
    if found[4] is not None:
        return Match(found[4], next(part for part in found.group(5, 6, 7) if part is not None).strip())
    return re.sub(r"\\(.)", r"\1", found[1]) if found[1] is not None else found[2].strip()


def json_path(steps: tuple[Step, ...]) -> str:
    """DuckDB's JSON path for plain steps: `$."name"."first"[0]`."""
    return "$" + "".join(
        f"[{step}]" if isinstance(step, int) else _key(step) for step in steps if not isinstance(step, Match)
    )


def _key(step: str) -> str:
    escaped = step.replace("\\", "\\\\").replace('"', '\\"')
    return f'."{escaped}"'


def json_at(document: str, path: Path) -> str:
    """SQL for the JSON value at a path in the JSON expression `document`."""
    value, run = document, tuple[Step, ...]()
    for step in path.steps:
        if not isinstance(step, Match):
            run = (*run, step)
            continue
        key = literal(json_path(tuple(step.key.split("."))))
        elements = f"json_extract({value}, {literal(json_path(run) + '[*]')})"
        value, run = f"list_filter({elements}, lambda e: json_extract_string(e, {key}) = {literal(step.value)})[1]", ()
    return f"json_extract({value}, {literal(json_path(run))})" if run else value


def text_at(document: str, path: Path) -> str:
    """SQL for the text at a path: strings unquoted, numbers and booleans as written, JSON null as NULL."""
    return f"json_extract_string({json_at(document, path)}, '$')"


def without(document: str, path: Path) -> str:
    """SQL for `document` with what lies at a path taken out; at a `[?…]` the whole list goes."""
    steps: tuple[Step, ...] = ()
    for step in path.steps:
        if isinstance(step, Match):
            break
        steps = (*steps, step)
    return f"json_remove({document}, {literal(json_path(steps))})" if steps else "NULL"


def nearest(name: str, columns: tuple[str, ...]) -> str:
    """`; did you mean `x`?` for a column that is not there, or the columns there are."""
    folded = {column.casefold(): column for column in columns}
    close = get_close_matches(name.casefold(), list(folded), n=1, cutoff=0.5)
    if close:
        return f"the nearest column is `{folded[close[0]]}`"
    return (
        "the columns are " + ", ".join(f"`{column}`" for column in columns[:12]) + (" …" if len(columns) > 12 else "")
    )
