"""The state in Prometheus' text format: counts, ages and shares. Read anew at each scrape; never a person's value."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import sqlalchemy as sa
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.monitoring import alerts as course
from hrorch_pipelines.monitoring import beats, notices
from hrorch_pipelines.monitoring.scene import Scene, scene
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import breakers, cases, corrections


def exposition(ledger: Ledger, stack: Stack) -> bytes:
    """Everything as text, as of now (`text/plain; version=0.0.4`)."""
    registry = CollectorRegistry()
    with scene(stack, ledger, ledger.clock.now()) as here:
        registry.register(_Gauges(here))
        return generate_latest(registry)


class _Gauges(Collector):
    def __init__(self, here: Scene) -> None:
        self.here = here

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from self._alerts()
        yield from self._reading()
        yield from self._acting()
        yield from self._rates()
        usage = shutil.disk_usage(self.here.home.root)
        yield _gauge(
            "hrorch_disk_free_bytes", "Free bytes of the disk under the run-time folder.", [], [((), usage.free)]
        )

    def _alerts(self) -> Iterator[GaugeMetricFamily]:
        here, counts = self.here, dict[tuple[str, ...], float]()
        for alert in course.open_alerts(here.ledger):
            counts[alert.watch, alert.severity] = counts.get((alert.watch, alert.severity), 0) + 1
        yield _gauge("hrorch_alerts_open", "Open alerts.", ["watch", "severity"], counts.items())
        waiting = len(notices.waiting(here.ledger))
        yield _gauge("hrorch_messages_waiting", "Messages about alerts not delivered yet.", [], [((), waiting)])
        ages = [((beat.name,), (here.now - beat.at).total_seconds()) for beat in beats.read(here.ledger)]
        yield _gauge("hrorch_heartbeat_age_seconds", "Since the last sign of life.", ["name"], ages)

    def _reading(self) -> Iterator[GaugeMetricFamily]:
        here = self.here
        found = [(name, catalogue.latest(here.home, name)) for name in here.stack.systems]
        ages = [((name,), (here.now - one.started_at).total_seconds()) for name, one in found if one is not None]
        yield _gauge("hrorch_snapshot_age_seconds", "Age of the last good snapshot.", ["system"], ages)
        if here.published is not None and has_table(here.published, "cycles", "runs"):
            last = here.published.execute("SELECT max(finished_at) FROM cycles.runs").fetchone()
            if last and last[0]:
                age = (here.now - last[0]).total_seconds()
                yield _gauge("hrorch_cycle_age_seconds", "Since the last finished cycle.", [], [((), age)])

    def _acting(self) -> Iterator[GaugeMetricFamily]:
        con, c = self.here.ledger, corrections.c
        rows = con.execute(sa.select(c.target, c.state, sa.func.count()).group_by(c.target, c.state)).all()
        yield _gauge(
            "hrorch_corrections", "Corrections.", ["target", "state"], [((row[0], row[1]), row[2]) for row in rows]
        )
        live = cases.c.state.in_([state.value for state in LIVE])
        rows = con.execute(sa.select(cases.c.source, sa.func.count()).where(live).group_by(cases.c.source)).all()
        yield _gauge("hrorch_cases_open", "Open cases.", ["source"], [((row[0],), row[1]) for row in rows])
        late = con.execute(
            sa.select(sa.func.count()).select_from(cases).where(live, cases.c.due_at < self.here.now)
        ).scalar_one()
        yield _gauge("hrorch_cases_overdue", "Open cases past their time.", [], [((), late)])
        rows = con.execute(sa.select(breakers.c.system, breakers.c.state)).all()
        is_open = [((row[0],), float(row[1] != "closed")) for row in rows]
        yield _gauge("hrorch_breaker_open", "1: the system is left alone because it failed.", ["system"], is_open)

    def _rates(self) -> Iterator[GaugeMetricFamily]:
        con = self.here.published
        if con is None or not has_table(con, "reconcile", "rates"):
            return
        rows = con.execute(
            """SELECT metric, arg_max(low, as_of), arg_max(value, as_of), arg_max(high, as_of)
               FROM reconcile.rates WHERE scope = 'all' GROUP BY metric ORDER BY metric"""
        ).fetchall()
        parts = ("low", "value", "high")
        told = [((row[0], part), row[at]) for row in rows for at, part in enumerate(parts, 1) if row[at] is not None]
        yield _gauge("hrorch_rate", "The latest rates with their bounds (METRICS.md).", ["metric", "part"], told)


def _gauge(name: str, text: str, labels: list[str], values: object) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=labels)
    for key, value in values:  # type: ignore[attr-defined]
        family.add_metric(list(key), float(value))
    return family
