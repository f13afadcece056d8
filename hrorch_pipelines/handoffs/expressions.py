"""Every piece of SQL that handoffs are made of: where it stands, what it must answer, which columns it looks at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import duckdb

from hrorch_pipelines.authority.conditions import parse
from hrorch_pipelines.authority.errors import AuthorityFault
from hrorch_pipelines.handoffs.errors import HandoffFault
from hrorch_pipelines.stack.handing import Change, Create, Handoff, Invite, Mail, Then
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import literal

Path = tuple[str | int, ...]
Answer = Literal["condition", "day", "day or moment", "text", "value"]

CLOCKS = frozenset({"now", "today"})
"""The only clocks: columns of the state, so that what was decided can be computed again."""

REMEDY = "write one SQL expression over the columns that docs/handoffs.md lists under `The person's state`"


@dataclass(frozen=True)
class Piece:
    """SQL as it stands in the stack file. `value` answers whatever type `attribute` has."""

    path: Path
    text: str
    answer: Answer
    attribute: str | None = None


@dataclass(frozen=True)
class Expression:
    """Usable SQL, in parentheses, and the columns of the state that it names.

    `sql` fails the statement where it fails for one person (a text that is no number). `tried` is NULL for that person, and
    only inside `untangled`.
    """

    path: Path
    sql: str
    columns: frozenset[str]

    @property
    def tried(self) -> str:
        return f"TRY({self.sql})"


@contextmanager
def untangled(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let TRY hold what is in it: DuckDB 2.0 takes what two expressions share out of both, and then it fails outside."""
    row = con.execute("SELECT current_setting('disabled_optimizers')").fetchone()
    before = str(row[0] or "") if row else ""
    con.execute(f"SET disabled_optimizers = {literal(','.join(filter(None, [before, 'common_subexpressions'])))}")
    try:
        yield
    finally:
        con.execute(f"SET disabled_optimizers = {literal(before)}")


def pieces(stack: Stack) -> Iterator[Piece]:
    """All of it, in the order of the stack file."""
    yield Piece(("lifecycle", "spell"), stack.lifecycle.spell, "text")
    for name, handoff in stack.handoffs.items():
        yield from handoff_pieces(name, handoff)


def handoff_pieces(name: str, handoff: Handoff) -> Iterator[Piece]:
    """Those of one handoff."""
    path: Path = ("handoffs", name)
    yield Piece((*path, "when"), handoff.when, "condition")
    for number, requirement in enumerate(handoff.requires):
        yield Piece((*path, "requires", number, "that"), requirement.that, "condition")
    yield from then_pieces((*path, "then"), handoff.then)
    if handoff.done is not None:
        yield Piece((*path, "done"), handoff.done, "condition")
    if handoff.once_per is not None:
        yield Piece((*path, "once_per"), handoff.once_per, "text")
    if handoff.by is not None:
        yield Piece((*path, "by"), handoff.by, "day")
    if handoff.compensate is not None:
        yield Piece((*path, "compensate", "when"), handoff.compensate.when, "condition")
        if handoff.compensate.then is not None:
            yield from then_pieces((*path, "compensate", "then"), handoff.compensate.then)


def then_pieces(path: Path, then: Then) -> Iterator[Piece]:
    """What is said of what is to be done."""
    if isinstance(then, Create | Change):
        for attribute, sql in then.with_.items():
            yield Piece((*path, "with", attribute), sql, "value", attribute)
        if then.from_ is not None:
            yield Piece((*path, "from"), then.from_, "day")
    elif isinstance(then, Mail):
        yield Piece((*path, "to"), then.to, "text")
    elif isinstance(then, Invite):
        yield Piece((*path, "starts"), then.starts, "day or moment")
        if then.location is not None:
            yield Piece((*path, "location"), then.location, "text")
        for number, sql in enumerate(then.attendees):
            yield Piece((*path, "attendees", number), sql, "text")
    if isinstance(then, Mail | Invite):
        for field, sql in then.fields.items():
            yield Piece((*path, "fields", field), sql, "text")


def parsed_piece(piece: Piece) -> Expression:
    """Read with the engine's own parser. Raises HandoffFault for what is not one expression, or could not be repeated."""
    try:
        condition = parse(".".join(map(str, piece.path)), piece.text, CLOCKS)
    except AuthorityFault as fault:
        raise HandoffFault(piece.path, fault.why, REMEDY) from None
    return Expression(piece.path, condition.sql, condition.columns)
