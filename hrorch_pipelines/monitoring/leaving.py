"""Watches over what handoffs send: queues that do not drain or grow, mass actions held back, letters nobody gets."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.corrections.budgets import Segment
from hrorch_pipelines.corrections.budgets import owner_of as budget_owner
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.terms import OPEN
from hrorch_pipelines.monitoring.acting import LATELY
from hrorch_pipelines.monitoring.scene import Scene, label, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import ago, many
from hrorch_pipelines.storage.ledger_tables import actions, breakers, steps

MANY_WAITING = 50
"""Below so many, a queue that grows is a busy morning."""
TIMES_FASTER = 2
"""So many times what leaves has to come in before a queue is said to grow."""
TRIES = 3
"""Failures of one letter before it is told: a mail server may be restarted."""

_WAITING = (State.READY.value, State.SENDING.value)


def action_queues(scene: Scene) -> Iterator[Trouble]:
    """Targets whose actions wait too long to be sent, or are let through too slowly; and queues that grow.

    Where the breaker is open that says it already. Nothing is late while nothing may be sent (mode `propose`).
    """
    if scene.stack.corrections.mode != "apply":
        return
    watch, a = scene.stack.alerts.watch, actions.c
    rows = scene.ledger.execute(
        sa.select(a.target, sa.func.count(), sa.func.count(a.person_id.distinct()), sa.func.min(a.state_at))
        .where(a.state.in_(_WAITING))
        .group_by(a.target)
        .order_by(a.target)
    ).all()
    told = {row.system: row for row in scene.ledger.execute(sa.select(breakers)).all()}
    for target, count, persons, oldest in rows:
        breaker = told.get(target)
        if breaker is not None and breaker.state != "closed":
            continue
        affects = {"actions": count, "persons": persons}
        asked = breaker is not None and breaker.retry_at is not None and scene.now - breaker.retry_at < LATELY
        if asked:
            if scene.now - oldest > watch.starved:
                yield _starved(scene, target, oldest, affects)
            continue
        # What piled up while the target was away has from its return on to drain.
        began = oldest if breaker is None else max(oldest, breaker.changed_at)
        if scene.now - began > watch.queue:
            yield _queue(scene, target, began, affects)
        elif count >= MANY_WAITING:
            yield from _growing(scene, target, affects)


def frozen_actions(scene: Scene) -> Iterator[Trouble]:
    """Kinds of action held back because there are more of them than their budget lets pass."""
    a = actions.c
    rows = scene.ledger.execute(
        sa.select(a.target, a.kind, sa.func.count(), sa.func.count(a.person_id.distinct()), sa.func.min(a.state_at))
        .where(a.state == State.FROZEN.value)
        .group_by(a.target, a.kind)
        .order_by(a.target, a.kind)
    ).all()
    for target, kind, count, persons, since in rows:
        owner = (
            budget_owner(scene.stack, Segment(kind, target))
            if target in scene.stack.systems
            else owner_of(scene.stack, target)
        )
        yield Trouble(
            f"frozen:actions:{target}:{kind}",
            Watch.FROZEN,
            "critical" if kind == "termination" else "error",
            owner,
            f"Handoffs ask for more than their budget lets pass: {many(count, f'{kind} action')} for {label(scene.stack, target)} "
            "are held back.",
            "Look before anything leaves: `hrorch handoffs list`. Right: `hrorch handoffs release`; wrong: mend the source.",
            since=since,
            system=target,
            affects={"actions": count, "persons": persons},
        )


def undelivered(scene: Scene) -> Iterator[Trouble]:
    """Letters and invitations that their server does not take: refused for good, or tried again and again."""
    a, s = actions.c, steps.c
    refused = a.state == State.FAILED.value
    retried = sa.and_(a.state.in_(_WAITING), a.attempts >= TRIES, a.fault.is_not(None))
    rows = scene.ledger.execute(
        sa.select(
            a.target,
            a.handoff,
            sa.func.count(),
            sa.func.count(a.person_id.distinct()),
            sa.func.min(a.state_at),
            sa.func.min(a.proposed_at),
            sa.func.min(a.fault),
        )
        # A final state lasts for ever: what is looked at is the action that an open step still waits for.
        .select_from(actions.join(steps, s.action_id == a.action_id))
        .where(
            a.target.in_(list(scene.stack.outlets)),
            s.state.in_([state.value for state in OPEN]),
            sa.or_(refused, retried),
        )
        .group_by(a.target, a.handoff)
        .order_by(a.target, a.handoff)
    ).all()
    for target, handoff, count, persons, since, proposed, fault in rows:
        yield Trouble(
            f"letters:{target}:{handoff}",
            Watch.LETTERS,
            "error",
            owner_of(scene.stack, target),
            f"{many(count, 'message')} of `{handoff}` cannot be handed to {label(scene.stack, target)} ({fault or 'refused'}).",
            "See whether the server works and takes our sender. What was refused for good has a case; the rest is tried again.",
            since=since,
            not_before=proposed,
            system=target,
            affects={"messages": count, "persons": persons},
        )


def _queue(scene: Scene, target: str, oldest: datetime, affects: dict[str, int]) -> Trouble:
    patience = scene.stack.alerts.watch.queue
    return Trouble(
        f"queue:actions:{target}",
        Watch.QUEUE,
        "error",
        owner_of(scene.stack, target),
        f"Actions of handoffs for {label(scene.stack, target)} have waited more than {ago(patience)} to be sent.",
        "See the sensor that sends them and its last runs in Dagster; what waits is sent when it runs again.",
        since=oldest + patience,
        system=target,
        affects=affects,
    )


def _starved(scene: Scene, target: str, oldest: datetime, affects: dict[str, int]) -> Trouble:
    patience = scene.stack.alerts.watch.starved
    return Trouble(
        f"starved:actions:{target}",
        Watch.STARVED,
        "warning",
        owner_of(scene.stack, target),
        f"{label(scene.stack, target)} lets too few requests through: actions of handoffs have waited more than {ago(patience)}.",
        "Somebody else may be using up the limit; ask the vendor for a higher one.",
        since=oldest + patience,
        system=target,
        affects=affects,
    )


def _growing(scene: Scene, target: str, affects: dict[str, int]) -> Iterator[Trouble]:
    """Far more came than left within `watch.queue`: at this pace it is late before long."""
    begin, a = scene.now - scene.stack.alerts.watch.queue, actions.c
    came, left = (
        int(
            scene.ledger.execute(
                sa.select(sa.func.count()).select_from(actions).where(a.target == target, moment >= begin)
            ).scalar_one()
        )
        for moment in (a.proposed_at, a.confirmed_at)
    )
    if came > TIMES_FASTER * left:
        yield Trouble(
            f"growing:{target}",
            Watch.QUEUE,
            "warning",
            owner_of(scene.stack, target),
            f"The queue for {label(scene.stack, target)} grows: {came} actions came and {left} left within "
            f"{ago(scene.stack.alerts.watch.queue)}.",
            "See whether the target limits us more than before, and whether so many are right: `hrorch handoffs list`.",
            system=target,
            affects=affects,
        )
