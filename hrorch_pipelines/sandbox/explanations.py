"""Which causes could explain that one value stands where another should: plain Python, written apart from the product.

The planter uses it so that no fault can be told two ways; tests use it to check the labels.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.sandbox.company import first_names

RATES: Final = {"EUR": 0.9217, "GBP": 0.7883, "CAD": 1.3642}
"""Currency → how much one dollar is; the catalogue of the example stack says the same."""

_PERIODS: Final = (1, 12, 24, 26, 52, 260, 2080)
_BAND: Final = 0.0005

SPECIFIC: Final = (
    Cause.MISSING_VALUE, Cause.EXTRA_VALUE, Cause.FORMAT_ONLY, Cause.LEADING_ZEROS_LOST, Cause.MOJIBAKE, Cause.STALE_VALUE,
    Cause.APPLIED_EARLY, Cause.ENTRY_DATE_AS_EFFECTIVE, Cause.NICKNAME_OR_FORMER_NAME, Cause.FTE_SHARE,
    Cause.PAY_FREQUENCY_FACTOR, Cause.EXCHANGE_RATE, Cause.DAY_MONTH_SWAPPED, Cause.OFF_BY_ONE_DAY, Cause.TRUNCATED,
    Cause.TRANSPOSED_DIGITS, Cause.ONE_DIGIT, Cause.ROW_SLIP,
)  # fmt: skip
"""Most specific first."""


@dataclass(frozen=True)
class Surroundings:
    """What else is known when a value is judged. `unit` is how many of the copy's pay units make a year."""

    earlier: AbstractSet[str] = frozenset()
    upcoming: AbstractSet[str] = frozenset()
    entered: AbstractSet[str] = frozenset()
    others: AbstractSet[str] = frozenset()
    fte: float = 1.0
    unit: int = 1
    former: AbstractSet[str] = field(default=frozenset())


def explanations(attribute: str, right: str | None, wrong: str | None, around: Surroundings) -> list[Cause]:
    """Every cause that explains `wrong`, most specific first; [OTHER] when none does. Empty when the two are equal."""
    if right == wrong:
        return []
    if wrong is None or right is None:
        return [Cause.MISSING_VALUE if wrong is None else Cause.EXTRA_VALUE]
    found: set[Cause] = set()
    for cause, known in (
        (Cause.STALE_VALUE, around.earlier),
        (Cause.APPLIED_EARLY, around.upcoming),
        (Cause.ROW_SLIP, around.others),
        (Cause.NICKNAME_OR_FORMER_NAME, around.former),
    ):
        if wrong in known:
            found.add(cause)
    if attribute.endswith("_date") or attribute == "date_of_birth":
        found |= _dates(right, wrong, around)
    elif attribute == "pay_amount":
        found |= _pay(int(right), int(wrong), around)
    else:
        found |= _texts(attribute, right, wrong)
    return [cause for cause in SPECIFIC if cause in found] or [Cause.OTHER]


def digit_causes(right: str, wrong: str) -> set[Cause]:
    """Whether two texts differ by one keying error in their digits, everything else being equal."""
    if re.sub(r"\d", "", right) != re.sub(r"\d", "", wrong):
        return set()
    one, two = re.sub(r"\D", "", right), re.sub(r"\D", "", wrong)
    if len(one) == len(two):
        places = [place for place in range(len(one)) if one[place] != two[place]]
        if len(places) == 1:
            return {Cause.ONE_DIGIT}
        if (
            len(places) == 2
            and places[1] == places[0] + 1
            and one[places[0]] == two[places[1]]
            and one[places[1]] == two[places[0]]
        ):
            return {Cause.TRANSPOSED_DIGITS}
        return set()
    short, long = sorted((one, two), key=len)
    dropped = len(long) - len(short) == 1 and any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    return {Cause.ONE_DIGIT} if dropped else set()


def mojibake(text: str) -> str:
    """UTF-8 read as Latin-1."""
    return text.encode().decode("latin-1")


def folded(text: str) -> str:
    """Without case, accents, white space and punctuation."""
    plain = "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]", "", plain.lower())


def typed(cents: int) -> str:
    """An amount as a person types it: `31.50`, `65520`."""
    return f"{cents // 100}.{cents % 100:02d}".removesuffix(".00")


def _dates(right: str, wrong: str, around: Surroundings) -> set[Cause]:
    one, two = date.fromisoformat(right), date.fromisoformat(wrong)
    found = digit_causes(right, wrong)
    if (one.year, one.month, one.day) == (two.year, two.day, two.month):
        found.add(Cause.DAY_MONTH_SWAPPED)
    if abs((one - two).days) == 1:
        found.add(Cause.OFF_BY_ONE_DAY)
    if wrong in around.entered:
        found.add(Cause.ENTRY_DATE_AS_EFFECTIVE)
    return found


def _pay(right: int, wrong: int, around: Surroundings) -> set[Cause]:
    found: set[Cause] = set()
    if right % around.unit == 0 and wrong % around.unit == 0:
        found = digit_causes(typed(right // around.unit), typed(wrong // around.unit))
    if wrong <= 0:
        return found
    ratio = max(right, wrong) / min(right, wrong)
    factors = {one / two for one in _PERIODS for two in _PERIODS if one > two} | {1000}
    if any(abs(ratio / factor - 1) < _BAND for factor in factors):
        found.add(Cause.PAY_FREQUENCY_FACTOR)
    if around.fte < 1 and abs(ratio * around.fte - 1) < _BAND:
        found.add(Cause.FTE_SHARE)
    currencies = [1.0, *RATES.values()]
    if any(abs(ratio / (one / two) - 1) < _BAND for one in currencies for two in currencies if one > two):
        found.add(Cause.EXCHANGE_RATE)
    return found


def _texts(attribute: str, right: str, wrong: str) -> set[Cause]:
    found: set[Cause] = set()
    if folded(right) == folded(wrong):
        found.add(Cause.FORMAT_ONLY)
    if right.lstrip("0") == wrong.lstrip("0"):
        found.add(Cause.LEADING_ZEROS_LOST)
    if mojibake(right) == wrong:
        found.add(Cause.MOJIBAKE)
    if len(wrong) >= 6 and right.lower().startswith(wrong.lower()):
        found.add(Cause.TRUNCATED)
    if attribute == "legal_first_name" and ((right, wrong) in first_names() or (wrong, right) in first_names()):
        found.add(Cause.NICKNAME_OR_FORMER_NAME)
    if attribute in {"phone", "postcode", "employee_number", "job_title", "department"}:
        found |= digit_causes(right, wrong)
    return found
