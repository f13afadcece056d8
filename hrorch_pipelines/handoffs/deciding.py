"""What follows for one person's step from what is true now and what was done. Pure: nothing is read or written here.

Nothing is remembered of the order in which facts came: the same facts and the same deeds always lead to the same answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import sqlalchemy as sa

from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.handoffs.evaluating import Found
from hrorch_pipelines.handoffs.facts import Rule
from hrorch_pipelines.handoffs.terms import DoneHow, Purpose, StepState
from hrorch_pipelines.stack.handing import Ask, Invite

Row = sa.Row[Any]
_S = StepState
_FLYING = frozenset({State.SENDING, State.SENT})
_MAYBE_MADE = _FLYING | {State.CONFIRMED, State.DIVERGED, State.CONFLICTED}


@dataclass(frozen=True)
class Deeds:
    """What was done for a step so far. `answered`: the case that asked for it, or for taking it back, was resolved."""

    row: Row
    actions: Sequence[Row]
    answered: bool = False

    @property
    def newest(self) -> Row | None:
        return next((one for one in self.actions if one.action_id == self.row.action_id), None)

    @property
    def unsent(self) -> tuple[Row, ...]:
        return tuple(one for one in self.actions if State(one.state) in UNSENT)

    @property
    def flying(self) -> bool:
        """Something left, and nobody knows yet what became of it."""
        return any(State(one.state) in _FLYING for one in self.actions)

    @property
    def made(self) -> tuple[Row, ...]:
        """What really was, or may have been, made and is not taken back; a look that found it there made nothing."""
        undone = [one.revision for one in self.actions if _is_undo(one) and one.state == State.CONFIRMED.value]
        return tuple(
            one
            for one in self.actions
            if not _is_undo(one)
            and one.revision > max(undone, default=-1)
            and State(one.state) in _MAYBE_MADE
            and (one.sent_at is not None or State(one.state) in _FLYING)
        )


@dataclass(frozen=True)
class Decision:
    """What is to be done with a step. `to` None: its state stays. `propose`: an action for this purpose; `ask`: a case."""

    to: StepState | None = None
    why: str = ""
    also: dict[str, Any] = field(default_factory=dict)
    withdraw: tuple[Row, ...] = ()
    propose: Purpose | None = None
    ask: Literal["question", "by_hand"] | None = None
    settle: bool = False
    anew: bool = False


_NOTHING = Decision()


def begin(rule: Rule, found: Found, now: datetime) -> Decision:
    """A step that is new, or becomes true again after it was dropped or taken back."""
    if found.there:
        how = {"done_at": now, "done_how": DoneHow.ALREADY.value}
        return Decision(_S.DONE, "it was there already", how)
    if found.missing is not None:
        return Decision(_S.PARKED, "something it requires is missing", _missing(found))
    return _go(rule, now)


def due(true_from: datetime, rule: Rule, found: Found) -> datetime:
    """Later than this it is stalled."""
    usual = true_from + rule.parsed.handoff.within
    return usual if found.due_by is None else min(usual, found.due_by)


def decide(rule: Rule, found: Found, deeds: Deeds, now: datetime) -> Decision:
    """What follows for a step that there is."""
    state = _S(deeds.row.state)
    if state in {_S.DROPPED, _S.COMPENSATED}:
        one = begin(rule, found, now)
        fresh: dict[str, Any] = {
            "done_at": None,
            "done_how": None,
            "released_at": None,
            "case_id": None,
            **_missing(None),
        }
        fresh |= {"true_from": now, "known_at": now, "due_at": due(now, rule, found), "stalled_at": None}
        return Decision(
            one.to, f"true again; {one.why}", {**fresh, **one.also}, propose=one.propose, ask=one.ask, anew=True
        )
    if state is _S.DONE:
        return _take_back(rule, found, deeds, now) if found.back else _say_again(found, deeds)
    if state is _S.COMPENSATING:
        return _compensating(rule, found, deeds)
    if found.gone or not found.wanted or found.back:
        return _no_longer(rule, found, deeds, now)
    return _open(rule, found, deeds, now)


def _open(rule: Rule, found: Found, deeds: Deeds, now: datetime) -> Decision:
    """Parked, due or asked, and it is to happen."""
    state, newest = _S(deeds.row.state), deeds.newest
    if newest is not None and newest.state == State.CONFIRMED.value and state is _S.DUE:
        how = DoneHow.ACTION if newest.sent_at is not None else DoneHow.ALREADY
        return _done(how, "confirmed", now)
    if deeds.flying:
        return _NOTHING
    if found.there:
        return _done(DoneHow.BY_HAND, "somebody did it", now, deeds)
    if state is _S.ASKED and deeds.answered:
        return _done(DoneHow.BY_HAND, "somebody resolved the case", now, deeds)
    if found.missing is not None:
        if state is _S.PARKED:
            return Decision(also=_missing(found)) if deeds.row.missing != found.missing else _NOTHING
        why = "something it requires is missing again"
        return Decision(_S.PARKED, why, _missing(found), deeds.unsent, settle=state is _S.ASKED)
    if state is _S.ASKED and isinstance(rule.parsed.handoff.then, Ask):
        return _NOTHING
    if state is not _S.DUE:
        return _with(_go(rule, now), {"missing": None, "missing_owner": None}, settle=state is _S.ASKED)
    if not rule.acting:
        return _NOTHING
    if isinstance(rule.parsed.handoff.then, Ask):
        return _with(_go(rule, now), {})
    if _stands(newest, found.said, rule):
        return _NOTHING
    return Decision(withdraw=deeds.unsent, propose=Purpose.DO)


def _no_longer(rule: Rule, found: Found, deeds: Deeds, now: datetime) -> Decision:
    """Parked, due or asked, and it is not to happen (any more)."""
    asked = deeds.row.state == _S.ASKED.value
    if found.back and deeds.made and deeds.row.state == _S.DUE.value:
        return _take_back(rule, found, deeds, now) if rule.acting else _NOTHING
    if deeds.flying:
        return _NOTHING
    return Decision(_S.DROPPED, "it is no longer to happen", _missing(None), deeds.unsent, settle=asked)


def _say_again(found: Found, deeds: Deeds) -> Decision:
    """Done, and what it says has changed."""
    if deeds.flying:
        return _NOTHING
    said = [one for one in deeds.made if one.state == State.CONFIRMED.value]
    last = max(said, key=lambda one: one.revision, default=None)
    if last is not None and last.content_mark == found.said:
        # It says again what it said when it was last sent: nothing has to be told.
        back = {"action_id": last.action_id, "content_mark": last.content_mark}
        return Decision(also=back, withdraw=deeds.unsent)
    newest = deeds.newest
    if newest is not None and newest.purpose == Purpose.AGAIN.value and newest.content_mark == found.said:
        return _NOTHING
    return Decision(withdraw=deeds.unsent, propose=Purpose.AGAIN)


def _take_back(rule: Rule, found: Found, deeds: Deeds, now: datetime) -> Decision:
    """Done or under way, and to be taken back."""
    late = {"due_at": now + rule.parsed.handoff.within, "case_id": None}
    if deeds.made:
        # What is under way has to end first: nobody can take back what may still happen.
        undo = Decision() if deeds.flying else _undo(rule, found)
        why = "it is to be taken back"
        return Decision(_S.COMPENSATING, why, {**late, **_undo_missing(found)}, deeds.unsent, undo.propose, undo.ask)
    if found.there or isinstance(rule.parsed.handoff.then, Ask):
        why = "it is to be taken back, and it was not our doing"
        return Decision(_S.COMPENSATING, why, late, deeds.unsent, ask="by_hand")
    return Decision(_S.COMPENSATED, "there is nothing of ours to take back", {}, deeds.unsent)


def _compensating(rule: Rule, found: Found, deeds: Deeds) -> Decision:
    undos = [one for one in deeds.actions if _is_undo(one)]
    newest = deeds.newest if deeds.newest is not None and _is_undo(deeds.newest) else None
    if newest is not None and newest.state == State.CONFIRMED.value:
        return Decision(_S.COMPENSATED, "what was made is taken back", settle=True)
    if deeds.flying or not rule.acting:
        return _NOTHING
    if deeds.answered:
        return Decision(_S.COMPENSATED, "somebody resolved the case", {}, deeds.unsent, settle=True)
    if not found.back and not found.gone:
        if found.undo_doubt:
            return _NOTHING
        if not found.wanted:
            why = "it is not to be taken back any more: somebody did, or what asked for it is gone"
            return Decision(_S.COMPENSATED, why, {}, deeds.unsent, settle=True)
        last = max(deeds.made, key=lambda one: one.revision, default=None)
        how = {"action_id": last.action_id, "content_mark": last.content_mark} if last is not None else {}
        return Decision(_S.DONE, "it is to stand after all", how, deeds.unsent, settle=True)
    if not deeds.made:
        if not undos and deeds.row.case_id is None:
            return Decision(_S.DROPPED, "it came to nothing, so nothing is to be taken back", {}, deeds.unsent)
        if deeds.row.case_id is not None and not found.gone and not found.there and not _asks(rule):
            return Decision(_S.COMPENSATED, "it is there no more", {}, deeds.unsent, settle=True)
        return _NOTHING
    if deeds.row.case_id is not None:
        return _NOTHING
    said = newest.content_mark if newest is not None and newest.verb == "cancel" else found.undo_said
    if newest is not None and (found.gone or _stands(newest, said, rule)):
        return _NOTHING
    undo = _undo(rule, found)
    if undo.propose is None and undo.ask is None:
        return Decision(also=_undo_missing(found)) if deeds.row.missing != found.undo_missing else _NOTHING
    return Decision(also=_undo_missing(found), withdraw=deeds.unsent, propose=undo.propose, ask=undo.ask)


def _undo(rule: Rule, found: Found) -> Decision:
    """How it is taken back: an event by itself, else as the stack file says, else by somebody."""
    compensate = rule.parsed.handoff.compensate
    if isinstance(rule.parsed.handoff.then, Invite) and (compensate is None or compensate.then is None):
        return Decision(propose=Purpose.UNDO)
    if rule.undo is None or (found.gone and found.undo_text is None):
        return Decision(ask="by_hand")
    if found.undo_missing is not None or found.undo_text is None:
        return _NOTHING
    return Decision(propose=Purpose.UNDO)


def _go(rule: Rule, now: datetime) -> Decision:
    """Nothing is missing."""
    released = {"released_at": now}
    if isinstance(rule.parsed.handoff.then, Ask):
        if rule.acting:
            return Decision(_S.ASKED, "its owner is asked", released, ask="question")
        return Decision(_S.DUE, "the stack file says to watch only", released)
    why = "nothing is missing" if rule.acting else "the stack file says to watch only"
    return Decision(_S.DUE, why, released, propose=Purpose.DO if rule.acting else None)


def _done(how: DoneHow, why: str, now: datetime, deeds: Deeds | None = None) -> Decision:
    also = {"done_at": now, "done_how": how.value, **_missing(None)}
    return Decision(_S.DONE, why, also, deeds.unsent if deeds else (), settle=True)


def _stands(action: Row | None, said: str | None, rule: Rule) -> bool:
    """Whether the newest action says what is to be said, and is not to be tried anew: what failed is, under another stack file;
    what somebody rejected, only when it says something else."""
    if action is None or action.content_mark != said:
        return False
    state = State(action.state)
    return state in UNSENT | _FLYING or state is State.REJECTED or action.stack_hash == rule.stack_hash


def _with(one: Decision, also: dict[str, Any], *, settle: bool = False) -> Decision:
    return Decision(one.to, one.why, {**one.also, **also}, one.withdraw, one.propose, one.ask, settle)


def _missing(found: Found | None) -> dict[str, Any]:
    return {"missing": found.missing if found else None, "missing_owner": found.missing_owner if found else None}


def _undo_missing(found: Found) -> dict[str, Any]:
    return {"missing": found.undo_missing}


def _is_undo(action: Row) -> bool:
    return bool(action.purpose == Purpose.UNDO.value)


def _asks(rule: Rule) -> bool:
    return isinstance(rule.parsed.handoff.then, Ask)
