"""Dagster's door to this room: what is wrong now, as an asset with a check; counts only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from hrorch_pipelines.monitoring import run
from hrorch_pipelines.monitoring.detection import DEFINITION, detection, failures
from hrorch_pipelines.monitoring.scene import scene
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.workplace import Workplace

GROUP = "detect"
CHECK = "alerts_reach_their_owners"
HOURLY = "20 * * * *"


def monitoring_assets() -> list[dg.AssetsDefinition]:
    """`["monitoring", "alerts"]`: a whole look, messages sent, and M3 so far as metadata over time."""

    @dg.asset(
        key=["monitoring", "alerts"],
        group_name=GROUP,
        kinds={"sqlalchemy"},
        check_specs=[
            dg.AssetCheckSpec(
                CHECK,
                asset=["monitoring", "alerts"],
                description="Every message about an alert could be delivered to an address of the stack file.",
            )
        ],
        description="What is wrong now: silence, queues, refusals, shortages. Who is told, and how quickly it was detected (M3).",
    )
    def alerts(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        ledger = workplace.ledger()
        try:
            passed = run.watch(ledger, workplace.stack)
            with scene(workplace.stack, ledger, workplace.clock.now()) as here:
                times = detection(failures(here.ledger, here.published), here.now)[0]
        finally:
            ledger.close()
        kinds = Counter(trouble.watch.value for trouble in passed.seen.troubles)
        lost = [trouble for trouble in passed.seen.troubles if trouble.watch is Watch.CHANNEL]
        yield dg.AssetCheckResult(
            check_name=CHECK,
            passed=not lost,
            severity=dg.AssetCheckSeverity.ERROR,
            description="; ".join(trouble.what for trouble in lost) or "All messages reach their address.",
            metadata={"addresses not reached": len(lost)},
        )
        yield dg.MaterializeResult(
            metadata={
                "what it did": passed.sentence(),
                "open alerts": passed.noted.open,
                **{f"wrong: {kind}": count for kind, count in sorted(kinds.items())},
                "messages waiting": passed.delivered.waiting,
                "definition": DEFINITION,
                "failures detected": times.detected,
                "median minutes to detect (upper bound)": times.median_upper
                if times.median_upper is not None
                else "none",
            }
        )

    return [alerts]


def monitoring_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The job `monitor`."""
    return [
        dg.define_asset_job(
            "monitor",
            selection=dg.AssetSelection.assets(dg.AssetKey(["monitoring", "alerts"])),
            executor_def=dg.in_process_executor,
            description="Look at everything once, tell owners, and keep the figures.",
        )
    ]


def monitoring_schedules() -> list[dg.ScheduleDefinition]:
    """Every hour, for the figures over time; the sensor looks every minute."""
    return [
        dg.ScheduleDefinition(
            name="monitor_schedule",
            job_name="monitor",
            cron_schedule=HOURLY,
            description="Keep the monitor's figures over time, every hour.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ]
