"""What a cause is called, and the fix it names (docs/causes.md): for cases and reports alike."""

from __future__ import annotations

from hrorch_pipelines.reconcile.terms import Cause

CAUSES: dict[str, tuple[str, str]] = {
    Cause.MISSING_RECORD: ("Record missing", "create the record; look at the handoff that did not run"),
    Cause.GHOST: ("Ghost: record of somebody who left", "end the record; stop the pay"),
    Cause.MISSING_VALUE: ("Copy is empty", "fill it; look at the interface's field list"),
    Cause.EXTRA_VALUE: ("Authority is empty", "find out who entered it, and where it belongs"),
    Cause.FORMAT_ONLY: ("Spelling only", "agree on one spelling, or leave it"),
    Cause.LEADING_ZEROS_LOST: ("Leading zeros lost", "a spreadsheet was used: format the column as text"),
    Cause.MOJIBAKE: ("Wrong encoding", "set the encoding of the import"),
    Cause.STALE_VALUE: ("Earlier value of the authority", "repeat the change; repair the handoff"),
    Cause.APPLIED_EARLY: ("Future value applied early", "make the interface respect the effective date"),
    Cause.ENTRY_DATE_AS_EFFECTIVE: (
        "Entry date kept as effective date",
        "make the interface respect the effective date",
    ),
    Cause.NICKNAME_OR_FORMER_NAME: ("Nickname or former name", "settle preferred against legal name"),
    Cause.FTE_SHARE: ("Differs by working time", "one side holds full-time pay, the other actual pay: agree on one"),
    Cause.PAY_FREQUENCY_FACTOR: ("Wrong pay unit", "correct the pay unit"),
    Cause.EXCHANGE_RATE: ("Wrong currency", "correct the currency"),
    Cause.DAY_MONTH_SWAPPED: ("Day and month exchanged", "settle the date order of the import"),
    Cause.OFF_BY_ONE_DAY: ("One day off", "set the time zone of the interface"),
    Cause.TRUNCATED: ("Cut off", "widen the field"),
    Cause.TRANSPOSED_DIGITS: ("Digits exchanged", "typed by hand: correct it, automate the handoff"),
    Cause.ONE_DIGIT: ("One digit wrong", "typed by hand: correct it, automate the handoff"),
    Cause.ROW_SLIP: ("Another person's value", "a row slipped in a sheet: check its neighbours"),
    Cause.OTHER: ("No known pattern", "look at it"),
}
"""Cause → (label, usual fix)."""


def cause_label(cause: str | None) -> str:
    """A cause in words; the name itself when a later version knows more causes."""
    return CAUSES[cause][0] if cause in CAUSES else str(cause or "")


def cause_fix(cause: str | None) -> str:
    """What usually mends it."""
    return CAUSES[cause][1] if cause in CAUSES else ""
