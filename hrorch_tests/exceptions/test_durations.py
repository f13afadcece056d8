"""M4 counts what is open too, by both clocks, and a reopened case from its first opening."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hrorch_pipelines.exceptions.cases import case_id, report, settle
from hrorch_pipelines.exceptions.durations import Spell, ageing, kaplan_meier_median, resolution_times, spells
from hrorch_pipelines.stack.models import Stack
from hrorch_tests.exceptions.conftest import Desk
from hrorch_tests.exceptions.test_cases import found

times = st.lists(st.tuples(st.integers(1, 30).map(float), st.booleans()), min_size=1, max_size=25)


def by_hand(sample: list[tuple[float, bool]]) -> float | None:
    """The product-limit estimate, step by step as in Kaplan and Meier (1958)."""
    left = 1.0
    for moment in sorted({time for time, closed in sample if closed}):
        at_risk = sum(time >= moment for time, _ in sample)
        left *= 1 - sum(time == moment and closed for time, closed in sample) / at_risk
        if left <= 0.5 + 1e-12:
            return moment
    return None


@settings(max_examples=200, deadline=None)
@given(times)
def test_the_median_with_open_cases_is_the_product_limit_estimate(sample: list[tuple[float, bool]]) -> None:
    assert kaplan_meier_median(sample) == by_hand(sample)


def test_open_cases_move_the_median_and_are_never_dropped() -> None:
    quick = [Spell(hours, hours, True, "a") for hours in (1.0, 2.0, 3.0)]
    slow = [Spell(50.0, 20.0, False, "a")] * 4
    elapsed, working = resolution_times(quick + slow)
    assert (elapsed.closed, elapsed.open, elapsed.median, elapsed.kaplan_meier) == (3, 4, 2.0, None)
    assert elapsed.note == "insufficient data: 3 closed"
    assert working.mean == 2.0


def test_reopening_continues_the_clock_and_hours_are_counted_by_both_clocks(desk: Desk, stack: Stack) -> None:
    def tell() -> None:
        with desk.write() as (con, seals):
            report(con, seals, stack, [found()], desk.now)

    def close() -> None:
        with desk.write() as (con, seals):
            settle(con, seals, stack, [case_id(found())], desk.now, "landed")

    tell()  # Monday 6:00 in Chicago
    desk.clock.at += timedelta(hours=5)
    close()
    desk.clock.at += timedelta(hours=1)
    tell()
    desk.clock.at += timedelta(days=1)
    close()
    with desk.ledger.read() as con:
        (spell,) = spells(con, stack, desk.now + timedelta(days=9))
    assert (spell.elapsed, spell.working, spell.closed) == (30.0, 8.0 + 3.0, True)


def test_what_is_open_is_told_by_reviewer_and_age(stack: Stack) -> None:
    open_ = [Spell(0, hours, False, who) for hours, who in ((8.0, "a"), (8.1, "a"), (41.0, "a"), (39.0, "b"))]
    closed = [Spell(1, 1, True, "a")]
    assert ageing(open_ + closed, stack) == [
        ("a", "up to 1 working day", 1),
        ("a", "1 to 3 working days", 1),
        ("a", "more than 5 working days", 1),
        ("b", "3 to 5 working days", 1),
    ]


@pytest.mark.parametrize("hours", ["09:00-17:00", "22:00-06:00"])
def test_age_bands_follow_the_working_day(stack: Stack, hours: str) -> None:
    house = stack.model_copy(update={"organization": stack.organization.model_copy(update={"work_hours": hours})})
    assert ageing([Spell(0, 8.0, False, "a")], house) == [("a", "up to 1 working day", 1)]
