"""The overall figures of a cycle, and the sentences that tell them. Every sentence carries its interval and denominator."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from hrorch_pipelines.exceptions.durations import Resolution
from hrorch_pipelines.monitoring.detection import Detection
from hrorch_pipelines.reconcile.intervals import ENOUGH
from hrorch_pipelines.reconcile.rates import M1, M1_COVERAGE, M1_RECORDS, M1_UPPER, M2, M2_QUARANTINED, M2_RECORDS
from hrorch_pipelines.reports.words import one_in, percent, some
from hrorch_pipelines.storage.catalog import has_table

DETECTION, RESOLUTION = "Mean time to detect failures (M3)", "Exception resolution time (M4)"
_UNDER, _FEW, _LONG_MINUTES, _LONG_HOURS = "under ", 10, 120, 48


@dataclass(frozen=True)
class Figure:
    """One overall rate: numerator of denominator, its 95 % interval, the remark that stands beside it."""

    numerator: int
    denominator: int
    value: float | None
    low: float | None
    high: float | None
    note: str

    @property
    def thin(self) -> bool:
        """Whether it rests on too little to be relied on (METRICS.md)."""
        return self.denominator < ENOUGH


@dataclass(frozen=True)
class Told:
    """A figure in words: the number to see first, the sentence, and what to keep in mind."""

    title: str
    number: str
    sentence: str
    remark: str = ""


def figures(con: duckdb.DuckDBPyConnection, cycle_id: str) -> dict[str, Figure]:
    """Metric → its overall figure in a cycle; empty when no rates were computed."""
    if not has_table(con, "reconcile", "rates"):
        return {}
    rows = con.execute(
        """SELECT metric, numerator, denominator, value, low, high, coalesce(note, '') FROM reconcile.rates
           WHERE cycle_id = ? AND scope = 'all'""",
        [cycle_id],
    ).fetchall()
    return {row[0]: Figure(*row[1:]) for row in rows}


def discrepancy_told(found: dict[str, Figure]) -> Told:
    """M2 in words: `1 in 43 comparable values disagrees (2.3 %, 95 % sure between 2.0 % and 2.7 %)`."""
    title = "Discrepancy rate (M2)"
    rate = found.get(M2)
    if rate is None or not rate.denominator:
        return Told(title, "–", "No pair of values could be compared.")
    if rate.numerator:
        share = one_in(rate.numerator, rate.denominator)
        first = (
            f"{share} comparable values {'disagrees' if share.startswith('1 in') else 'disagree'} with its authority"
        )
    else:
        first = "No comparable value disagrees with its authority"
    sentence = (
        f"{first[0].upper()}{first[1:]} ({_told(rate.value)}, {_sure(rate)}): "
        f"{rate.numerator:,} of {rate.denominator:,}."
    )
    held, records = found.get(M2_QUARANTINED), found.get(M2_RECORDS)
    more = []
    if held and held.denominator > rate.denominator:
        more.append(f"{_told(held.value)} if every quarantined value is wrong")
    if records and records.denominator:
        more.append(
            f"{records.numerator:,} of {records.denominator:,} persons have at least one ({_told(records.value)})"
        )
    return Told(title, _told(rate.value), sentence, _remark(rate, "; ".join(more)))


def re_entry_told(found: dict[str, Figure]) -> Told:
    """M1 in words, with its bounds: an origin that nobody recorded may have been a keyboard."""
    title = "Manual re-entry rate (M1)"
    low, high, known = found.get(M1), found.get(M1_UPPER), found.get(M1_COVERAGE)
    if low is None or high is None or not low.denominator:
        return Told(title, "–", "No value has landed in a copy since the first look, so nothing can be said yet.")
    same = low.numerator == high.numerator
    number = _told(low.value) if same else f"{_told(low.value).removesuffix(' %')}–{_told(high.value)}"
    between = f"{_told(low.value)}" if same else f"Between {_told(low.value)} and {_told(high.value)}"
    landed = some(low.denominator, "value")
    sentence = f"{between} of the {landed} that landed in a copy in the last 30 days were typed by hand ({_sure(low)})."
    more = [f"where a value came from is known for {_told(known.value)}"] if known else []
    records = found.get(M1_RECORDS)
    if records and records.denominator:
        more.append(f"{records.numerator:,} of {records.denominator:,} records were surely touched by hand")
    return Told(title, number, sentence, _remark(low, "; ".join(more)))


def detection_told(found: Detection, days: int) -> Told:
    """M3 in words: midpoint to upper bound of the mean, of the failures of the last `days` days that can be timed."""
    window = f"the last {some(days, 'day')}"
    late = f"{found.undetected:,} not noticed yet" if found.undetected else ""
    undated = f"{found.undated:,} that nobody can date" if found.undated else ""
    if found.mean_upper is None or found.mean_midpoint is None:
        if not found.failures:
            return Told(DETECTION, "–", f"Not enough yet: no failure of {window} is known.")
        left = ", ".join(part for part in (late, undated) if part)
        return Told(DETECTION, "–", f"Not enough yet: {some(found.failures, 'failure')} in {window}, {left}.")
    between, number = _between(found.mean_midpoint, found.mean_upper)
    alone = f"One failure of {window} can be timed: it went unnoticed for {between}."
    sentence = (
        f"The {some(found.detected, 'failure')} of {window} that can be timed went unnoticed for {between} on average, "
        f"half of them for {_lasted(found.median_upper)} at most, nine in ten for {_lasted(found.p90_upper)}."
    )
    share = found.share_by_people
    people = f"{percent(share, 0)} of all were found by people" if share is not None else ""
    few = "insufficient data" if found.note else ""
    remark = "; ".join(part for part in (few, late, f"beside {undated}" if undated else "", people) if part)
    return Told(DETECTION, number, alone if found.detected == 1 else sentence, _sentence(remark))


def resolution_told(elapsed: Resolution, working: Resolution) -> Told:
    """M4 in words: the median of closed cases in working hours, with the elapsed ones; those still open are counted beside."""
    if working.median is None or elapsed.median is None:
        waits = f"none of {some(working.open, 'case')} is closed" if working.open else "there has been no case"
        return Told(RESOLUTION, "–", f"Not enough yet: {waits}.")
    median, ninth, mean = (_worked(hours) for hours in (working.median, working.p90, working.mean))
    clock = _lasted(elapsed.median * 60)
    alone = f"The one closed case took {median} of working time ({clock} by the clock)."
    half, clock = median.removeprefix(_UNDER), clock.removeprefix(_UNDER)
    sentence = (
        f"Half of the {some(working.closed, 'closed case')} took {half} of working time or less ({clock} by the clock), "
        f"nine in ten {ninth.removeprefix(_UNDER)} or less; on average it was {mean}."
    )
    are = "case is" if working.open == 1 else "cases are"
    still = f"{working.open:,} {are} open and in none of these figures" if working.open else ""
    remark = "; ".join(part for part in ("insufficient data" if working.note else "", still) if part)
    return Told(RESOLUTION, median, alone if working.closed == 1 else sentence, _sentence(remark))


def _between(low: float, high: float) -> tuple[str, str]:
    """Two bounds in minutes, in a sentence and as a number: `12 min to 3.0 h`, `12 min–3.0 h`; with one unit `5.7–6.3 d`."""
    first, last = _lasted(low), _lasted(high)
    if first == last:
        return last, last
    unit = last.rpartition(" ")[2]
    short = first.removesuffix(f" {unit}") if first[0].isdigit() else first
    return f"{first} to {last}", f"{short}–{last}"


def _lasted(minutes: float | None, *, days: bool = True) -> str:
    """`under 1 min`, `12 min`, `3.5 h`, and with `days` `2.1 d`."""
    if minutes is None:
        return "–"
    if minutes < 1:
        return f"{_UNDER}1 min"
    if minutes < _LONG_MINUTES:
        return f"{minutes:.1f} min" if minutes < _FEW else f"{minutes:.0f} min"
    return f"{minutes / 1440:.1f} d" if days and minutes >= _LONG_HOURS * 60 else f"{minutes / 60:,.1f} h"


def _worked(hours: float | None) -> str:
    """Hours stay hours however many: a day of working time is none of the clock's."""
    return _lasted(None if hours is None else hours * 60, days=False)


def _told(value: float | None) -> str:
    """Two decimals for what is small, so that 0.97 % is not told as 1.0 %."""
    return percent(value, 2 if value is not None and value < 0.02 else 1)


def _sure(rate: Figure) -> str:
    return f"95 % sure between {_told(rate.low)} and {_told(rate.high)}"


def _remark(rate: Figure, more: str) -> str:
    note = rate.note.replace("insufficient data; ", "").replace("insufficient data", "").strip("; ")
    note = "" if note.startswith("landings of the last") else note
    parts = ["Insufficient data" if rate.thin else "", note, more]
    return _sentence("; ".join(part for part in parts if part))


def _sentence(text: str) -> str:
    return f"{text[0].upper()}{text[1:]}." if text else ""
