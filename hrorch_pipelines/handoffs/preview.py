"""The dry run: what a push of actions would send, request by request, values masked. Sends nothing, changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections.queue import Row
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.desk import Hands
from hrorch_pipelines.handoffs.fit import said_of, unfit
from hrorch_pipelines.handoffs.making import Wanted, making_of
from hrorch_pipelines.handoffs.targets import stopped, targets
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_pipelines.systems.writing.protocol import Preview, WriteFault


@dataclass(frozen=True)
class Planned:
    """What would be sent for one action. `requests` is empty where nothing would be; `note` says why, or what is unsure."""

    action_id: str
    handoff: str
    person_id: str
    target: str
    verb: str
    state: str
    requests: tuple[Preview, ...]
    note: str | None = None


def preview_due(
    ledger: Ledger,
    stack: Stack,
    clock: Clock,
    *,
    target: str | None = None,
    states: Iterable[State] = (State.READY,),
    limit: int = 100,
    read: bool = True,
    hands: Hands | None = None,
) -> list[Planned]:
    """The requests of the actions in these states, at most `limit` per target, in the order proposed.

    With `read` it is looked whether each is there already, as a push would just before; without, nothing leaves this machine.
    `hands` is for tests and stays open.
    """
    found: list[Planned] = []
    for place in [target] if target else targets(stack):
        chosen = _rows(ledger, place, [state.value for state in states], limit)
        if not chosen:
            continue
        used = hands or Hands(ledger, stack, place, clock, None, None)
        why = stopped(stack, ledger.home, place)
        try:
            found += [_planned(ledger, stack, clock, used, row, why, read=read) for row in chosen]
        finally:
            if hands is None:
                used.close()
    return found


def _rows(ledger: Ledger, target: str, states: Sequence[str], limit: int) -> list[Row]:
    with ledger.read() as con:
        return list(
            con.execute(
                sa.select(actions)
                .where(actions.c.target == target, actions.c.state.in_(states))
                .order_by(actions.c.proposed_at, actions.c.action_id)
                .limit(limit)
            ).all()
        )


def _planned(
    ledger: Ledger, stack: Stack, clock: Clock, hands: Hands, row: Row, stopped_by: str | None, *, read: bool
) -> Planned:
    notes = [stopped_by] if stopped_by else []
    wanted, why = _wanted(ledger, stack, clock, row)
    requests: tuple[Preview, ...] = ()
    if wanted is None:
        notes.append(f"not sent: {why}")
    else:
        notes += [why] if why else []
        try:
            requests, seen = hands.preview(wanted), _seen(hands, wanted) if read else None
        except WriteFault as fault:
            notes.append(f"cannot be made ({fault.code}): {fault.what}")
        else:
            notes += [seen] if seen else []
            requests = () if seen and seen.startswith("not sent") else requests
    told = "; ".join(notes) or None
    return Planned(row.action_id, row.handoff, row.person_id, row.target, row.verb, row.state, requests, told)


def _wanted(ledger: Ledger, stack: Stack, clock: Clock, row: Row) -> tuple[Wanted | None, str]:
    """What an action hands over, and what is still to happen first; or None, and why it is never sent."""
    with ledger.read() as con:
        seals = Seals(con, ledger.home.key(), clock.now())
        try:
            said = said_of(seals.open(row.person_id, row.content_sealed))
        except ErasedError:
            said = None
    if said is None:
        return None, "what it says was erased"
    away = unfit(stack, row, said)
    if away is not None and away.to is State.WITHDRAWN:
        return None, away.why
    try:
        return making_of(stack, row, said), away.why if away else ""
    except WriteFault as fault:
        return None, f"it cannot be expressed ({fault.code})"


def _seen(hands: Hands, wanted: Wanted) -> str | None:
    """What a look says about it, where that matters."""
    try:
        seen = hands.look(wanted)
    except WriteFault as fault:
        return f"could not be looked at now ({fault.code})"
    if seen.state == "there":
        return "not sent: it is there already"
    return f"not sent: {seen.why or 'several could be it'}" if seen.state == "unclear" else None
