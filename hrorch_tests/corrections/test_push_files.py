"""Pushing to a vendor who takes files: one file per push, each row once, done only when the vendor's own export shows it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.corrections.push import PushResult
from hrorch_pipelines.stack.systems import System
from hrorch_pipelines.systems.writing.connect import target_for
from hrorch_pipelines.systems.writing.files import FilesTarget
from hrorch_tests.corrections.pushing import Bench, stack_for
from hrorch_tests.systems_writing.dropbox import Clerk

STAFF = "Id,Team,Zip\r\n7,Payroll,02134\r\n8,Sales,02134\r\n9,Sales,02134\r\n"
VENDOR: dict[str, Any] = {
    "connector": "files",
    "owner": "hris-analyst",
    "writes": {"attributes": ["job_title", "postcode"]},
    "records": {
        "worker": {
            "read": {"path": "export.csv"},
            "key": "Id",
            "fields": {"job_title": "Team", "postcode": "Zip"},
            "write": {
                "drop": "in/changes_{date}_{time}_{batch}.csv",
                "columns": ["employee={key}", "{field}", "{before}", "{after}", "{reference}"],
                "acknowledgement": "acks/{name}.ack.csv",
                "answer": {"code": "code"},
            },
        }
    },
}


@pytest.fixture
def vendor(tmp_path: Path) -> Clerk:
    folder = tmp_path / "vendor"
    for name in ("in", "acks"):
        (folder / name).mkdir(parents=True)
    (folder / "export.csv").write_text(STAFF, encoding="utf-8", newline="")
    return Clerk(folder)


@pytest.fixture
def bench(vendor: Clerk, ledger, ledger_clock) -> Bench:
    stack = stack_for({})
    system = System.model_validate({**VENDOR, "base_url": str(vendor.folder)})
    return Bench(ledger, stack.model_copy(update={"systems": {**stack.systems, "vendor": system}}), ledger_clock)


def files(vendor: Clerk) -> list[Path]:
    return sorted((vendor.folder / "in").iterdir())


def three(bench: Bench) -> list[str]:
    return [bench.ready(n, "postcode", "02134", f"6060{n}", system="vendor") for n in (7, 8, 9)]


def test_one_file_one_answer_one_export(bench: Bench, vendor: Clerk) -> None:
    ids = three(bench)
    assert bench.push("vendor") == PushResult(taken=3, sent=3, waiting=3)
    first = files(vendor)
    assert len(first) == 1
    assert bench.states() == {"sent": 3}
    assert all(bench.row(one).acknowledged_at is None for one in ids)
    bench.clock.at += timedelta(seconds=1)
    again = bench.push("vendor")
    assert (again.resumed, again.waiting, files(vendor)) == (3, 3, first), "no answer yet, and nothing is dropped twice"
    vendor.work()
    bench.clock.at += timedelta(seconds=1)
    assert bench.push("vendor").confirmed == 3
    assert bench.history(ids[0]) == ["correction_proposed", "sending", "sent", "sent", "confirmed"]


def test_a_row_the_vendor_refuses_fails_alone(bench: Bench, vendor: Clerk) -> None:
    ids = three(bench)
    vendor.refuse = lambda row: "E42" if row["employee"] == "8" else None
    bench.push("vendor")
    vendor.work()
    bench.clock.at += timedelta(seconds=1)
    result = bench.push("vendor")
    assert (result.confirmed, result.failed) == (2, 1)
    assert [bench.row(one).state for one in ids] == ["confirmed", "failed", "confirmed"]
    (case,) = bench.cases()
    assert (case.reference, case.cause) == (ids[1], "E42")


def test_a_value_the_export_shows_changed_is_left_alone(bench: Bench, vendor: Clerk) -> None:
    three(bench)
    (vendor.folder / "export.csv").write_text(
        STAFF.replace("8,Sales,02134", "8,Sales,73301"), encoding="utf-8", newline=""
    )
    result = bench.push("vendor")
    assert (result.sent, result.conflicted) == (2, 1)


class Dies:
    """The real target in a process that dies while the file is sent."""

    def __init__(self, target: FilesTarget, *, after: bool) -> None:
        self.target, self.after = target, after

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def send_batch(self, writes: Any) -> Any:
        if self.after:
            self.target.send_batch(writes)
        raise KeyboardInterrupt


@pytest.mark.parametrize("after", [True, False], ids=["dropped", "not dropped"])
def test_a_crash_around_the_drop_applies_every_row_once(bench: Bench, vendor: Clerk, after: bool) -> None:
    three(bench)
    real = target_for(bench.stack, "vendor", bench.clock, bench.ledger.home.key())
    assert isinstance(real, FilesTarget)
    with pytest.raises(KeyboardInterrupt):
        bench.push("vendor", target=Dies(real, after=after))
    real.close()
    assert bench.states() == {"sending": 3}
    for _ in range(4):
        bench.clock.at += timedelta(minutes=2)
        bench.push("vendor")
        vendor.work()
    assert bench.states() == {"confirmed": 3}
    assert set(vendor.applied().values()) == {1}
    assert len(vendor.applied()) == 3


def test_an_answer_that_is_not_ours_is_a_case_and_believed_by_nobody(bench: Bench, vendor: Clerk) -> None:
    three(bench)
    bench.push("vendor")
    (file,) = files(vendor)
    (vendor.folder / "acks" / f"{file.stem}.ack.csv").write_text(
        "reference,status,code\r\nforeign,ok,\r\n", encoding="utf-8"
    )
    bench.clock.at += timedelta(seconds=1)
    result = bench.push("vendor")
    assert (result.waiting, bench.states()) == (3, {"sent": 3})
    assert [case.system for case in bench.cases()] == ["vendor"]
    assert "cannot be trusted" in bench.cases()[0].what
