"""Handoffs: the steps with filters, one with its actions and its history, and how each handoff stands. Values masked unless revealed."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.handoffs.errors import UnknownStepError
from hrorch_pipelines.handoffs.terms import OPEN, DoneHow, StepState
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.read import require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, audit_log, letters
from hrorch_pipelines.storage.ledger_tables import steps as table
from hrorch_pipelines.storage.sealed import ErasedError, Seals

COLUMNS = (
    Column("step_id", "Step", "id"),
    Column("handoff", "Handoff", grouped=True),
    Column("person_id", "Person", "person", rank=4),
    Column("state", "State", "name"),
    Column("late", "Late"),
    Column("missing", "Missing", rank=1),
    Column("whose", "Whose turn", rank=2),
    Column("action", "Its action", "name", rank=3),
    Column("why", "Stands there because", short="Why", rank=5),
    Column("true_from", "Had to happen", "moment", rank=6),
    Column("due_at", "By", "moment"),
    Column("known_at", "Known since", "moment", rank=8),
    Column("state_at", "Since", "moment", rank=7),
)
STALLED = "stalled"
"""No state of its own: an open step past its time. A filter takes it for one."""

ERASED = "(erased)"


def steps(
    ledger: Ledger,
    stack: Stack,
    *,
    states: Sequence[str] = (),
    handoffs: Sequence[str] = (),
    person: str | None = None,
    limit: int | None = None,
) -> Table:
    """Steps, the one due first on top; without `states` those that are open, with `stalled` those of them that are late.

    `person` is a person id; `limit` rows at most, a note counts the rest. Raises UnknownChoiceError.
    """
    require_known("state", states, (*StepState, STALLED))
    require_known("handoff", handoffs, stack.handoffs)
    now = ledger.clock.now()
    wanted = [
        _in_states(states, now),
        *([table.c.handoff.in_(list(handoffs))] if handoffs else []),
        *([table.c.person_id == person] if person else []),
    ]
    joined = table.outerjoin(actions, actions.c.action_id == table.c.action_id)
    with ledger.read() as con:
        found = con.execute(sa.select(sa.func.count()).select_from(table).where(*wanted)).scalar_one()
        query = sa.select(table, actions.c.state.label("action")).select_from(joined).where(*wanted)
        query = query.order_by(table.c.due_at, table.c.handoff, table.c.step_id)
        rows = con.execute(query if limit is None else query.limit(limit)).all()
    cells = tuple(tuple(_told(stack, row, now)[column.name] for column in COLUMNS) for row in rows)
    counted = f"{found:,} steps." if found == len(rows) else f"{found:,} steps; the {len(rows):,} due first are shown."
    return Table("Steps of handoffs", COLUMNS, cells, None, (counted,))


def step(ledger: Ledger, stack: Stack, step_id: str, *, reveal: bool = False) -> list[Table]:
    """One step line by line, its actions with what they say, its letters, its history. Its id, or a beginning that is unique.

    Raises UnknownStepError.
    """
    now = ledger.clock.now()
    with ledger.read() as con:
        found = con.execute(sa.select(table).where(table.c.step_id.startswith(step_id, autoescape=True)).limit(2)).all()
        if len(found) != 1 or not step_id:
            raise UnknownStepError(step_id, len(found))
        row = found[0]
        mine = con.execute(
            sa.select(actions)
            .where(actions.c.step_id == row.step_id)
            .order_by(actions.c.proposed_at, actions.c.revision)
        ).all()
        ids = [action.action_id for action in mine]
        sent = con.execute(
            sa.select(letters.c.action_id, letters.c.part, letters.c.media_type, letters.c.made_at)
            .where(letters.c.action_id.in_(ids))
            .order_by(letters.c.made_at, letters.c.part)
        ).all()
        entries = con.execute(
            sa.select(audit_log).where(audit_log.c.person_id == row.person_id).order_by(audit_log.c.sequence)
        ).all()
        seals = Seals(con, ledger.home.key(), now)
        said = tuple(line for action in mine for line in _said(stack, seals, action, reveal=reveal))
    about = {**row._asdict(), **_told(stack, row, now)}
    lines = tuple(
        (name.replace("_", " "), str(value))
        for name, value in about.items()
        if value is not None and name not in _INNER
    )
    masked = () if reveal else (_MASKED,)
    return [
        Table("Step", (Column("field", "What"), Column("value", "Is")), lines),
        Table("Its actions", _ACTIONS, tuple(tuple(getattr(one, column.name) for column in _ACTIONS) for one in mine)),
        Table("What they say", _SAID, said, None, masked),
        *([Table("Letters kept", _LETTERS, tuple(tuple(one) for one in sent))] if sent else []),
        Table("History", _HISTORY, tuple(_history(entries, {row.step_id, *ids}))),
    ]


def status(ledger: Ledger, stack: Stack) -> Table:
    """How each handoff stands: its steps by state, how they came to be done, what is late, and its actions on their way."""
    now = ledger.clock.now()
    open_states = [state.value for state in OPEN]
    late = sa.case((sa.and_(table.c.state.in_(open_states), table.c.due_at < now), 1), else_=0)
    with ledger.read() as con:
        by_state = con.execute(
            sa.select(table.c.handoff, table.c.state, table.c.done_how, sa.func.count(), sa.func.sum(late)).group_by(
                table.c.handoff, table.c.state, table.c.done_how
            )
        ).all()
        by_action = con.execute(
            sa.select(actions.c.handoff, actions.c.state, sa.func.count()).group_by(actions.c.handoff, actions.c.state)
        ).all()
    figures: dict[str, Counter[str]] = {name: Counter() for name in stack.handoffs}
    for handoff, state, how, n, overdue in by_state:
        one = figures.setdefault(handoff, Counter())
        before = state == StepState.DONE.value and how == DoneHow.BEFORE.value
        one.update({"before" if before else state: n, STALLED: int(overdue or 0)})
    for handoff, state, n in by_action:
        figures.setdefault(handoff, Counter()).update({_way(State(state)): n})
    rows = tuple(
        (name, *(one[column.name] for column in _STATUS[1:-1]), _owner(stack, name)) for name, one in figures.items()
    )
    notes = ["`before`: it had to happen before the handoff counted, and was left alone."]
    if gone := [name for name in figures if name not in stack.handoffs]:
        notes.append(f"No longer in the stack file: {', '.join(sorted(gone))}.")
    return Table("Handoffs", _STATUS, rows, None, tuple(notes))


_INNER = {"case_id", "content_mark", "once_per", "stack_hash", "missing_owner", "stalled_at", "owner"}
_MASKED = "Personal values are masked; `--reveal --by NAME` shows them."
_ACTIONS = (
    Column("action_id", "Action", "id"), Column("purpose", "For", "name"), Column("revision", "Revision", "integer", rank=4),
    Column("target", "Target"), Column("verb", "Does"), Column("record", "Record", rank=3), Column("source_id", "Id there", rank=6),
    Column("state", "State", "name"), Column("why", "Why", rank=1), Column("proposed_at", "Proposed", "moment", rank=5),
    Column("sent_at", "Sent", "moment", rank=2), Column("confirmed_at", "Confirmed", "moment", rank=2),
)  # fmt: skip
_SAID = (Column("action_id", "Action", "id", grouped=True), Column("place", "What"), Column("value", "Is"))
_LETTERS = (
    Column("action_id", "Action", "id"), Column("part", "Part", "integer"), Column("media_type", "Kind"),
    Column("made_at", "Made", "moment"),
)  # fmt: skip
_HISTORY = (
    Column("at", "When", "moment"), Column("actor", "Who"), Column("action", "Did", "name"), Column("detail", "Detail"),
)  # fmt: skip
_STATUS = (
    Column("handoff", "Handoff"),
    *(
        Column(name, name.capitalize(), "integer")
        for name in ("parked", "due", "asked", "done", STALLED, "compensated")
    ),
    *(Column(name, name.capitalize(), "integer", rank=2) for name in ("before", "dropped", "compensating")),
    *(Column(name, name.capitalize(), "integer", rank=3) for name in ("waiting", "underway", "confirmed", "failed")),
    Column("owner", "Owner", rank=4),
)


def _in_states(states: Sequence[str], now: datetime) -> sa.ColumnElement[bool]:
    late = sa.and_(table.c.state.in_([state.value for state in OPEN]), table.c.due_at < now)
    named = [state for state in states if state != STALLED]
    if not states:
        return table.c.state.in_([state.value for state in OPEN])
    in_named = table.c.state.in_(named)
    return sa.or_(in_named, late) if STALLED in states else in_named


def _told(stack: Stack, row: sa.Row[Any], now: datetime) -> dict[str, Any]:
    """A step as its columns tell it. `late` is said of open ones only."""
    is_open = row.state in {state.value for state in OPEN}
    told = row._asdict()
    told["late"] = "late" if is_open and row.due_at < now else None
    told["whose"] = owner_name(stack, row.missing_owner or row.owner) if is_open else None
    return told


def _said(stack: Stack, seals: Seals, action: sa.Row[Any], *, reveal: bool) -> Iterator[tuple[str, str, str]]:
    """What an action says, place by place. Of what is no attribute nobody knows how personal it is: it is masked."""
    try:
        opened = seals.open(action.person_id, action.content_sealed)
    except ErasedError:
        yield action.action_id, "", ERASED
        return
    for place, name, value in _flat(json.loads(opened) if opened else {}):
        yield action.action_id, place, shown(stack, name, value, reveal=reveal)


def _flat(content: Mapping[str, Any]) -> Iterator[tuple[str, str | None, Any]]:
    """(place, the attribute it is a value of, value) of every leaf."""
    for key, value in content.items():
        if isinstance(value, Mapping):
            yield from (
                (f"{key}.{name}", name if key in {"values", "filled"} else None, one) for name, one in value.items()
            )
        elif isinstance(value, list):
            yield from ((f"{key}.{number}", None, one) for number, one in enumerate(value))
        else:
            yield key, None, value


def _history(entries: Sequence[sa.Row[Any]], ids: set[str]) -> Iterator[tuple[Any, ...]]:
    for entry in entries:
        detail = json.loads(entry.envelope).get("detail") or {}
        if {detail.get("step_id"), detail.get("action_id")} & ids:
            told = ", ".join(
                f"{name}: {value}"
                for name, value in detail.items()
                if value is not None and name not in {"step_id", "action_id"}
            )
            yield entry.at, entry.actor, entry.action, told


def _way(state: State) -> str:
    """An action's state as the summary counts it."""
    if state in UNSENT:
        return "waiting"
    if state in {State.SENDING, State.SENT}:
        return "underway"
    return state.value if state is State.CONFIRMED else "failed" if state in _FAILED else "ended"


_FAILED = frozenset({State.FAILED, State.CONFLICTED, State.DIVERGED})


def _owner(stack: Stack, handoff: str) -> str:
    declared = stack.handoffs.get(handoff)
    return owner_name(stack, declared.owner) if declared else ""
