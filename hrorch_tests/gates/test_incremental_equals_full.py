"""Judging only what changed ends in the same state as judging everything, and no record is ever unaccounted for."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hrorch_tests.drawing import drawn
from hrorch_tests.gates.observing import World, open_world

GATES = {
    "hris.worker": [
        {"rule": "unique", "attribute": "employee_number"},
        {"rule": "unique", "attribute": "email", "when": "active"},
        {"rule": "required", "attribute": "last_name"},
        {"rule": "sql", "sql": "level <> 5 OR last_name <> 'x'"},
        {"rule": "sql", "sql": "last_name::INT > 0", "when": "level = 3", "id": "numeric"},
        {"rule": "max_length", "attribute": "last_name", "max": "1", "severity": "warning"},
        {"expect": "completeness", "attribute": "active", "at_least": "40%"},
    ],
    "hris.pay": [{"rule": "range", "attribute": "pay_amount", "min": "10"}],
}
WORKER = st.fixed_dictionaries(
    {
        "source_id": st.sampled_from(["1", "2", "3", "4", None]),
        "employee_number": st.sampled_from(["A", "B", "C", "D", None]),
        "email": st.sampled_from(["a", "b", None]),
        "last_name": st.sampled_from(["x", "7", "long", None]),
        "level": st.sampled_from([1, 3, 5]),
        "active": st.sampled_from([True, True, False, None]),
    }
)
PAY = st.fixed_dictionaries(
    {
        "source_id": st.sampled_from(["p", "q", "r"]),
        "parent_id": st.sampled_from(["1", "2", None]),
        "effective_from": st.sampled_from([date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1), None]),
        "pay_amount": st.sampled_from([5, 20, 30]),
        "sequence": st.sampled_from([1, None]),
    }
)
SNAPSHOT = st.fixed_dictionaries({"worker": st.lists(WORKER, max_size=5), "pay": st.lists(PAY, max_size=4)})


def pay(source_id: str, parent_id: str | None, amount: int, day: date) -> dict[str, Any]:
    return {
        "source_id": source_id,
        "parent_id": parent_id,
        "effective_from": day,
        "pay_amount": amount,
        "sequence": None,
    }


FIRST, OTHER = date(2022, 1, 1), date(2020, 1, 1)
MOVED_THEN_GONE = [
    {"worker": [], "pay": [pay("r", "2", 30, FIRST)]},
    {"worker": [], "pay": [pay("r", None, 30, FIRST), pay("r", None, 20, FIRST)]},
    {"worker": [], "pay": [pay("q", "1", 30, OTHER)]},
]
"""A row that waits in quarantine under another parent than it was accepted under, and then is gone."""


@settings(max_examples=drawn(6), deadline=None, suppress_health_check=list(HealthCheck))
@example(snapshots=MOVED_THEN_GONE)
@given(snapshots=st.lists(SNAPSHOT, min_size=2, max_size=5))
def test_a_chain_of_small_cycles_equals_a_chain_of_full_ones(snapshots: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small = open_world(Path(folder) / "small", GATES, children=("pay",))
        full = open_world(Path(folder) / "full", GATES, children=("pay",))
        for snapshot in snapshots:
            small.observe(**snapshot)
            full.observe(**snapshot)
            full.begin(full=True)
            passed = small.gate().suite_passed
            assert full.gate().suite_passed == passed
            for record in ("worker", "pay"):
                assert _accepted(small, record) == _accepted(full, record)
                if passed:
                    assert _cases(small, record) == _cases(full, record)
                    _assert_every_record_is_accounted_for(small, record)
        small.con.close()
        full.con.close()


def _accepted(world: World, record: str) -> list[tuple[Any, ...]]:
    return world.all(f'SELECT record_key, sequence, record_hash, held FROM accepted."hris.{record}" ORDER BY ALL')


def _cases(world: World, record: str) -> list[tuple[Any, ...]]:
    return world.all(
        "SELECT record_key, occurrence, rule_id, case_id, kind, found_masked, opened_at, due_at FROM gates.quarantine "
        "WHERE record = ? AND closed_at IS NULL ORDER BY ALL",
        record,
    )


def _assert_every_record_is_accounted_for(world: World, record: str) -> None:
    """In accepted as it is now, or in quarantine with a reason; and nothing accepted that is gone or has failed."""
    lost = world.all(
        f"""
        SELECT h.row_id FROM history."hris.{record}" AS h
        LEFT JOIN gates.quarantine AS q ON q.record = '{record}' AND q.closed_at IS NULL AND q.severity = 'error'
          AND q.row_id = h.row_id AND q.snapshot_id = h.snapshot_id
        LEFT JOIN accepted."hris.{record}" AS a ON a.record_key = h.record_key AND a.record_hash = h.record_hash
          AND a.sequence IS NOT DISTINCT FROM h.sequence
        WHERE h.valid_to IS NULL AND q.case_id IS NULL AND a.record_key IS NULL
        """
    )
    assert lost == []
    strays = world.all(
        f"""
        SELECT a.record_key FROM accepted."hris.{record}" AS a WHERE NOT EXISTS (
            SELECT 1 FROM history."hris.{record}" AS h WHERE h.valid_to IS NULL AND h.record_key = a.record_key
            AND h.sequence IS NOT DISTINCT FROM a.sequence)
        """
    )
    assert strays == []
    assert (
        world.all(f'SELECT count(*), count(DISTINCT (record_key, sequence)) FROM accepted."hris.{record}"')[0]
        == (len(_accepted(world, record)),) * 2
    )
