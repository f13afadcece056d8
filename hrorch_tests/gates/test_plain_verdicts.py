"""When Great Expectations is asked, and that the answers given without it are the ones it would give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.gates.expectations import SnapshotRule
from hrorch_pipelines.gates.plain import ASK_AGAIN, within_limits
from hrorch_pipelines.gates.profile import Figure
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.gates.suites import Profiled, run_suites
from hrorch_tests.gates.observing import World, worker

Make = Callable[..., World]
FILLED = {"expect": "completeness", "attribute": "last_name", "at_least": "80%"}
PEOPLE = [worker(str(n)) for n in range(10)]


def asked(here: World) -> list[tuple[Any, ...]]:
    return here.all("SELECT snapshot_id FROM gates.suites")


def test_a_snapshot_within_the_limits_is_passed_as_the_last_one_was(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    first = here.observe(worker=PEOPLE)
    here.gate(data_docs=True)
    here.observe(worker=[{**PEOPLE[0], "last_name": None}, *PEOPLE[1:]])
    result = here.gate(data_docs=True)
    assert asked(here) == [(first,)]
    assert {item.expectation: (item.observed, item.passed) for item in result.expectations} == {
        "volume": (10.0, True),
        "last_name-completeness": (0.9, True),
    }
    assert len(here.all("SELECT * FROM gates.expectations")) == 4


def test_a_figure_outside_its_limits_is_for_great_expectations_and_so_is_its_mending(world: Make) -> None:
    here = world({"hris.worker": [FILLED]})
    here.observe(worker=PEOPLE)
    here.gate()
    bad = here.observe(worker=[{**row, "last_name": None} for row in PEOPLE])
    assert not here.gate().suite_passed
    assert asked(here) == [(bad,)]
    mended = here.observe(worker=PEOPLE)
    assert here.gate().suite_passed
    assert asked(here) == [(mended,)]


@pytest.mark.parametrize("why", ["rules changed", "a day has passed", "all is asked for", "no pages", "first figure"])
def test_it_is_asked_again_when(world: Make, why: str) -> None:
    drift = [{"expect": "drift", "attribute": "department"}] if why == "first figure" else []
    here = world({"hris.worker": [FILLED, *drift]})
    here.observe(worker=PEOPLE)
    here.gate()
    if why == "rules changed":
        here.rules({"hris.worker": [{**FILLED, "at_least": "70%"}]})
    if why == "a day has passed":
        here.turn += ASK_AGAIN // (here.now - here.now.replace(hour=here.now.hour - 1))
    second = here.observe(worker=PEOPLE)
    if why == "all is asked for":
        here.begin(full=True)
    here.gate(data_docs=why == "no pages")
    assert asked(here) == [(second,)]


def test_a_crash_of_an_expectation_is_asked_about_every_time(world: Make) -> None:
    here = world({"hris.worker": [{**FILLED, "attribute": "pay_amount"}]})
    for _ in range(2):
        last = here.observe(worker=PEOPLE)
        assert not here.gate().suite_passed
        assert asked(here) == [(last,)]


RULE = SnapshotRule("x", "volume", "x", None, None, None, "error", "", "", "lead", None)
BOUND = st.none() | st.floats(-2, 2) | st.integers(-2, 2).map(float)
FIGURE = st.none() | st.floats(-3, 3) | st.integers(-2, 2).map(float) | st.sampled_from([math.nan, math.inf, -math.inf])


@settings(
    max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None
)
@given(st.lists(st.tuples(BOUND, BOUND, FIGURE, st.booleans()), min_size=40, max_size=40))
def test_what_is_answered_without_it_is_what_it_answers(world: Make, drawn: list[tuple[Any, Any, Any, bool]]) -> None:
    rules, figures = [], []
    for number, (one, other, value, measured) in enumerate(drawn):
        # Great Expectations refuses limits that cross, and none at all.
        low, high = (one, other) if one is None or other is None else (min(one, other), max(one, other))
        low = 0.0 if low is None and high is None else low
        rules.append(replace(RULE, expectation=f"x{number}", measure=f"m{number}", low=low, high=high))
        if measured:
            figures.append(Figure(f"m{number}", None, value))
    item = Profiled(RecordType(world().stack, "hris", "worker"), figures, rules)
    theirs = {verdict.expectation: verdict for verdict in run_suites("hris", [item], None)}
    plain = within_limits(item)
    assert {one.expectation: (one.passed, one.kind) for one in plain} == {
        one.expectation: (theirs[one.expectation].passed, theirs[one.expectation].kind) for one in plain
    }
    unanswered = set(theirs) - {one.expectation for one in plain}
    finite = {figure.measure for figure in figures if figure.value is not None and math.isfinite(figure.value)}
    assert not any(theirs[name].passed for name in unanswered if f"m{name[1:]}" in finite)
