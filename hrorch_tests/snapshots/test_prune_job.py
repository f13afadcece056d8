"""The weekly Dagster job deletes what history has taken in long ago, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.schedules import KEEP_SNAPSHOTS, prune_job, prune_schedule
from hrorch_pipelines.storage.warehouse import Warehouse, publish
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.snapshots.conftest import Past


def run(past: Past, days: float) -> None:
    clock = SetClock(past.clock.now() + timedelta(days=days))
    workplace = Workplace(past.stack, past.home, clock, Warehouse(past.home, clock))
    definitions = dg.Definitions(
        jobs=[prune_job()], schedules=[prune_schedule(past.stack)], resources={"workplace": workplace}
    )
    assert definitions.resolve_job_def("prune_snapshots").execute_in_process().success


def test_old_snapshots_go_once_published_history_has_them_and_the_last_good_one_stays(past: Past) -> None:
    old = past.say([{"id": "1", "legal_last_name": "Ng"}])
    past.clock.at += timedelta(hours=1)
    last = past.say([{"id": "1", "legal_last_name": "Ng"}])
    run(past, KEEP_SNAPSHOTS.days + 1)
    assert catalogue.manifests(past.home, "hris") == [old, last], "nothing is published yet, so nothing may go"
    with Warehouse(past.home, past.clock).write() as con:
        con.execute("CREATE SCHEMA history")
        con.execute(
            "CREATE TABLE history.snapshots AS SELECT unnest($ids) AS snapshot_id, 'hris' AS system",
            {"ids": [old.snapshot_id, last.snapshot_id]},
        )
    publish(past.home)
    run(past, 1)
    assert catalogue.manifests(past.home, "hris") == [old, last], "too young to go"
    run(past, KEEP_SNAPSHOTS.days + 1)
    assert catalogue.manifests(past.home, "hris") == [last]
