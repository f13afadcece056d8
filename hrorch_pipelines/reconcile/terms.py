"""The words of a comparison: what state a pair of cells is in, and how a wrong value came to be wrong."""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """One (person, attribute, copy system) against its authority. Only `agree` and `disagree` are counted in M2."""

    AGREE = "agree"
    DISAGREE = "disagree"
    IN_FLIGHT = "in_flight"  # the authority changed within the grace period
    SCHEDULED = "scheduled"  # a future-dated value: compared once effective
    MISSING_RECORD = "missing_record"  # the person must be there and is not: a disagreement of every required cell
    GHOST = "ghost"  # the person is there and must not be
    BOTH_EMPTY = "both_empty"
    NOT_SUPPLIED = "not_supplied"
    HIDDEN = "hidden"
    UNRESOLVED = "unresolved"  # refers to a record no person is known for (a manager who is not linked)
    STALE = "stale"
    QUARANTINED = "quarantined"
    HELD = "held"  # the authority's policy says: no value, nothing compared


class Cause(StrEnum):
    """The most specific explanation of a discrepancy (DOMAIN.md, 'Fingerprints'): it names the fix."""

    TRANSPOSED_DIGITS = "transposed_digits"
    ONE_DIGIT = "one_digit"  # one digit changed, added or dropped
    DAY_MONTH_SWAPPED = "day_month_swapped"
    OFF_BY_ONE_DAY = "off_by_one_day"
    PAY_FREQUENCY_FACTOR = "pay_frequency_factor"
    FTE_SHARE = "fte_share"
    EXCHANGE_RATE = "exchange_rate"
    LEADING_ZEROS_LOST = "leading_zeros_lost"
    FORMAT_ONLY = "format_only"  # letter case, white space, accents, name order
    NICKNAME_OR_FORMER_NAME = "nickname_or_former_name"
    TRUNCATED = "truncated"
    STALE_VALUE = "stale_value"  # an earlier value of the authority
    ROW_SLIP = "row_slip"  # another person's value
    APPLIED_EARLY = "applied_early"
    ENTRY_DATE_AS_EFFECTIVE = "entry_date_as_effective"
    MOJIBAKE = "mojibake"
    MISSING_VALUE = "missing_value"  # the copy is empty
    EXTRA_VALUE = "extra_value"  # the authority is empty, the copy is not
    MISSING_RECORD = "missing_record"
    GHOST = "ghost"
    OTHER = "other"
