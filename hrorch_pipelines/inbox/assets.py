"""Dagster's door to what arrived: counts of events and refusals over time, and whether anything waits too long. Never content."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import dagster as dg

from hrorch_pipelines.inbox import events
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.workplace import Workplace

GROUP = "observe"
KEY = dg.AssetKey(["inbox", "events"])
ANSWERED = "answered"
TOO_LONG = timedelta(hours=1)
"""An event that no trusted snapshot has answered by then: the system cannot be read, or nobody starts it."""


def inbox_assets() -> list[dg.AssetsDefinition]:
    """One asset: the inbox, as it stands."""

    @dg.asset(
        key=KEY,
        group_name=GROUP,
        kinds={"sqlalchemy"},
        description="What systems said by themselves (webhooks): events taken in, answered and waiting, and what was refused.",
        check_specs=[
            dg.AssetCheckSpec(
                ANSWERED, asset=KEY, description="No event waits for a trusted snapshot of its system for over an hour."
            )
        ],
    )
    def inbox(workplace: dg.ResourceParam[Workplace]) -> Iterator[dg.AssetCheckResult | dg.MaterializeResult[None]]:
        now = workplace.clock.now()
        ledger = workplace.ledger()
        try:
            with ledger.read() as con:
                standing, hints = events.standing(con), events.hints(con)
                refused = events.refusals(con, now - timedelta(days=1))
        finally:
            ledger.close()
        late = sorted(name for name, hint in hints.items() if now - hint.oldest > TOO_LONG)
        yield dg.AssetCheckResult(
            check_name=ANSWERED,
            passed=not late,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"waiting too long": late},
        )
        yield dg.MaterializeResult(
            metadata={
                "new": sum(hint.count for hint in hints.values()),
                "refused in the last day": sum(sum(reasons.values()) for reasons in refused.values()),
                **{
                    f"{state} from {name}": count
                    for name, states in standing.items()
                    for state, count in states.items()
                },
                **{f"refused from {name}": reasons for name, reasons in refused.items()},
            }
        )

    return [inbox]


def inbox_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The job that looks."""
    return [
        dg.define_asset_job(
            "inbox",
            selection=dg.AssetSelection.assets(KEY),
            executor_def=dg.in_process_executor,
            description="Count what arrived, what waits and what was refused.",
        )
    ]


def inbox_schedules(stack: Stack) -> list[dg.ScheduleDefinition]:
    """Every hour."""
    return [
        dg.ScheduleDefinition(
            name="inbox_schedule",
            job_name="inbox",
            cron_schedule="10 * * * *",
            execution_timezone=stack.organization.time_zone,
            description="Count what arrived, every hour.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ]
