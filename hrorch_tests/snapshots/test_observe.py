"""Observing a system of real files: a snapshot is complete and in its place, or refused with its owner named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.errors import ObservationRunning, SnapshotRefused
from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.snapshots.scratch import alone_with
from hrorch_pipelines.snapshots.trust import require_trusted
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_tests.snapshots.conftest import FIELDS, START, small_stack

HEADER = ["id", "last", "title", "pay", "start", "ssn"]


def worker(number: int, **other: str) -> list[str]:
    row = {
        "id": str(number),
        "last": f"Name{number}",
        "title": "Nurse",
        "pay": "50000",
        "start": "2026-01-05",
        "ssn": f"900-12-{number:04d}",
    }
    return list({**row, **other}.values())


@dataclass
class Office:
    """A folder of exports and the run-time folder that observes it."""

    root: Path
    stack: Stack
    clock: SetClock

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    def export(self, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER) -> None:
        lines = [",".join(row) for row in [header, *rows]]
        (self.root / "exports" / "workers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def observe(self) -> Manifest:
        self.clock.at += timedelta(minutes=30)
        return observe(self.stack, "hris", self.home, self.clock)

    def rows(self, manifest: Manifest, columns: str) -> list[tuple[Any, ...]]:
        file = catalogue.folder_of(self.home, manifest) / manifest.records["worker"].file
        return duckdb.connect().execute(f"SELECT {columns} FROM read_parquet('{file}') ORDER BY row_id").fetchall()


@pytest.fixture
def office(tmp_path: Path) -> Office:
    (tmp_path / "exports").mkdir()
    stack = small_stack(fields={**FIELDS, "national_id": "ssn"})
    stack._folder = tmp_path
    return Office(tmp_path, stack, SetClock(START))


def codes(manifest: Manifest) -> list[str]:
    return [fault.code for fault in manifest.faults]


def test_a_complete_export_becomes_a_trusted_snapshot_with_its_figures(office: Office) -> None:
    office.export([worker(1), worker(2, pay="many"), worker(3, title="")])
    manifest = office.observe()
    assert manifest.trusted
    assert manifest.faults == ()
    assert manifest.snapshot_id == "hris-20260302T083000000000Z"
    assert (manifest.owner, manifest.previous, manifest.stack_hash) == ("dana", None, office.stack.content_hash)
    facts = manifest.records["worker"]
    assert (facts.rows, facts.read_rows, facts.left_out, facts.mode) == (3, 3, 0, "full")
    assert facts.answered == {"legal_last_name": 3, "job_title": 2, "pay_amount": 3, "start_date": 3, "national_id": 3}
    assert facts.fault_cells == {"pay_amount": 1}
    assert facts.columns["pay_amount"] == "DECIMAL(18,4)"
    assert set(facts.source_columns) == set(HEADER)
    assert office.rows(manifest, "record_key, legal_last_name")[0] == ("1", "Name1")
    assert catalogue.latest(office.home, "hris") == manifest
    assert [path.name for path in office.home.scratch.iterdir()] == ["observe-hris.lock"], "no raw data stays behind"


def test_the_same_content_in_another_order_has_the_same_hash(office: Office) -> None:
    rows = [worker(1), worker(2), worker(2), worker(3)]
    office.export(rows)
    first = office.observe().records["worker"]
    office.export([rows[2], rows[3], rows[0], rows[1]])
    assert office.observe().records["worker"].content_hash == first.content_hash
    office.export([worker(1), worker(2), worker(3), worker(3)])
    assert office.observe().records["worker"].content_hash != first.content_hash


def test_neither_a_secret_nor_any_value_is_written_where_it_must_not_be(office: Office) -> None:
    office.export([worker(1, last="Zywiczynska", pay="47110"), worker(2, start="30/02/1999")])
    manifest = office.observe()
    folder = catalogue.folder_of(office.home, manifest)
    told = (folder / "manifest.json").read_text(encoding="utf-8")
    assert not [value for value in ("Zywiczynska", "47110", "30/02/1999", "900-12-0001") if value in told]
    stored = " ".join(str(row) for row in office.rows(manifest, "*"))
    assert "Zywiczynska" in stored
    assert "900-12" not in stored


def test_half_a_file_is_refused_kept_and_the_last_good_one_stays(office: Office) -> None:
    office.export([worker(n) for n in range(20)])
    good = office.observe()
    office.export([worker(n) for n in range(10)])
    bad = office.observe()
    assert codes(bad) == ["row_drop", "key_overlap"]
    assert bad.previous == good.snapshot_id
    assert catalogue.latest(office.home, "hris") == good
    assert catalogue.latest_untrusted(office.home, "hris") == bad
    assert len(office.rows(bad, "record_key")) == 10, "kept for inspection"
    with pytest.raises(SnapshotRefused) as refused:
        require_trusted(bad)
    assert refused.value.owner == "dana"
    assert "10 rows, where the last good snapshot has 20" in str(refused.value)


@pytest.mark.parametrize("min_rows", [0, 1])
def test_zero_rows_never_mean_that_all_were_deleted(office: Office, min_rows: int) -> None:
    office.stack = small_stack(fields=FIELDS, trust={"min_rows": min_rows})
    office.stack._folder = office.root
    office.export([worker(n) for n in range(3)])
    good = office.observe()
    office.export([])
    bad = office.observe()
    assert "zero_rows" in codes(bad)
    assert not bad.trusted
    assert catalogue.latest(office.home, "hris") == good


def test_a_first_snapshot_is_judged_by_absolute_rules_only(office: Office) -> None:
    office.export([])
    assert codes(office.observe()) == ["min_rows"]
    office.export([worker(1)])
    assert office.observe().trusted


def test_a_renumbered_export_is_refused(office: Office) -> None:
    office.export([worker(n) for n in range(20)])
    office.observe()
    office.export([worker(n) for n in range(100, 120)])
    assert codes(office.observe()) == ["key_overlap"]


def test_a_missing_file_is_refused_with_what_to_do(office: Office) -> None:
    office.export([worker(1)])
    good = office.observe()
    (office.root / "exports" / "workers.csv").unlink()
    bad = office.observe()
    assert [(fault.code, fault.record) for fault in bad.faults] == [("no_file", "worker")]
    assert "base_url" in bad.faults[0].remedy
    assert bad.records == {}
    assert catalogue.latest(office.home, "hris") == good


def test_a_renamed_column_is_named(office: Office) -> None:
    office.export([worker(1)])
    office.observe()
    office.export([worker(1)], header=["id", "last", "position", "pay", "start", "ssn"])
    bad = office.observe()
    assert not bad.trusted
    assert any("title" in fault.what for fault in bad.faults)


def test_a_column_that_suddenly_holds_another_type_is_named(office: Office) -> None:
    office.export([worker(n) for n in range(12)])
    office.observe()
    office.export([worker(n, start="46027") for n in range(12)])
    bad = office.observe()
    assert codes(bad) == ["type_changed"]
    assert "`start_date`" in bad.faults[0].what


def test_an_attribute_that_is_empty_everywhere_is_not_believed(office: Office) -> None:
    office.export([worker(n) for n in range(12)])
    office.observe()
    office.export([worker(n, title="") for n in range(12)])
    bad = office.observe()
    assert codes(bad) == ["attribute_gone"]
    assert "`job_title`" in bad.faults[0].what


def test_a_changed_mapping_is_not_held_against_the_source(office: Office) -> None:
    office.export([worker(n) for n in range(12)])
    office.observe()
    other = {**FIELDS, "job_title": {"from": "title", "null_values": ["", "Nurse"]}, "national_id": "ssn"}
    office.stack = small_stack(fields=other)
    office.stack._folder = office.root
    assert office.observe().trusted


def test_a_mapping_that_cannot_work_is_a_refusal_with_the_remedy_not_a_crash(office: Office) -> None:
    office.stack = small_stack(fields={"pay_amount": "pay"})
    office.stack._folder = office.root
    office.export([worker(1)])
    bad = office.observe()
    assert codes(bad) == ["mapping_fault"]
    assert "unit" in bad.faults[0].what


def test_two_snapshots_of_one_instant_are_two(office: Office) -> None:
    office.export([worker(1)])
    first = observe(office.stack, "hris", office.home, office.clock)
    second = observe(office.stack, "hris", office.home, office.clock)
    assert second.observed_at - first.observed_at == timedelta(microseconds=1)
    assert second.trusted
    assert catalogue.manifests(office.home, "hris") == [first, second]


def test_a_clock_that_went_back_is_told_since_history_would_refuse_the_snapshot(office: Office) -> None:
    office.export([worker(1)])
    office.observe()
    office.clock.at -= timedelta(hours=2)
    assert codes(office.observe()) == ["clock_went_back"]


def test_two_observations_of_one_system_never_run_at_once(office: Office) -> None:
    office.export([worker(1)])
    with alone_with(office.home, "hris"), pytest.raises(ObservationRunning, match="hris"):
        office.observe()
    assert office.observe().trusted


def test_a_lost_file_of_the_last_good_snapshot_is_told(office: Office) -> None:
    office.export([worker(1)])
    good = office.observe()
    (catalogue.folder_of(office.home, good) / "worker.parquet").unlink()
    bad = office.observe()
    assert codes(bad) == ["snapshot_damaged"]
    assert good.snapshot_id in bad.faults[0].what


def test_rows_without_key_or_with_one_key_are_counted_and_kept(office: Office) -> None:
    office.export([worker(1), worker(1), worker(1, last="Other"), worker(2, id=""), worker(3, id="")])
    manifest = office.observe()
    facts = manifest.records["worker"]
    assert (manifest.trusted, facts.rows, facts.keyless, facts.repeated) == (True, 5, 2, 1)
