"""M3 and M4 in words: bounds, units, what is left out, and plainly when there is not enough yet."""

from __future__ import annotations

from typing import Any

import pytest

from hrorch_pipelines.exceptions.durations import Resolution
from hrorch_pipelines.monitoring.detection import Detection
from hrorch_pipelines.reports.headline import detection_told, resolution_told


def _noticed(**more: Any) -> Detection:
    none = dict.fromkeys(
        ("mean_upper", "median_upper", "p90_upper", "mean_midpoint", "median_midpoint", "p90_midpoint", "kaplan_meier", "note")
    )  # fmt: skip
    counted = {"failures": 0, "detected": 0, "undetected": 0, "undated": 0, "by_people": 0}
    return Detection(**{"kind": "all", **none, **counted, **more})


def test_m3_says_plainly_what_is_not_known_yet() -> None:
    told = detection_told(_noticed(failures=5, undetected=2, undated=3), 30)
    assert (told.number, told.sentence) == (
        "–",
        "Not enough yet: 5 failures in the last 30 days, 2 not noticed yet, 3 that nobody can date.",
    )


@pytest.mark.parametrize(
    ("low", "high", "number"),
    [
        (0.2, 0.5, "under 1 min"),
        (0.2, 5, "under 1 min–5.0 min"),
        (12, 24, "12–24 min"),
        (60, 180, "60 min–3.0 h"),
        (8208, 9072, "5.7–6.3 d"),
    ],
)
def test_m3_is_told_from_midpoint_to_upper_bound(low: float, high: float, number: str) -> None:
    found = _noticed(
        failures=32, detected=31, undated=1, by_people=8, mean_midpoint=low, mean_upper=high, median_upper=high, p90_upper=high
    )  # fmt: skip
    told = detection_told(found, 30)
    assert told.number == number
    assert told.sentence.startswith("The 31 failures of the last 30 days that can be timed")
    assert told.remark == "Beside 1 that nobody can date; 25 % of all were found by people."


def test_one_is_told_as_one() -> None:
    found = _noticed(failures=1, detected=1, mean_midpoint=60.0, mean_upper=180.0, median_upper=180.0, p90_upper=180.0)
    assert detection_told(found, 30).sentence == (
        "One failure of the last 30 days can be timed: it went unnoticed for 60 min to 3.0 h."
    )
    closed = Resolution("working hours", 1, 0, 0.0, 0.0, 0.0, None, None)
    assert resolution_told(closed, closed).sentence == (
        "The one closed case took under 1 min of working time (under 1 min by the clock)."
    )


def test_m4_says_how_many_are_open_and_hours_stay_hours() -> None:
    def told(median: float | None, closed: int, still: int, note: str | None = None) -> Any:
        one = Resolution("working hours", closed, still, median, median, median, None, note)
        return resolution_told(one, one)

    assert told(None, 0, 7).sentence == "Not enough yet: none of 7 cases is closed."
    assert told(None, 0, 0).sentence == "Not enough yet: there has been no case."
    assert told(120.0, 31, 1).number == "120.0 h"
    assert "(5.0 d by the clock)" in told(120.0, 31, 1).sentence
    assert told(120.0, 31, 1).remark == "1 case is open and in none of these figures."
    assert told(0.0, 2, 0, "insufficient data: 2 closed").remark == "Insufficient data."
    assert told(0.0, 2, 0).sentence.startswith("Half of the 2 closed cases took 1 min of working time or less")
