"""Fingerprints of dates: day and month exchanged, off by one day."""

from __future__ import annotations

from hrorch_pipelines.reconcile.fingerprints import Fingerprint
from hrorch_pipelines.reconcile.terms import Cause

DATES: tuple[Fingerprint, ...] = (
    Fingerprint(
        Cause.DAY_MONTH_SWAPPED,
        "ad <> cd AND year(ad) = year(cd) AND month(ad) = day(cd) AND day(ad) = month(cd)",
        "'day and month are exchanged'",
    ),
    Fingerprint(
        Cause.OFF_BY_ONE_DAY,
        "abs(date_diff('day', ad, cd)) = 1",
        "'one day apart, as when a time zone turns midnight into the day before'",
    ),
)
