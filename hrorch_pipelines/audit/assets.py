"""Dagster's door to this room: the log proved and its end signed every day, outside the ledger."""

from __future__ import annotations

from typing import Protocol

import dagster as dg

from hrorch_pipelines.audit import heads
from hrorch_pipelines.audit.errors import AuditBrokenError
from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger

GROUP = "prove"
DAILY = "30 2 * * *"


class Place(Protocol):
    """What this room needs of the workplace, which stands above it."""

    @property
    def home(self) -> Home: ...

    def ledger(self) -> Ledger: ...


def audit_assets() -> list[dg.AssetsDefinition]:
    """One asset: the signed head of the log. It is not made when the log does not verify."""

    @dg.asset(
        key=["audit", "head"],
        group_name=GROUP,
        kinds={"sqlalchemy"},
        description="The audit log, verified as a whole, and its end signed and written outside the ledger.",
    )
    def head(workplace: dg.ResourceParam[Place]) -> dg.MaterializeResult[None]:
        return dg.MaterializeResult(metadata=dict(sign(workplace.ledger(), workplace.home)))

    return [head]


def audit_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The job that proves and signs."""
    return [
        dg.define_asset_job(
            "audit_head",
            selection=dg.AssetSelection.assets(dg.AssetKey(["audit", "head"])),
            executor_def=dg.in_process_executor,
            description="Verify the audit log and sign its end.",
        )
    ]


def audit_schedules(stack: Stack) -> list[dg.ScheduleDefinition]:
    """Every night, in the organization's time zone."""
    return [
        dg.ScheduleDefinition(
            name="audit_head_schedule",
            job_name="audit_head",
            cron_schedule=DAILY,
            execution_timezone=stack.organization.time_zone,
            description="Verify the audit log and sign its end, every night.",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )
    ]


def sign(ledger: Ledger, home: Home) -> dict[str, int | str]:
    """Verify, also against the head signed last, then sign. Raises AuditBrokenError: a broken log is not signed."""
    folder = heads.default_folder(home)
    before = heads.newest(folder)
    try:
        known = heads.load(before, heads.own_public_key(home)) if before else None
        with ledger.read() as con:
            verdict = verify(con, head=known, workers=1)
        if not verdict.ok:
            raise AuditBrokenError(len(verdict.faults) + verdict.more, str(verdict.faults[0]))
        file = heads.export(ledger, folder)
    finally:
        ledger.close()
    signed = heads.load(file, heads.own_public_key(home))
    return {"sequence": signed.sequence, "entries": verdict.entries, "verified": "yes", "head": file.name}
