"""When two values of an attribute are the same, as SQL. Which cells may be compared at all is decided in `states`."""

from __future__ import annotations

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, tolerance_amount

_NUMBERS = {AttributeType.INTEGER, AttributeType.DECIMAL, AttributeType.MONEY, AttributeType.PAY}


def equalities(stack: Stack, attribute: str, authority: str, copy: str) -> list[str]:
    """SQL conditions, cheapest first; the values are equal when one is true. Both sides are canonical column expressions.

    The first is plain equality, which settles nearly every cell. Numbers: within the tolerance, absolute or relative to the
    authority's value. Codes and e-mail: letter case aside. Phones: digits and a leading + only. Text: after Unicode NFC and
    white-space folding. Names: after NFC; a name that differs in case or spacing differs, and its cause says so.
    """
    declared = stack.attributes[attribute]
    found = [f"{authority} = {copy}"]
    if declared.type in _NUMBERS and declared.tolerance is not None:
        amount, relative = tolerance_amount(declared.tolerance)
        found.append(f"abs({authority} - {copy}) <= {amount:f}" + (f" * abs({authority})" if relative else ""))
    folded = {
        AttributeType.CODE: "lower(trim({}))",
        AttributeType.EMAIL: "lower(trim({}))",
        AttributeType.PHONE: "regexp_replace(regexp_replace({}, '^\\s*00', '+'), '[^0-9+]', '', 'g')",
        AttributeType.TEXT: "nfc_normalize(trim(regexp_replace({}, '\\s+', ' ', 'g')))",
        AttributeType.NAME: "nfc_normalize({})",
    }.get(declared.type)
    if folded:
        found.append(f"{folded.format(authority)} = {folded.format(copy)}")
    return found
