"""A delivery that a gate refused is no measure for the next one: the mended delivery is trusted without anybody's help."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.gates.receipts import refused_snapshots
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.workplace import Workplace, open_workplace

STACK = """
organization: {name: Lakeside, time_zone: America/Chicago}
people: {dana: {name: Dana, email: dana@lakeside.example}}
systems:
  hris:
    connector: files
    base_url: .
    owner: dana
    trust: {max_row_drop: 10%, key_overlap: 90%}
    records: {worker: {read: {path: workers.csv}, key: id, fields: {legal_last_name: last}}}
attributes: {legal_last_name: {data_type: personal, type: name}}
stages: {worker: {present_in: [hris]}}
authority: {personal: {worker: hris}}
gates:
  hris.worker:
    - {expect: volume, min_rows: 1, max_rows: LIMIT}
"""
START = datetime(2026, 3, 2, 8, tzinfo=UTC)


class Office:
    """One system that delivers a file; one hour passes between deliveries."""

    def __init__(self, folder: Path, limit: int = 150) -> None:
        self.folder, self.clock = folder, SetClock(START)
        self.declare(limit)

    def declare(self, limit: int) -> None:
        (self.folder / "stack.yaml").write_text(STACK.replace("LIMIT", str(limit)), encoding="utf-8")

    @property
    def place(self) -> Workplace:
        return open_workplace(self.folder / "stack.yaml", self.folder / "home", self.clock)

    def deliver(self, ids: Iterable[int]) -> Manifest:
        self.clock.at += timedelta(hours=1)
        (self.folder / "workers.csv").write_text("id,last\n" + "".join(f"{n},Ng\n" for n in ids), encoding="utf-8")
        return observe(self.place.stack, "hris", self.place.home, self.clock)

    def gate(self) -> set[str]:
        """One cycle up to the gates; the snapshots refused so far."""
        place = self.place
        with place.warehouse.write() as con:
            cycle = spine.start(con, place.stack, place.home, self.clock)
            validate(con, place.stack, place.home, cycle, data_docs=False)
            cycles.finish(con, cycle)
            return refused_snapshots(con, place.stack)


def test_the_mended_delivery_after_one_that_a_gate_refused_is_trusted_by_itself(tmp_path: Path) -> None:
    office = Office(tmp_path)
    good = office.deliver(range(100))
    assert office.gate() == set()
    doubled = office.deliver(range(200))
    assert doubled.trusted, "only the gate notices"
    assert office.gate() == {doubled.snapshot_id}
    mended = office.deliver(range(100))
    assert (mended.trusted, mended.previous, mended.faults) == (True, good.snapshot_id, ())
    office.gate()
    assert office.deliver(range(50)).faults[0].code == "row_drop", "the last one that passed is the measure again"


def test_the_very_first_delivery_may_be_refused_and_the_next_is_the_first_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.deliver(range(200))
    office.gate()
    mended = office.deliver(range(100))
    assert (mended.trusted, mended.previous) == (True, None)


def test_a_refusal_taken_back_by_mended_rules_is_a_measure_again(tmp_path: Path) -> None:
    office = Office(tmp_path)
    large = office.deliver(range(200))
    office.gate()
    assert catalogue.baseline(office.place.home, "hris") is None
    office.declare(250)
    assert office.gate() == set()
    assert catalogue.baseline(office.place.home, "hris") == large


def test_pruning_keeps_what_the_next_delivery_is_measured_against(tmp_path: Path) -> None:
    office = Office(tmp_path)
    good = office.deliver(range(100))
    refused = office.deliver(range(200))
    office.gate()
    office.clock.at += timedelta(days=90)
    gone = catalogue.prune(office.place.home, timedelta(days=1), office.clock.now(), ingested={refused.snapshot_id})
    assert gone == []
    assert catalogue.baseline(office.place.home, "hris") == good
