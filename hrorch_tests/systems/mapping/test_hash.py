"""The record hash changes if and only if something canonical does."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Mapper

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FIELDS = {"a": {"from": "a", "hidden_values": ["***"]}, "b": "b", "c": "c", "d": "d"}
TYPES = {"a": "text", "b": "text", "c": "date", "d": "decimal"}
RECORD = {"deleted": "gone", "changed_by": "by", "changed_at": "at", "version": "ver"}
CANONICAL = ("source_id", "deleted", "a", "b", "c", "d", "hidden")

TEXTS = st.text("ab;:01\u001f é", max_size=5) | st.none()
ROW = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2"]),
        "a": TEXTS | st.just("***"),
        "b": TEXTS,
        "c": st.sampled_from([None, "2020-01-01", "2020-01-02", "bad", "0001-01-01"]),
        "d": st.sampled_from([None, "1", "1.0", "1.5", "x"]),
        "gone": st.sampled_from([None, "true", "false"]),
        "by": st.sampled_from([None, "ann"]),
        "at": st.sampled_from([None, "2020-01-01T00:00:00Z"]),
        "ver": st.sampled_from([None, "7"]),
    }
)


def canonical(row: dict[str, Any]) -> tuple:
    return (
        *(str(row[name]) if row[name] is not None else None for name in CANONICAL),
        *((f["attribute"], f["code"]) for f in row["faults"]),
    )


@SLOW
@given(rows=st.lists(ROW, min_size=2, max_size=80))
def test_two_records_hash_alike_exactly_when_all_canonical_values_are_alike(mapper: Mapper, rows: list[dict]) -> None:
    done = mapper(rows, FIELDS, TYPES, record=RECORD)
    by_value: dict[tuple, set[str]] = {}
    for row in done.rows:
        by_value.setdefault(canonical(row), set()).add(row["record_hash"])
    assert all(len(hashes) == 1 for hashes in by_value.values())
    assert len(set.union(*by_value.values())) == len(by_value)


@SLOW
@given(rows=st.lists(ROW, min_size=2, max_size=40), seed=st.integers(0, 99))
def test_neither_the_order_of_rows_nor_of_fields_nor_the_shape_of_the_file_matters(
    mapper: Mapper, rows: list[dict], seed: int
) -> None:
    shuffled = random.Random(seed).sample(rows, len(rows))
    first = mapper(rows, FIELDS, TYPES, record=RECORD)
    second = mapper(shuffled, dict(reversed(FIELDS.items())), TYPES, record=RECORD, nested=True)
    assert sorted(first.column("record_hash")) == sorted(second.column("record_hash"))


def test_the_hash_of_a_known_record_never_changes(mapper: Mapper) -> None:
    row = {
        "id": "1",
        "a": "x",
        "b": None,
        "c": "2020-01-01",
        "d": "1.50",
        "gone": None,
        "by": None,
        "at": None,
        "ver": None,
    }
    done = mapper([row], FIELDS, TYPES, record=RECORD)
    assert done.rows[0]["record_hash"] == "e4f803040abcaae433ef8af2715bcafc", (
        "else every record of every user looks changed"
    )
