"""Dagster's door shows counts by state, source and reviewer, and never a value."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.exceptions.assets import exception_assets
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.exceptions.company import MONDAY, Company


def test_the_asset_collects_and_counts(tmp_path: Path) -> None:
    clock = SetClock(MONDAY)
    house = Company(tmp_path, open_ledger(Home(tmp_path / "home"), clock), clock, lambda _: None)
    house.payroll[8]["born"] = "1968-05-10"
    house.day()
    workplace = Workplace(house.stack, house.home, clock, Warehouse(house.home, clock))
    done = dg.materialize(exception_assets(house.stack), resources={"workplace": workplace})
    assert done.success
    (told,) = done.asset_materializations_for_node("exceptions__cases")
    counts = {name: value.value for name, value in told.metadata.items()}
    assert (counts["opened"], counts["updated"], counts["state: open"], counts["reviewer: lead"]) == (0, 1, 1, 1)
    assert all(isinstance(value, int) for value in counts.values())
