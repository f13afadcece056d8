"""Failures that nothing tells of: no reading, no cycle, no sign of life, an unsigned log; and what only a look shows."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta

from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.monitoring import alerts, beats, deliver
from hrorch_pipelines.monitoring.reading import complete
from hrorch_pipelines.monitoring.run import EVERY, evaluate
from hrorch_pipelines.monitoring.scene import owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.snapshots.manifest import FILE_NAME
from hrorch_pipelines.stack.acting import Alerts

CLOSED = "json://127.0.0.1:9/"
"""An address at which nobody listens (the port of `discard`)."""
_HOUR = timedelta(hours=1)


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("daemon", "the daemon is silent", frozenset({Watch.HEARTBEAT}), _nothing, silent=True, prepare=_alive),
        Kind("sensor", "a sensor crashes at every tick", frozenset({Watch.TICK}), _crashing, prepare=_alive),
        Kind("not-read", "nobody reads a system", frozenset({Watch.FRESHNESS}), _nothing, "hris", silent=True),
        Kind("cycle", "no cycle is run", frozenset({Watch.CYCLE}), _nothing, silent=True, limit=8 * _HOUR),
        Kind("unsigned-log", "the end of the audit log is not signed", frozenset({Watch.AUDIT_HEAD}), _nothing, silent=True,
             limit=50 * _HOUR),
        Kind("disk", "the disk is nearly full (the limit is raised to what is free)", frozenset({Watch.DISK}), _full),
        Kind("watch", "a watch cannot look: a file it needs is cut off", frozenset({Watch.WATCH}), _cut_off),
        Kind("alerts", "alerts reach nobody", frozenset({Watch.CHANNEL}), _unreachable),
    ]  # fmt: skip


def _nothing(_: Scenario) -> None:
    """Nothing happens any more: that is the failure."""


def _alive(here: Scenario) -> None:
    _beat(failures=0)(here)


def _crashing(here: Scenario) -> None:
    began = here.now
    ticks = [0]

    def tick(one: Scenario) -> None:
        ticks[0] += 1
        _beat(failures=ticks[0], since=began)(one)

    here.each(EVERY, tick)


def _beat(*, failures: int, since: object = None) -> Callable[[Scenario], None]:
    """What the sensor `watch` writes down at each tick: the daemon, itself, and one other sensor."""

    def write(here: Scenario) -> None:
        from datetime import datetime

        began = since if isinstance(since, datetime) else None
        lives = [
            beats.Beat(f"{beats.DAEMON}SENSOR", here.now, timedelta(seconds=30)),
            beats.Beat("sensor watch", here.now, EVERY),
            beats.Beat(
                "sensor cycle_when_read", here.now, EVERY, failures, began, "RuntimeError" if failures else None
            ),
        ]
        evaluate(here.ledger, here.stack, lives)

    return write


def _full(here: Scenario) -> None:
    usage = shutil.disk_usage(here.home.root)
    here.watched(disk_free=min(1.0, usage.free / usage.total + 0.01))


def _cut_off(here: Scenario) -> None:
    """The manifest of the last snapshot is half there, as after a crash of the disk. Replaced: other scenarios share the file."""
    manifest = complete(here.home.snapshots / "hris")[-1] / FILE_NAME
    half = manifest.read_bytes()[: manifest.stat().st_size // 2]
    manifest.unlink()
    manifest.write_bytes(half)


def _unreachable(here: Scenario) -> None:
    watch, owner = here.stack.alerts.watch, here.stack.alerts.default_owner
    here.change(alerts=Alerts.model_validate({"urls": [CLOSED], "default_owner": owner, "watch": watch}))
    found = Trouble("person:drill", Watch.PERSON, "error", owner_of(here.stack), "Something to tell.", "Nothing.")
    alerts.noticed(here.ledger, here.stack, found, owner_of(here.stack))
    here.each(EVERY, lambda one: deliver.deliver(one.ledger, one.stack))
