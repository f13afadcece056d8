"""Plays one kind in simulated time: the monitor looks once a minute until an alert stands in the ledger for a named owner.

Between two things that happen only time passes: what a look would see is then found by halving, to the same minute.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind, Outcome
from hrorch_pipelines.monitoring import alerts
from hrorch_pipelines.monitoring.run import evaluate, look_now
from hrorch_pipelines.monitoring.scene import Scene, scene
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.watches import WATCHES, look

MINUTE = timedelta(minutes=1)
"""As often as the sensor `watch` looks."""


def play(kind: Kind, here: Scenario, *, anew: bool = True) -> Outcome:
    """Inject it a minute after a look that found everything as it is, and let time pass until it is told, or the limit is over.

    `anew`: what the watches had found before does not count.
    """
    if kind.prepare is not None:
        kind.prepare(here)
    if anew:
        evaluate(here.ledger, here.stack)
    found = look_now(here.ledger, here.stack).troubles if anew else ()
    before = frozenset(trouble.key for trouble in found)
    here.clock.at = here.now + MINUTE
    injected = here.now
    kind.inject(here)
    until = injected + kind.limit
    if not here.deeds:
        here.clock.at = here.now + MINUTE  # the next look
    while _seen(kind, here, before) is None:
        if here.now >= until:
            return Outcome(kind.name, kind.what, kind.silent, injected, injected)
        _go_on(kind, here, before, until)
    return _told(kind, here, before, injected)


def _go_on(kind: Kind, here: Scenario, before: Collection[str], until: datetime) -> None:
    """Pass time up to what happens next; stop earlier, at the first minute at which a look would see it."""
    begin, due = here.now, here.next_due()
    stop = until if due is None else min(until, max(due, begin + MINUTE))
    if due is None or due > stop:
        here.clock.at = stop
    else:
        here.clock.at = max(due - timedelta(seconds=1), begin)
    end = here.now
    if _seen(kind, here, before) is not None:
        _halve(kind, here, before, begin, end)
    elif due is not None and due <= stop:
        here.clock.at = max(due, end)
        here.do_due()
        # The look comes with the next full minute after it.
        here.clock.at = here.now + MINUTE


def _halve(kind: Kind, here: Scenario, before: Collection[str], begin: datetime, end: datetime) -> None:
    """The first minute in between at which a look sees it: nothing but time passes, so one opened scene does for all looks."""
    low, high = 0, max(1, -(-(end - begin) // MINUTE))
    with scene(here.stack, here.ledger, here.now) as scenery:
        while high - low > 1:
            middle = (low + high) // 2
            seen = _found(kind, replace(scenery, now=begin + middle * MINUTE), before)
            low, high = (low, middle) if seen is not None else (middle, high)
    here.clock.at = begin + high * MINUTE


def _seen(kind: Kind, here: Scenario, before: Collection[str]) -> Trouble | None:
    """What this kind's watches would find at this moment, and had not found before."""
    with scene(here.stack, here.ledger, here.now) as scenery:
        return _found(kind, scenery, before)


def _found(kind: Kind, scenery: Scene, before: Collection[str]) -> Trouble | None:
    mine = WATCHES if Watch.WATCH in kind.watches else tuple(one for one in WATCHES if one[1] & kind.watches)
    found = [
        one
        for one in look(scenery, mine).troubles
        if one.watch in kind.watches and one.key not in before and kind.system in (None, one.system)
    ]
    return found[0] if found else None


def _told(kind: Kind, here: Scenario, before: Collection[str], injected: datetime) -> Outcome:
    """Look as the monitor does, and read back what it wrote: an alert counts when it is persisted for somebody by name."""
    evaluate(here.ledger, here.stack)
    with here.ledger.read() as con:
        rows = [
            row
            for row in alerts.open_alerts(con)
            if row.watch in {watch.value for watch in kind.watches}
            and row.key not in before
            and kind.system in (None, row.system)
        ]
    if not rows or rows[0].owner not in here.stack.people:
        return Outcome(kind.name, kind.what, kind.silent, injected, injected)
    row = min(rows, key=lambda one: one.detected_at)
    occurred = max(row.not_before, injected) if kind.silent else injected
    return Outcome(
        kind.name,
        kind.what,
        kind.silent,
        injected,
        occurred,
        row.detected_at,
        row.watch,
        row.owner,
        row.severity,
        row.what,
    )
