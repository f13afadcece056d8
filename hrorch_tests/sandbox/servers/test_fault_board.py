"""The fault board counts as told, keeps its state on disk and refuses what it does not know."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hrorch_pipelines.sandbox.transport import Fault, FaultBoard, FaultKind


def take(
    board: FaultBoard, *, path: str = "/", write: bool = False, sign_in: bool = False, continues: bool = False
) -> str | None:
    fault = board.take("hris", path=path, write=write, sign_in=sign_in, continues=continues)
    return None if fault is None else fault.fault.value


@given(skip=st.integers(0, 5), times=st.integers(1, 5), restart_after=st.integers(0, 11))
def test_a_fault_lets_some_through_hits_its_times_and_is_gone(skip: int, times: int, restart_after: int) -> None:
    with TemporaryDirectory() as folder:
        board = FaultBoard(Path(folder))
        board.switch_on("hris", "unavailable", skip=skip, times=times)
        hits = []
        for number in range(12):
            if number == restart_after:
                board = FaultBoard(Path(folder))
            hits.append(take(board))
    assert hits == [None] * skip + ["unavailable"] * times + [None] * (12 - skip - times)


def test_without_times_it_stays_until_switched_off(tmp_path: Path) -> None:
    board = FaultBoard(tmp_path)
    board.switch_on("hris", FaultKind.OUTAGE)
    assert {take(board) for _ in range(20)} == {"outage"}
    board.switch_off("hris")
    assert take(board) is None
    assert FaultBoard(tmp_path).everything() == {}


def test_faults_of_writes_spare_reads_and_the_other_way_round(tmp_path: Path) -> None:
    board = FaultBoard(tmp_path)
    board.switch_on("hris", "lost_answer")
    board.switch_on("hris", "empty")
    assert [take(board), take(board, write=True)] == ["empty", "lost_answer"]


def test_one_kind_can_be_switched_off_alone_and_a_new_setting_replaces_the_old(tmp_path: Path) -> None:
    board = FaultBoard(tmp_path)
    board.switch_on("hris", "rate_limited", times=1)
    board.switch_on("hris", "rate_limited", times=2)
    board.switch_on("hris", Fault(fault=FaultKind.OUTAGE))
    board.switch_off("hris", "outage")
    assert [take(board) for _ in range(3)] == ["rate_limited", "rate_limited", None]


def test_other_systems_are_spared(tmp_path: Path) -> None:
    board = FaultBoard(tmp_path)
    board.switch_on("payroll", "outage")
    assert take(board) is None


@pytest.mark.parametrize(
    "settings",
    [
        {"fault": "gremlins"},
        {"fault": "outage", "times": 0},
        {"fault": "outage", "path": "("},
        {"fault": "outage", "tmes": 1},
    ],
)
def test_what_it_does_not_know_is_refused(tmp_path: Path, settings: dict) -> None:
    board = FaultBoard(tmp_path)
    with pytest.raises(ValidationError):
        board.switch_on("hris", **settings)
    assert board.everything() == {}
