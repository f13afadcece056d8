"""All watches, run one by one over the same scene. One that fails is a failure of its own and keeps no other from looking."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hrorch_pipelines.monitoring import acting, arriving, beats, channels, handing, keeping, leaving, reading
from hrorch_pipelines.monitoring.scene import Scene, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch

Look = Callable[[Scene], Iterator[Trouble]]

WATCHES: tuple[tuple[Look, frozenset[Watch]], ...] = (
    (reading.freshness, frozenset({Watch.FRESHNESS})),
    (reading.untrusted, frozenset({Watch.UNTRUSTED})),
    (reading.cycle, frozenset({Watch.CYCLE})),
    (reading.gate_rate, frozenset({Watch.GATE})),
    (arriving.slow, frozenset({Watch.SLOW})),
    (arriving.hints, frozenset({Watch.HINTS})),
    (arriving.refusals, frozenset({Watch.REFUSED})),
    (acting.open_breakers, frozenset({Watch.BREAKER})),
    (acting.frozen, frozenset({Watch.FROZEN})),
    (acting.queues, frozenset({Watch.QUEUE, Watch.STARVED})),
    (acting.overdue, frozenset({Watch.OVERDUE})),
    (handing.stalled, frozenset({Watch.STALLED})),
    (handing.parked, frozenset({Watch.PARKED})),
    (handing.passes, frozenset({Watch.PASS})),
    (handing.ghosts, frozenset({Watch.GHOST})),
    (leaving.action_queues, frozenset({Watch.QUEUE, Watch.STARVED})),
    (leaving.frozen_actions, frozenset({Watch.FROZEN})),
    (leaving.undelivered, frozenset({Watch.LETTERS})),
    (beats.silent, frozenset({Watch.HEARTBEAT, Watch.TICK})),
    (keeping.disk, frozenset({Watch.DISK})),
    (keeping.growth, frozenset({Watch.GROWTH})),
    (keeping.audit_head, frozenset({Watch.AUDIT_HEAD})),
    (channels.undeliverable, frozenset({Watch.CHANNEL})),
)
"""Each with the kinds of failure it finds."""


@dataclass(frozen=True)
class Seen:
    """What is wrong now, and the kinds that nobody could look at: what was wrong there stays wrong until somebody can."""

    troubles: tuple[Trouble, ...]
    blind: frozenset[Watch]


def look(scene: Scene, watches: tuple[tuple[Look, frozenset[Watch]], ...] = WATCHES) -> Seen:
    """Run every watch. Keys are unique; counts and texts only."""
    found: dict[str, Trouble] = {}
    blind = set() if scene.published is not None else {Watch.GATE, Watch.GHOST, Watch.PASS}
    for watch, kinds in watches:
        try:
            troubles = list(watch(scene))
        except Exception as error:  # noqa: BLE001  (told as a failure of its own; the other watches must go on)
            blind |= kinds
            name = watch.__name__
            troubles = [_broken(scene, name, type(error).__name__)]
        found |= {trouble.key: trouble for trouble in troubles}
    return Seen(tuple(found.values()), frozenset(blind))


def _broken(scene: Scene, name: str, fault: str) -> Trouble:
    return Trouble(
        f"watch:{name}",
        Watch.WATCH,
        "critical",
        owner_of(scene.stack),
        f"The watch `{name}` cannot look: {fault}.",
        "A damaged file in the run-time folder, or a fault of the program: report it with the two names above.",
    )
