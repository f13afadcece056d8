"""The codes of `faults` in a snapshot file: why a value could not be converted. Gates turn each into words for a person."""

from __future__ import annotations

from enum import StrEnum


class FaultCode(StrEnum):
    """A cell with one of these is NULL; the value as it came is `found`, or masked when it is secret."""

    BAD_EXPRESSION = "bad_expression"  # `sql` or `where` failed on this record
    MISSING = "missing"  # an effective-dated row without its first day
    MISSING_PIECE = "missing_piece"  # `split` asks for a piece the value does not have
    NOT_A_BOOLEAN = "not_a_boolean"
    NOT_A_DATE = "not_a_date"  # not in a declared form, or no such day (30/02)
    NOT_A_LIST = "not_a_list"  # what `explode` or `restricted` names is something else
    NOT_A_NUMBER = "not_a_number"  # contradicts the declared marks, NaN, Infinity, exponents
    NOT_A_PHONE = "not_a_phone"  # letters, an extension, two numbers, no digit
    NOT_A_TIMESTAMP = "not_a_timestamp"
    NOT_AN_INTEGER = "not_an_integer"  # a number with a fraction
    OUT_OF_RANGE = "out_of_range"  # a year before 1900 or after 2200
    TOO_LARGE = "too_large"  # more than fourteen digits before the mark (integers: 64 bits)
    UNKNOWN_UNIT = "unknown_unit"  # what pay is per
    UNKNOWN_VALUE = "unknown_value"  # neither `map` nor `catalogue` knows it
    UNREADABLE = "unreadable"  # a secret without letter or digit
    WRONG_CURRENCY = "wrong_currency"  # the amount names another currency than the declared one
