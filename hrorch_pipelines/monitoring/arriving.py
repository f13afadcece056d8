"""Watches over what systems tell by themselves: hints nobody follows, messages refused in number, reads that have become slow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import sqlalchemy as sa

from hrorch_pipelines.inbox.terms import Refusal, State
from hrorch_pipelines.monitoring.reading import complete
from hrorch_pipelines.monitoring.scene import Scene, label, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.usual import FEWEST, limit
from hrorch_pipelines.monitoring.words import ago
from hrorch_pipelines.snapshots.manifest import Manifest, read_manifest
from hrorch_pipelines.storage.ledger_tables import inbox, inbox_refused

TELLING = (Refusal.UNSIGNED, Refusal.WRONG_SIGNATURE, Refusal.STALE, Refusal.MALFORMED)
"""Refusals that mean that a secret, a clock or a format no longer fits: what the system tells is not heard."""
MANY = 20
"""Refusals of a system within an hour; a few come from strangers trying doors."""
FLOOD = 200
"""… of messages that came faster than they are taken: below it somebody tried again too eagerly."""
LEAST_SLOWER = timedelta(seconds=30)
"""A read that takes seconds more than usual troubles nobody."""
SPREAD = 0.25
"""Times vary at least by this share of the usual, however even they have been."""


def hints(scene: Scene) -> Iterator[Trouble]:
    """Systems that said that something changed and have not been read since, for longer than `watch.queue`."""
    patience = scene.stack.alerts.watch.queue
    rows = scene.ledger.execute(
        sa.select(inbox.c.system, sa.func.count(), sa.func.min(inbox.c.received_at))
        .where(inbox.c.state == State.NEW.value)
        .group_by(inbox.c.system)
        .order_by(inbox.c.system)
    ).all()
    for system, count, oldest in rows:
        if scene.now - oldest > patience:
            yield Trouble(
                f"hints:{system}",
                Watch.HINTS,
                "warning",
                owner_of(scene.stack, system),
                f"{label(scene.stack, system)} said that something changed, and has not been read for {ago(patience)} since.",
                f"See the last runs of `extract_{system.replace('-', '_')}` in Dagster; its schedule reads it anyway.",
                since=oldest + patience,
                system=system,
                affects={"events": count},
            )


def refusals(scene: Scene) -> Iterator[Trouble]:
    """Systems of which many messages were refused lately (this clock hour and the one before) because they did not fit."""
    r = inbox_refused.c
    begin = scene.now - timedelta(hours=1)
    rows = scene.ledger.execute(
        sa.select(r.system, r.reason, sa.func.sum(r.count), sa.func.min(r.hour))
        .where(
            r.hour >= begin.replace(minute=0, second=0, microsecond=0),
            r.reason.in_([reason.value for reason in (*TELLING, Refusal.TOO_MANY)]),
            r.system.in_(list(scene.stack.systems)),
        )
        .group_by(r.system, r.reason)
        .order_by(r.system, r.reason)
    ).all()
    for system, reason, count, hour in rows:
        flood = reason == Refusal.TOO_MANY.value
        if count >= (FLOOD if flood else MANY):
            yield Trouble(
                f"refused:{system}:{reason}",
                Watch.REFUSED,
                "warning",
                owner_of(scene.stack, system),
                f"Messages of {label(scene.stack, system)} are refused: {reason.replace('_', ' ')}.",
                "See who sends so much, and keep them out before they reach us. Nothing is lost: the schedule reads the system anyway."
                if flood
                else "See whether its signing secret or its clock changed. Nothing is lost: the schedule reads the system anyway.",
                since=max(hour, begin),
                not_before=hour,
                system=system,
                affects={"messages": int(count)},
            )


def slow(scene: Scene) -> Iterator[Trouble]:
    """Systems whose last read took far longer than their reads usually do."""
    watch = scene.stack.alerts.watch
    for name, system in scene.stack.systems.items():
        folders = complete(scene.home.snapshots / name)[-(watch.gate_cycles + 1) :]
        manifests = [read_manifest(folder) for folder in folders]
        if not manifests:
            continue
        last = manifests[-1]
        usual = [_seconds(one) for one in manifests[:-1] if _modes(one) == _modes(last)]
        if len(usual) < FEWEST:
            continue
        most = limit(usual, watch.gate_band, share=SPREAD)
        if _seconds(last) > max(most, LEAST_SLOWER.total_seconds() + min(usual)):
            yield Trouble(
                f"slow:{name}",
                Watch.SLOW,
                "warning",
                system.owner,
                f"Reading {label(scene.stack, name)} took {ago(last.observed_at - last.started_at)}; "
                f"up to {ago(timedelta(seconds=most))} is usual.",
                "Ask whether the system is in trouble or limits us more than before; see the run in Dagster.",
                since=last.started_at + timedelta(seconds=most),
                system=name,
            )


def _seconds(manifest: Manifest) -> float:
    return (manifest.observed_at - manifest.started_at).total_seconds()


def _modes(manifest: Manifest) -> dict[str, str]:
    """A read of what changed is no measure for one of everything."""
    return {name: facts.mode for name, facts in manifest.records.items()}
