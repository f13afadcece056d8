"""Effective-dated rows: the one that counts on a day, whatever the order, overlaps, gaps and futures in the source."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.drawing import drawn

DAY = date(2026, 6, 15)


def title(house: House) -> Any:
    return house.one("SELECT job_title FROM cells.hris")


def worker(house: House, jobs: list[dict[str, Any]], day: date = DAY) -> None:
    house.replace("hris", "worker", [{"id": "1", "employment_status": "active"}])
    house.replace("hris", "job", [{"id": f"j{place}", "worker": "1", **job} for place, job in enumerate(jobs)])
    house.link([("hris", "1", "A")])
    house.run(house.open(NOW, as_of=day, full=True))


def row(name: str, begins: date | None, ends: date | None = None, **more: Any) -> dict[str, Any]:
    return {"job_title": name, "from": begins, "to": ends, **more}


HISTORY = [
    row("first", date(2020, 1, 1)),
    row("second", date(2022, 1, 1), date(2023, 1, 1)),
    row("third", date(2026, 6, 15)),
    row("future", date(2026, 6, 16)),
]


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2019, 12, 31), None),
        (date(2020, 1, 1), "first"),
        (date(2022, 12, 31), "second"),
        (date(2023, 1, 1), None),
        (date(2026, 6, 14), None),
        (date(2026, 6, 15), "third"),
        (date(2026, 6, 16), "future"),
    ],
)
def test_the_row_of_the_day_counts_and_a_gap_is_a_gap(house: House, day: date, expected: str | None) -> None:
    worker(house, HISTORY, day)
    assert title(house) == expected


def test_the_order_of_rows_in_the_source_never_matters() -> None:
    for order in list(permutations(HISTORY))[::8]:
        house = House(declare())
        worker(house, list(order))
        assert title(house) == "third"


def test_of_rows_of_one_day_the_greatest_sequence_counts_then_the_last_update(house: House) -> None:
    same = date(2026, 1, 1)
    worker(house, [row("b", same, sequence=2), row("a", same, sequence=10), row("c", same, sequence=None)])
    assert title(house) == "a"
    worker(house, [row("late", same, updated=NOW), row("early", same, updated=NOW - timedelta(days=1))])
    assert title(house) == "late"


def test_a_long_row_counts_again_when_a_shorter_one_inside_it_has_ended(house: House) -> None:
    worker(house, [row("acting", date(2026, 1, 1), date(2026, 2, 1)), row("own", date(2020, 1, 1), date(2030, 1, 1))])
    assert title(house) == "own"


def test_values_to_come_are_told_and_do_not_count(house: House) -> None:
    worker(house, [row("now", date(2020, 1, 1)), row("soon", date(2026, 7, 1)), row("later", date(2027, 1, 1))])
    assert title(house) == "now"
    coming = house.one("SELECT upcoming FROM cells.hris")
    assert [(c["attribute"], c["value"], c["effective_from"]) for c in coming] == [
        ("job_title", "soon", date(2026, 7, 1)),
        ("job_title", "later", date(2027, 1, 1)),
    ]


def test_a_child_that_does_not_exist_is_told_apart_from_one_that_is_not_effective_yet(house: House) -> None:
    worker(house, [row("soon", date(2026, 7, 1), level=1)])
    absent, marks = house.one("SELECT absent, marks FROM cells.hris")
    assert absent == ["job_title", "level", "pay"]
    assert marks.count("f") == 2


@settings(max_examples=drawn(6), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    jobs=st.lists(
        st.tuples(st.integers(0, 12), st.none() | st.integers(1, 12), st.none() | st.integers(0, 2)),
        min_size=1,
        max_size=6,
    ),
    day=st.integers(0, 14),
)
def test_any_table_is_resolved_as_a_plain_reading_would(
    jobs: list[tuple[int, int | None, int | None]], day: int
) -> None:
    start = date(2026, 1, 1)
    rows = [
        row(
            f"t{place}",
            start + timedelta(days=begins),
            start + timedelta(days=begins + lasts) if lasts else None,
            sequence=sequence,
            key=f"k{place}",
        )
        for place, (begins, lasts, sequence) in enumerate(jobs)
    ]
    as_of = start + timedelta(days=day)
    counting = [
        r for r in rows
        if r["from"] <= as_of
        and (as_of < r["to"] if r["to"] else not any(r["from"] < o["from"] <= as_of for o in rows))
    ]  # fmt: skip
    best = max(
        counting, key=lambda r: (r["from"], -1 if r["sequence"] is None else r["sequence"], r["key"]), default=None
    )
    house = House(declare())
    worker(house, rows, as_of)
    assert title(house) == (best["job_title"] if best else None)
