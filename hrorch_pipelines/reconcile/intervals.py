"""How sure a rate is: Wilson intervals, and a bootstrap over persons where the cells of one person go wrong together."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

ENOUGH = 30
"""Below this denominator a rate says 'insufficient data' beside the number (METRICS.md)."""

CONFIDENCE = 0.95
_DRAWS = 1000


@dataclass(frozen=True)
class Interval:
    """A 95 % interval of a rate; both ends None when the denominator is 0."""

    low: float | None
    high: float | None


def wilson(numerator: float, denominator: float) -> Interval:
    """Wilson's score interval. Takes fractional counts, so that an effective sample size can be used."""
    if denominator <= 0:
        return Interval(None, None)
    z = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2)
    share = numerator / denominator
    centre = (share + z * z / (2 * denominator)) / (1 + z * z / denominator)
    half = (
        z * float(np.sqrt(share * (1 - share) / denominator + z * z / (4 * denominator**2))) / (1 + z * z / denominator)
    )
    # At 0 and n the ends are exactly 0 and 1; floating point alone says otherwise.
    low = 0.0 if numerator == 0 else max(0.0, centre - half)
    high = 1.0 if numerator == denominator else min(1.0, centre + half)
    return Interval(low, high)


def over_persons(profile: list[tuple[int, int, int]], seed: int = 7) -> Interval:
    """Bootstrap a ratio of sums over persons.

    `profile` is a histogram: (disagreeing cells, comparable cells, persons with exactly these). Persons are drawn with
    replacement; drawing the histogram's counts from one multinomial is the same thing and costs nothing per person.
    """
    persons = sum(count for _, _, count in profile)
    if persons == 0 or sum(comparable * count for _, comparable, count in profile) == 0:
        return Interval(None, None)
    wrong, comparable, counts = (np.array(column, dtype=float) for column in zip(*profile, strict=True))
    draws = np.random.default_rng(seed).multinomial(persons, counts / persons, size=_DRAWS)
    totals = draws @ comparable
    rates = (draws @ wrong)[totals > 0] / totals[totals > 0]
    low, high = np.quantile(rates, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Interval(float(low), float(high))


def remark(denominator: int) -> str:
    """What stands beside a rate that rests on too little."""
    return "insufficient data" if denominator < ENOUGH else ""
