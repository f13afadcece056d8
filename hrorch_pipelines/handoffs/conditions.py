"""The SQL of handoffs, parsed, bound to an empty relation of the person's state, and checked for what it answers.

Evaluating it is the business of the pass.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

import duckdb

from hrorch_pipelines.handoffs.columns import columns, empty_relation
from hrorch_pipelines.handoffs.errors import HandoffFault
from hrorch_pipelines.handoffs.expressions import (
    REMEDY,
    Expression,
    Path,
    Piece,
    handoff_pieces,
    parsed_piece,
    pieces,
)
from hrorch_pipelines.stack.handing import Handoff
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.columns import SQL_TYPES

_DAYS = {"DATE"}
_MOMENTS = {"TIMESTAMP WITH TIME ZONE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"}
_WHOLE = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
_NUMBERS = _WHOLE | {"DOUBLE", "FLOAT", "DECIMAL"}
_UNKNOWN = {"NULL", '"NULL"'}
_EMPTY = "nobody"


@dataclass(frozen=True)
class ParsedHandoff:
    """One handoff with all its SQL. `content` and `undo_content`: the rest of the path (`with.start_date`, `to`) → SQL."""

    name: str
    handoff: Handoff
    when: Expression
    requires: tuple[Expression, ...]
    done: Expression | None
    by: Expression | None
    once_per: Expression
    undo_when: Expression | None
    content: Mapping[str, Expression]
    undo_content: Mapping[str, Expression]

    @property
    def condition(self) -> str:
        """SQL of whether it must happen; what is unknown is not true."""
        return f"coalesce({self.when.sql}, false)"

    @property
    def columns(self) -> frozenset[str]:
        """Every column that doing it looks at: `when`, what it requires, what it says."""
        looked = [self.when, *self.requires, *self.content.values()]
        return frozenset[str]().union(*(expression.columns for expression in looked))

    @property
    def undo_columns(self) -> frozenset[str]:
        """Every column that taking it back looks at."""
        looked = [*([self.undo_when] if self.undo_when else []), *self.undo_content.values()]
        return frozenset[str]().union(*(expression.columns for expression in looked))


def parsed(stack: Stack) -> Mapping[str, ParsedHandoff]:
    """Every handoff of the stack, by name, in its order. Raises HandoffFault for SQL that cannot be read."""
    once = Expression(("lifecycle", "spell"), '("spell")', frozenset({"spell"}))
    return MappingProxyType({name: _parsed(name, handoff, once) for name, handoff in stack.handoffs.items()})


def parsed_spell(stack: Stack) -> Expression:
    """What one hire is. Raises HandoffFault."""
    return parsed_piece(Piece(("lifecycle", "spell"), stack.lifecycle.spell, "text"))


def condition_sql(stack: Stack, handoff: str) -> str:
    """SQL over `handoff_state` of whether a handoff must happen. BOOLEAN, never NULL."""
    return parsed(stack)[handoff].condition


def looked_at(stack: Stack) -> frozenset[str]:
    """Every column that any SQL of the handoffs names."""
    return frozenset[str]().union(*(parsed_piece(piece).columns for piece in pieces(stack)))


def check_handoffs(stack: Stack) -> list[tuple[Path, str]]:
    """Every fault of every piece of SQL, as (place in the stack file, why); empty when all bind. Nothing without handoffs."""
    if not stack.handoffs:
        return []
    kinds = tuple((name, attribute.type) for name, attribute in stack.attributes.items())
    return list(_faults(tuple(pieces(stack)), _Ground(tuple(columns(stack)), empty_relation(stack), kinds)))


def require_handoffs(stack: Stack) -> None:
    """Raise HandoffFault for the first piece of SQL that does not bind."""
    for path, why in check_handoffs(stack):
        raise HandoffFault(path, why, REMEDY)


@dataclass(frozen=True)
class _Ground:
    """What SQL is bound to: the columns, an empty relation of them, and what each attribute may be given."""

    columns: tuple[str, ...]
    empty: str
    kinds: tuple[tuple[str, AttributeType], ...]


@cache
def _faults(declared: tuple[Piece, ...], ground: _Ground) -> tuple[tuple[Path, str], ...]:
    with duckdb.connect() as con:
        con.execute("SET enable_external_access = false")
        con.execute(f"CREATE TEMP TABLE {_EMPTY} AS {ground.empty}")
        found = ((piece, _fault(con, ground, piece)) for piece in declared)
        return tuple((piece.path, why) for piece, why in found if why is not None)


def _parsed(name: str, handoff: Handoff, once: Expression) -> ParsedHandoff:
    expressions = {piece.path[2:]: parsed_piece(piece) for piece in handoff_pieces(name, handoff)}

    def under(*path: str) -> Mapping[str, Expression]:
        return MappingProxyType(
            {
                ".".join(map(str, place[len(path) :])): expression
                for place, expression in expressions.items()
                if place[: len(path)] == path
            }
        )

    return ParsedHandoff(
        name=name,
        handoff=handoff,
        when=expressions["when",],
        requires=tuple(expressions["requires", number, "that"] for number in range(len(handoff.requires))),
        done=expressions.get(("done",)),
        by=expressions.get(("by",)),
        once_per=expressions.get(("once_per",), once),
        undo_when=expressions.get(("compensate", "when")),
        content=under("then"),
        undo_content=under("compensate", "then"),
    )


def _fault(con: duckdb.DuckDBPyConnection, ground: _Ground, piece: Piece) -> str | None:
    try:
        expression = parsed_piece(piece)
    except HandoffFault as fault:
        return fault.why
    looped = _loops(piece, expression.columns)
    if looped is not None:
        return looped
    try:
        con.execute(f"SELECT 1 FROM {_EMPTY} WHERE {expression.sql} IS NULL")
        row = con.execute(f"SELECT typeof({expression.sql}) FROM {_EMPTY}").fetchone()
    except duckdb.Error as error:
        return _told(ground, error)
    kind = str(row[0]).partition("(")[0] if row else "NULL"
    return None if kind in _UNKNOWN else _wrong_answer(ground, piece, kind)


def _loops(piece: Piece, named: frozenset[str]) -> str | None:
    """What a hire is and what a handoff is done once for come first: `spell` and `done_…` are made of them."""
    later = {name for name in named if name.startswith("done_")} if piece.path[-1] in {"spell", "once_per"} else set()
    if piece.path == ("lifecycle", "spell"):
        later |= named & {"spell"}
    return f"looks at `{min(later)}`, which is made of it" if later else None


def _wrong_answer(ground: _Ground, piece: Piece, kind: str) -> str | None:
    if piece.answer == "condition":
        return None if kind == "BOOLEAN" else f"is not a condition: its answer is {kind}, not true or false"
    if piece.answer == "day":
        return None if kind in _DAYS else f"is not a day: its answer is {kind}; write (…)::DATE"
    if piece.answer == "day or moment":
        return None if kind in _DAYS | _MOMENTS else f"is neither a day nor a moment: its answer is {kind}"
    wanted = dict(ground.kinds).get(piece.attribute or "")
    if piece.answer == "text" or wanted is None:
        return None
    return None if kind in _taken(wanted) else f"`{piece.attribute}` is a {wanted.value}, and the answer is {kind}"


def _taken(wanted: AttributeType) -> frozenset[str]:
    """The types of answers that can be an attribute's value. Text takes anything: it is written as text."""
    if wanted is AttributeType.DATE:
        return frozenset(_DAYS)
    if wanted is AttributeType.TIMESTAMP:
        return frozenset(_MOMENTS)
    if wanted is AttributeType.INTEGER:
        return frozenset(_WHOLE)
    if wanted is AttributeType.BOOLEAN:
        return frozenset({"BOOLEAN"})
    return frozenset(_NUMBERS) if wanted in SQL_TYPES else frozenset(_NUMBERS | _DAYS | {"VARCHAR"})


def _told(ground: _Ground, error: duckdb.Error) -> str:
    text = str(error)
    missing = text.partition('Referenced column "')[2].partition('"')[0]
    if missing:
        hint = did_you_mean(missing, ground.columns)
        return f"there is no column `{missing}`{f' ({hint.strip()})' if hint else ''}"
    return text.splitlines()[0].rstrip("!")
