"""M3 as METRICS.md defines it: bounds where only an interval is known, open ones censored, nothing dropped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.monitoring.alerts import noticed, over
from hrorch_pipelines.monitoring.detection import Failure, detection, failures
from hrorch_pipelines.monitoring.run import evaluate
from hrorch_pipelines.monitoring.scene import scene
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_tests.monitoring import planted

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def test_upper_bound_and_midpoint_of_what_lies_between_two_looks() -> None:
    found = [
        Failure("disk", NOW - 60 * MINUTE, NOW - 60 * MINUTE, NOW - 50 * MINUTE),
        Failure("disk", NOW - 60 * MINUTE, NOW - 30 * MINUTE, NOW - 30 * MINUTE),
    ]
    every, disk = detection(found, NOW)
    assert (every.mean_upper, every.mean_midpoint) == (20.0, 12.5)
    assert disk.kind == "disk"
    assert every.note == "insufficient data: 2 detected"


def test_what_is_not_detected_yet_is_censored_and_counted() -> None:
    seen = [Failure("queue", NOW - 50 * HOUR, NOW - 50 * HOUR, NOW - 50 * HOUR + n * MINUTE) for n in (10, 20)]
    missed = [Failure("queue", NOW - 40 * HOUR, NOW - 40 * HOUR, None) for _ in range(2)]
    told = detection([*seen, *missed], NOW)[0]
    assert (told.failures, told.detected, told.undetected) == (4, 2, 2)
    assert told.median_upper == 15.0
    assert told.kaplan_meier == 20.0  # by then half of all four were detected
    assert detection([*seen, *missed, *missed], NOW)[0].kaplan_meier is None


def test_only_what_occurred_in_the_window() -> None:
    old = Failure("disk", NOW - 60 * HOUR, NOW - 60 * HOUR, NOW - HOUR)
    new = Failure("disk", NOW - 2 * HOUR, NOW - 2 * HOUR, NOW - HOUR)
    assert detection([old, new], NOW, timedelta(days=1))[0].mean_upper == 60.0


@given(
    st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 500), st.integers(0, 500), st.booleans(), st.booleans()))
)
def test_nothing_is_dropped_and_the_figures_are_those_of_a_slower_way(
    drawn: list[tuple[str, int, int, bool, bool]],
) -> None:
    found = [
        Failure(
            kind,
            NOW - (1000 + width) * MINUTE if dated else None,
            NOW - 1000 * MINUTE if dated else None,
            NOW - (1000 - late) * MINUTE if seen or not dated else None,
        )
        for kind, width, late, dated, seen in drawn
    ]
    every, *kinds = detection(found, NOW)
    assert every.failures == len(found) == every.detected + every.undetected + every.undated
    assert sum(one.failures for one in kinds) == every.failures
    upper = [width + late for _, width, late, dated, seen in drawn if dated and seen]
    middle = [width / 2 + late for _, width, late, dated, seen in drawn if dated and seen]
    if upper:
        assert every.mean_upper == pytest.approx(np.mean(upper))
        assert every.p90_midpoint == pytest.approx(np.percentile(middle, 90))


def test_cases_lie_between_the_snapshot_that_shows_them_and_the_one_before(ledger: Ledger, example: Stack) -> None:
    looks = [("hris", NOW - n * HOUR) for n in (9, 5, 1)]
    planted.published(ledger.home, looks=looks)
    with ledger.write() as con:
        shown = {"system": "hris", "detected_at": NOW - HOUR + MINUTE}
        planted.case(con, NOW, **shown)
        planted.case(con, NOW, **shown, source="discrepancy", occurred_at=NOW - 20 * HOUR)  # the source's own stamp
        planted.case(con, NOW, **shown, source="discrepancy", occurred_at=NOW - HOUR)  # our own moment of seeing it
        planted.case(con, NOW, system="hris", detected_at=NOW - 8 * HOUR)  # in the first snapshot: nobody knows
        planted.case(con, NOW, system="payroll", detected_at=NOW, source="correction", occurred_at=NOW - MINUTE)
    with scene(example, ledger, NOW) as here:
        found = failures(here.ledger, here.published)
    between = (NOW - 5 * HOUR, NOW - HOUR)
    assert sorted((one.kind, one.earliest, one.latest) for one in found if one.earliest) == sorted(
        [
            ("case: gate", *between),
            ("case: discrepancy", NOW - 20 * HOUR, NOW - 20 * HOUR),
            ("case: discrepancy", *between),
            ("case: correction", NOW - MINUTE, NOW - MINUTE),
        ]
    )
    assert detection(found, NOW)[0].undated == 1


def test_what_people_found_is_told_beside(ledger: Ledger, ledger_clock: SetClock, example: Stack) -> None:
    planted.snapshot(ledger.home, "hris", ledger.clock.now() - 3 * HOUR)
    evaluate(ledger, example)
    found = len(failures_of(ledger, example))
    trouble = Trouble("person:1", Watch.PERSON, "error", "payroll-lead", "w", "a", since=ledger.clock.now() - 9 * HOUR)
    alert_id = noticed(ledger, example, trouble, "hris-analyst")
    told = detection(failures_of(ledger, example), ledger.clock.now())
    assert told[0].by_people == 1
    assert told[0].share_by_people == pytest.approx(1 / (found + 1))
    assert {one.kind: one.mean_upper for one in told}["person"] == 540.0
    ledger_clock.at += HOUR
    evaluate(ledger, example)
    assert over(ledger, example, alert_id[:8])
    assert not over(ledger, example, alert_id[:8])


def failures_of(ledger: Ledger, stack: Stack) -> list[Failure]:
    with scene(stack, ledger, ledger.clock.now()) as here:
        return failures(here.ledger, here.published)
