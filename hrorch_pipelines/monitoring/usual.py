"""What is usual: the median of a thing's own past, and how far from it is too far."""

from __future__ import annotations

from collections.abc import Sequence

FEWEST = 5
"""Below so many nothing is usual yet."""
_TO_STANDARD = 1.4826
"""A median absolute deviation times this is a standard deviation, for what is normally distributed (Rousseeuw & Croux 1993)."""


def limit(usual: Sequence[float], band: float, *, least: float = 0.0, share: float = 0.0) -> float:
    """The most that is still usual: `band` deviations above the median; one deviation is at least `least`, or that `share`."""
    import numpy as np
    from scipy import stats

    middle = float(np.median(usual))
    spread = float(stats.median_abs_deviation(usual)) * _TO_STANDARD
    return middle + band * max(spread, least, share * middle)
