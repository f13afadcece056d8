"""Dagster's door shows counts by state, source and reviewer, and never a value."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest

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
    assert (counts["M4 closed"], counts["M4 open"], counts["overdue"]) == (0, 1, 0)


def test_what_is_overdue_fails_a_check_and_m4_is_a_figure_over_time(tmp_path: Path) -> None:
    clock = SetClock(MONDAY)
    house = Company(tmp_path, open_ledger(Home(tmp_path / "home"), clock), clock, lambda _: None)
    house.payroll[8]["born"] = house.payroll[3]["born"] = "1968-05-10"
    house.day()
    workplace = Workplace(house.stack, house.home, clock, Warehouse(house.home, clock))

    def told() -> tuple[dict[str, object], bool, str | None]:
        done = dg.materialize(exception_assets(house.stack), resources={"workplace": workplace})
        (made,), (check,) = (
            done.asset_materializations_for_node("exceptions__cases"),
            done.get_asset_check_evaluations(),
        )
        return {name: value.value for name, value in made.metadata.items()}, check.passed, check.description

    counts, passed, words = told()
    assert (counts["M4 open"], passed, words) == (2, True, "Nothing is overdue.")
    house.payroll[8]["born"] = house.hris[8]["born"]
    house.day()
    clock.at += timedelta(days=30)
    counts, passed, words = told()
    assert (counts["M4 closed"], counts["M4 open"], counts["overdue"]) == (1, 1, 1)
    assert (passed, words) == (False, "1 of lead")
    assert counts["M4 median, elapsed hours"] == counts["M4 mean, elapsed hours"] == pytest.approx(24)
