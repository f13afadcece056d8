"""Intervals are the textbook's, and a bootstrap over persons is wider where one person's cells go wrong together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from hrorch_pipelines.reconcile.intervals import ENOUGH, over_persons, remark, wilson


@given(n=st.integers(1, 10_000), share=st.floats(0, 1))
def test_wilson_is_scipys(n, share):
    k = round(n * share)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    found = wilson(k, n)
    assert found.low == pytest.approx(expected.low, abs=1e-9)
    assert found.high == pytest.approx(expected.high, abs=1e-9)


def test_nothing_compared_has_no_interval():
    assert wilson(0, 0).low is None
    assert over_persons([]).high is None
    assert over_persons([(0, 0, 12)]).low is None


def test_cells_that_fail_together_are_less_certain_than_cells_that_fail_alone():
    together = over_persons([(10, 10, 20), (0, 10, 180)])
    alone = over_persons([(1, 10, 200)])
    assert together.low < 0.1 < together.high
    assert alone.low == pytest.approx(alone.high) == pytest.approx(0.1)
    assert together.high - together.low > wilson(200, 2000).high - wilson(200, 2000).low


def test_little_is_called_little():
    assert remark(ENOUGH - 1) == "insufficient data"
    assert remark(ENOUGH) == ""
