"""The rules of trust, each at its edge."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.snapshots.manifest import Manifest, RecordFacts, TrustFault
from hrorch_pipelines.snapshots.trust import judge
from hrorch_pipelines.stack.systems import Trust
from hrorch_tests.snapshots.conftest import START

TRUST = Trust.model_validate({"max_row_drop": "10%", "key_overlap": "90%", "min_rows": 1})


def facts(rows: int, **other: Any) -> RecordFacts:
    base: dict[str, Any] = {
        "file": "worker.parquet",
        "rows": rows,
        "read_rows": rows,
        "left_out": 0,
        "mode": "full",
        "complete_at": START,
        "pages": 1,
        "requests": 1,
        "claimed_rows": None,
        "content_hash": "0",
        "columns": {"job_title": "VARCHAR"},
        "source_columns": ("id", "title"),
        "mapping_hash": "m",
        "shape_hash": "s",
        "field_hashes": {"job_title": "f"},
        "answered": {"job_title": rows},
        "fault_cells": {},
        "keyless": 0,
        "repeated": 0,
    }
    return RecordFacts.model_validate({**base, **other})


def last(**records: RecordFacts) -> Manifest:
    return Manifest(
        snapshot_id="hris-1",
        system="hris",
        owner="dana",
        started_at=START,
        observed_at=START,
        trusted=True,
        stack_hash="",
        records=records,
    )


def codes(faults: list[TrustFault]) -> list[str]:
    return [fault.code for fault in faults]


@pytest.mark.parametrize(
    ("rows", "expected"), [(90, []), (89, ["row_drop"]), (0, ["min_rows", "zero_rows"]), (500, [])]
)
def test_rows_may_drop_as_far_as_declared_and_grow_freely(rows: int, expected: list[str]) -> None:
    assert codes(judge(TRUST, last(worker=facts(100)), {"worker": facts(rows)}, "worker")) == expected


@pytest.mark.parametrize(("kept", "expected"), [(90, []), (89, ["key_overlap"])])
def test_keys_must_be_there_as_far_as_declared(kept: int, expected: list[str]) -> None:
    now = facts(100, keys_before=100, keys_kept=kept)
    assert codes(judge(TRUST, last(worker=facts(100)), {"worker": now}, "worker")) == expected


def test_min_rows_is_for_the_record_that_stands_for_a_person() -> None:
    assert codes(judge(TRUST, None, {"worker": facts(0), "job": facts(0)}, "worker")) == ["min_rows"]


def test_a_child_table_that_is_suddenly_empty_is_refused_too() -> None:
    before = last(worker=facts(10), job=facts(10))
    found = judge(TRUST, before, {"worker": facts(10), "job": facts(0)}, "worker")
    assert [(fault.code, fault.record) for fault in found] == [("zero_rows", "job")]


def test_records_that_say_nothing_about_a_person_may_come_and_go() -> None:
    """A termination that was moved, a rehire: of five, one is gone and another has a new key."""
    bare: dict[str, Any] = {"field_hashes": {}, "columns": {}, "answered": {}}
    before = last(worker=facts(10), termination=facts(5, **bare))
    now = facts(4, keys_before=5, keys_kept=3, **bare)
    assert judge(TRUST, before, {"worker": facts(10), "termination": now}, "worker") == []
    cut = facts(4, claimed_rows=5, **bare)
    assert codes(judge(TRUST, before, {"worker": facts(10), "termination": cut}, "worker")) == ["count_mismatch"]
    assert codes(judge(TRUST, last(worker=facts(10, **bare)), {"worker": facts(4, **bare)}, "worker")) == ["row_drop"]


def test_a_record_type_mapped_as_another_kind_of_record_is_judged_as_a_first_one() -> None:
    now = facts(1, shape_hash="other", keys_before=100)
    assert judge(TRUST, last(worker=facts(100)), {"worker": now}, "worker") == []


def test_what_the_read_told_already_is_not_told_twice() -> None:
    told = TrustFault(code="count_mismatch", record="worker", what="told", remedy="read again")
    found = judge(TRUST, None, {"worker": facts(3, claimed_rows=4)}, "worker", [told])
    assert found == [told]


def test_the_column_that_is_gone_is_named_unless_the_mapping_changed() -> None:
    before = last(worker=facts(3))
    gone = judge(TRUST, before, {"worker": facts(3, source_columns=("id",))}, "worker")
    assert codes(gone) == ["column_gone"]
    assert "`title`" in gone[0].what
    assert judge(TRUST, before, {"worker": facts(3, source_columns=("id",), mapping_hash="n")}, "worker") == []


def test_a_column_of_another_type_is_named() -> None:
    found = judge(TRUST, last(worker=facts(3)), {"worker": facts(3, columns={"job_title": "BIGINT"})}, "worker")
    assert codes(found) == ["type_changed"]
    assert "VARCHAR" in found[0].what


@pytest.mark.parametrize(
    ("repeated", "pages", "mode", "refused"),
    [
        (50, 4, "full", True),
        (12, 4, "full", True),
        (11, 4, "full", False),
        (50, 1, "full", False),
        (50, 4, "window", False),
    ],
)
def test_repetition_is_a_fault_of_paging_only_where_pages_are(
    repeated: int, pages: int, mode: str, refused: bool
) -> None:
    now = facts(100, repeated=repeated, pages=pages, mode=mode)
    assert (codes(judge(TRUST, None, {"worker": now}, "worker")) == ["duplicate_page"]) is refused


def test_a_broken_read_can_never_be_accepted_and_a_judgement_can() -> None:
    broken = judge(TRUST, None, {"worker": facts(3, claimed_rows=4)}, "worker")
    judged = judge(TRUST, last(worker=facts(100)), {"worker": facts(3)}, "worker")
    assert [fault.acceptable for fault in broken + judged] == [False, True]


@given(st.integers(0, 10_000), st.integers(0, 10_000), st.floats(0, 1), st.floats(0, 1))
def test_an_identical_snapshot_is_always_trusted_and_every_fault_names_a_remedy(
    before: int, now: int, drop: float, overlap: float
) -> None:
    trust = TRUST.model_copy(update={"max_row_drop": drop, "key_overlap": overlap, "min_rows": 0})
    same = facts(before, keys_before=before, keys_kept=before)
    assert judge(trust, last(worker=facts(before)), {"worker": same}, "worker") == []
    other = facts(now, keys_before=before, keys_kept=min(before, now))
    for fault in judge(trust, last(worker=facts(before)), {"worker": other}, "worker"):
        assert fault.what
        assert fault.remedy
