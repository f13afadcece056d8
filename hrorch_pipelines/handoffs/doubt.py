"""Where a person's state cannot be relied on: what is held, hidden or unresolved, and what comes from a system gone stale."""

from __future__ import annotations

from collections.abc import Iterable

from hrorch_pipelines.authority.flags import Mark, attribute_order
from hrorch_pipelines.handoffs.columns import DOUBTFUL, column_of, sources
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare, name_parts, work_email
from hrorch_pipelines.storage.sql import ident, literal

_LETTERS = ", ".join(f"'{mark}'" for mark in (Mark.HELD, Mark.UNRESOLVED, Mark.WITHHELD))


def doubt_sql(stack: Stack, columns: Iterable[str]) -> str:
    """SQL over `handoff_state`: whether any of these columns is in doubt for the person. BOOLEAN, never NULL.

    A decided value is in doubt with the system that decides it in the person's stage. A system nobody looks at never counts.
    """
    looked = set(columns)
    terms = _stale(stack, looked)
    if names := _names(stack, looked):
        terms.append(f"list_has_any({DOUBTFUL}, [{names}])")
    return f"coalesce({' OR '.join(terms)}, false)" if terms else "false"


def own_doubt(stack: Stack, columns: Iterable[str]) -> str:
    """SQL: which of these columns are in doubt for the person alone, as `a, b`; NULL where none is, or a system is stale.

    A stale system has an owner who is told of it. What is withheld or held for one person may stay so for ever unseen.
    """
    looked = set(columns)
    names, stale = _names(stack, looked), " OR ".join(_stale(stack, looked)) or "false"
    if not names:
        return "NULL::VARCHAR"
    told = f"nullif(array_to_string(list_sort(list_intersect({DOUBTFUL}, [{names}])), ', '), '')"
    return f"CASE WHEN NOT coalesce({stale}, false) THEN {told} END"


def _stale(stack: Stack, looked: set[str]) -> list[str]:
    """SQL conditions: a system that one of the columns comes from has gone stale."""
    terms = []
    for _, stages, system, _ in sources(stack, looked | _behind(stack, looked)):
        stale = ident(f"{bare(system)}_stale")
        within = f"stage IN ({', '.join(literal(stage) for stage in stages)}) AND " if stages is not None else ""
        terms.append(f"({within}{stale})")
    return list(dict.fromkeys(terms))


def _names(stack: Stack, looked: set[str]) -> str:
    return ", ".join(literal(name) for name in sorted(looked & column_of(stack).keys()))


def held_back(stack: Stack, system: str, attribute: str, row: str) -> str:
    """SQL: whether a system's cell is not to be relied on; `row`: the alias of a row of `cells."<system>"`."""
    return _marked(row, attribute_order(stack, system).index(attribute) + 1)


def doubtful(stack: Stack, looked: Iterable[str]) -> str:
    """SQL of the list of columns in doubt, over rows `g` (golden.wide) and `c_<system>` (cells); NULL where there is none."""
    known, named = column_of(stack), set(looked)
    decided: list[str] = []
    held: dict[str, list[str]] = {}
    order = list(stack.attributes)
    for name, column in known.items():
        if name not in named or column.attribute is None:
            continue
        if column.kind in {"decided", "referred"}:
            decided.append(_name_if(_marked("g", order.index(column.attribute) + 1), name))
        elif column.kind == "held" and column.system:
            row = ident(f"c_{column.system}")
            held.setdefault(row, []).append(_name_if(held_back(stack, column.system, column.attribute, row), name))
    lists = [
        f"CASE WHEN {row}.marks IS NOT NULL THEN list_filter([{', '.join(names)}], lambda name: name IS NOT NULL) END"
        for row, names in {**({"g": decided} if decided else {}), **held}.items()
    ]
    return f"list_concat({', '.join(lists)})" if lists else "NULL::VARCHAR[]"


def _marked(row: str, place: int) -> str:
    return f"coalesce(substr({row}.marks, {place}, 1) IN ({_LETTERS}), false)"


def _name_if(condition: str, name: str) -> str:
    return f"CASE WHEN {condition} THEN {literal(name)} END"


def _behind(stack: Stack, looked: set[str]) -> set[str]:
    """What somebody referred to is told by: their own decided name or address."""
    behind: set[str] = set()
    for name, column in column_of(stack).items():
        if name in looked and column.kind == "referred":
            email = work_email(stack)
            behind |= set(name_parts(stack)) if column.part == "name" else ({email} if email else set())
    return behind
