"""What a fingerprint is, and in which order they are believed. The fingerprints themselves are in `fingerprints_*`."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.reconcile.terms import Cause


@dataclass(frozen=True)
class Fingerprint:
    """A cause and the SQL condition under which it explains a row of `cause_work`.

    Columns at hand: `a`, `c` (authority's and copy's canonical text), `kind` (attribute type), `an`, `cn` (numbers),
    `ad`, `cd` (dates), `fte`, `per_year` (how many of the copy's pay units make a year). `detail` is SQL text for words.
    """

    cause: Cause
    condition: str
    detail: str


ORDER: tuple[Cause, ...] = (
    # A record that is not there, or nothing to compare: nothing else can be said.
    Cause.MISSING_RECORD,
    Cause.GHOST,
    Cause.MISSING_VALUE,
    Cause.EXTRA_VALUE,
    # The same value under another spelling is no typing error and no old value.
    Cause.FORMAT_ONLY,
    Cause.LEADING_ZEROS_LOST,
    Cause.MOJIBAKE,
    # Equality with something we know is stronger evidence than likeness.
    Cause.STALE_VALUE,
    Cause.APPLIED_EARLY,
    Cause.ENTRY_DATE_AS_EFFECTIVE,
    Cause.NICKNAME_OR_FORMER_NAME,
    # Exact arithmetic before likeness of digits.
    Cause.FTE_SHARE,
    Cause.PAY_FREQUENCY_FACTOR,
    Cause.DAY_MONTH_SWAPPED,
    Cause.OFF_BY_ONE_DAY,
    Cause.TRUNCATED,
    Cause.TRANSPOSED_DIGITS,
    Cause.ONE_DIGIT,
    # Rates are many and rounded: near one of them is weaker evidence than one slip of the fingers.
    Cause.EXCHANGE_RATE,
    # Numbers given out in a row differ by a digit from their neighbours: a typing error is the likelier story.
    Cause.ROW_SLIP,
    Cause.OTHER,
)
