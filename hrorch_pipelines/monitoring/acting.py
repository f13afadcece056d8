"""Watches over acting: systems that cannot be written, frozen mass changes, queues that do not drain, cases past their time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.corrections.budgets import Segment, owner_of
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.monitoring.scene import Scene, label
from hrorch_pipelines.monitoring.scene import owner_of as someone
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import ago, many
from hrorch_pipelines.storage.ledger_tables import actions, breakers, cases, corrections

LATELY = timedelta(minutes=10)
"""A system that asked for patience until so long ago still counts as one that does."""


def open_breakers(scene: Scene) -> Iterator[Trouble]:
    """Systems that failed so often in a row that they are left alone."""
    for row in scene.ledger.execute(sa.select(breakers).where(breakers.c.state != "closed")).all():
        waiting = _waiting(scene, row.system)
        yield Trouble(
            f"breaker:{row.system}",
            Watch.BREAKER,
            "error",
            someone(scene.stack, row.system),
            f"{label(scene.stack, row.system)} cannot be written: {many(row.failures, 'failure')} in a row ({row.fault}).",
            "See whether it is down or has locked us out. What is to be sent waits and goes on by itself when it answers.",
            since=row.changed_at,
            not_before=row.changed_at,
            system=row.system,
            affects=waiting,
        )


def frozen(scene: Scene) -> Iterator[Trouble]:
    """Kinds of change held back because there are more of them than their budget lets pass."""
    c = corrections.c
    rows = scene.ledger.execute(
        sa.select(c.target, c.kind, sa.func.count(), sa.func.count(c.person_id.distinct()), sa.func.min(c.state_at))
        .where(c.state == State.FROZEN.value)
        .group_by(c.target, c.kind)
        .order_by(c.target, c.kind)
    ).all()
    for target, kind, count, persons, since in rows:
        owner = (
            owner_of(scene.stack, Segment(kind, target))
            if target in scene.stack.systems
            else someone(scene.stack, target)
        )
        yield Trouble(
            f"frozen:{target}:{kind}",
            Watch.FROZEN,
            "critical" if kind == "termination" else "error",
            owner,
            f"A mass change is held back: {many(count, f'{kind} correction')} for {label(scene.stack, target)}.",
            "Look before anything leaves: `hrorch corrections list --state frozen`. Right: `hrorch corrections release`; "
            "wrong: mend the source.",
            since=since,
            system=target,
            affects={"corrections": count, "persons": persons},
        )


def queues(scene: Scene) -> Iterator[Trouble]:
    """Targets whose corrections wait too long to be sent, or are let through too slowly by the system's own limit.

    Where the breaker is open that says it already. Nothing is late while nothing may be sent (mode `propose`).
    """
    if scene.stack.corrections.mode != "apply":
        return
    watch, c = scene.stack.alerts.watch, corrections.c
    rows = scene.ledger.execute(
        sa.select(c.target, sa.func.count(), sa.func.count(c.person_id.distinct()), sa.func.min(c.state_at))
        .where(c.state.in_([State.READY.value, State.SENDING.value]))
        .group_by(c.target)
        .order_by(c.target)
    ).all()
    told = {row.system: row for row in scene.ledger.execute(sa.select(breakers)).all()}
    for target, count, persons, oldest in rows:
        breaker = told.get(target)
        affects = {"corrections": count, "persons": persons}
        if breaker is None:
            if scene.now - oldest > watch.queue:
                yield _queue(scene, target, oldest, affects)
        elif breaker.state == "closed" and breaker.retry_at is not None and scene.now - breaker.retry_at < LATELY:
            if scene.now - oldest > watch.starved:
                yield _starved(scene, target, oldest, affects)
        elif breaker.state == "closed":
            # What piled up while the system was away has from its return on to drain.
            began = max(oldest, breaker.changed_at)
            if scene.now - began > watch.queue:
                yield _queue(scene, target, began, affects)


def overdue(scene: Scene) -> Iterator[Trouble]:
    """Reviewers with cases past their time; one alert per reviewer, however many there are."""
    c = cases.c
    rows = scene.ledger.execute(
        sa.select(c.reviewer, sa.func.count(), sa.func.count(c.person_id.distinct()), sa.func.min(c.due_at))
        .where(c.state.in_([state.value for state in LIVE]), c.due_at < scene.now)
        .group_by(c.reviewer)
        .order_by(c.reviewer)
    ).all()
    for reviewer, count, persons, since in rows:
        yield Trouble(
            f"overdue:{reviewer}",
            Watch.OVERDUE,
            "warning",
            reviewer if reviewer in scene.stack.people else someone(scene.stack),
            f"{many(count, 'case is past its time and waits', 'cases are past their time and wait')} for {reviewer}.",
            f"`hrorch exceptions list --reviewer {reviewer} --overdue` shows them, the one due first on top.",
            since=since,
            affects={"cases": count, "persons": persons},
        )


def _queue(scene: Scene, target: str, oldest: datetime, affects: dict[str, int]) -> Trouble:
    patience = scene.stack.alerts.watch.queue
    return Trouble(
        f"queue:{target}",
        Watch.QUEUE,
        "error",
        someone(scene.stack, target),
        f"Corrections for {label(scene.stack, target)} have waited more than {ago(patience)} to be sent.",
        f"See the runs of `push_{target.replace('-', '_')}` and its sensor in Dagster; `hrorch corrections push` sends by hand.",
        since=oldest + patience,
        system=target,
        affects=affects,
    )


def _starved(scene: Scene, target: str, oldest: datetime, affects: dict[str, int]) -> Trouble:
    patience = scene.stack.alerts.watch.starved
    return Trouble(
        f"starved:{target}",
        Watch.STARVED,
        "warning",
        someone(scene.stack, target),
        f"{label(scene.stack, target)} lets too few requests through: corrections have waited more than {ago(patience)}.",
        "Somebody else may be using up the limit; ask the vendor for a higher one, or give `writes.rate` less per batch.",
        since=oldest + patience,
        system=target,
        affects=affects,
    )


def _waiting(scene: Scene, target: str) -> dict[str, int]:
    """What a target gets as soon as it can be reached: corrections, and actions of handoffs where there are any."""
    states = [state.value for state in (State.READY, State.SENDING, State.SENT)]
    counts = {
        table.name: int(
            scene.ledger.execute(
                sa.select(sa.func.count()).select_from(table).where(table.c.target == target, table.c.state.in_(states))
            ).scalar_one()
        )
        for table in (corrections, actions)
    }
    return {name: count for name, count in counts.items() if count or name == "corrections"}
