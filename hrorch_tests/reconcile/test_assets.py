"""Dagster's door says when the figures leave a system out, and whether a bridge has heads that nothing explains."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.reconcile.assets import COMPLETE, EXPLAINED, reconcile_assets
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.exceptions.company import MONDAY, Company


def test_a_stale_system_fails_a_check_and_stops_nothing(tmp_path: Path) -> None:
    clock = SetClock(MONDAY)
    house = Company(tmp_path, open_ledger(Home(tmp_path / "home"), clock), clock, lambda _: None)
    workplace = Workplace(house.stack, house.home, clock, Warehouse(house.home, clock))

    def checked() -> dict[str, tuple[bool, str | None]]:
        _, *later = reconcile_assets(house.stack)
        done = dg.materialize(later, resources={"workplace": workplace})
        assert done.success
        return {one.check_name: (one.passed, one.description) for one in done.get_asset_check_evaluations()}

    house.day()
    assert checked() == {COMPLETE: (True, "All systems are in it."), EXPLAINED: (True, "Every head is explained.")}
    house.day(hours=24 * 30, observe_only=("hris",))
    assert checked()[COMPLETE] == (False, "Stale, and left out: payroll.")
