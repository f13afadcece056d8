"""How values go wrong: for each cause, wrong values a person or a program could have left behind, in random order."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.sandbox.company import first_names, managers
from hrorch_pipelines.sandbox.explanations import RATES, Surroundings, folded, mojibake, typed
from hrorch_pipelines.sandbox.truth import Truth

_WIDTHS = (20, 16, 12, 10, 8)  # of narrow columns


@dataclass(frozen=True)
class Slip:
    """What a maker may look at. `right` is the true value, `neighbours` what other persons have."""

    cause: Cause
    attribute: str
    truth: Truth
    right: str | None
    around: Surroundings
    neighbours: tuple[str, ...]
    people: int
    rng: random.Random


Maker = Callable[[Slip], Iterator[str | None]]


def wrong_values(slip: Slip) -> Iterator[str | None]:
    """Values that the cause may have left. Not all are unambiguous: the planter checks each."""
    yield from _MAKERS[slip.cause](slip)


def _keyed(slip: Slip, edits: Callable[[str], Iterator[str]]) -> Iterator[str]:
    """Edits of the digits a person types: an amount in the copy's own unit, a date as ISO, a phone after its prefix."""
    right = str(slip.right)
    if slip.attribute == "pay_amount":
        for text in edits(typed(int(right) // slip.around.unit)):
            cents = round(float(text) * 100)
            if not text.startswith("0") and 0.3 < cents * slip.around.unit / int(right) < 12:
                yield str(cents * slip.around.unit)
    elif slip.attribute == "phone":
        yield from (right[:2] + text for text in edits(right[2:]))
    elif slip.attribute.endswith("_date") or slip.attribute == "date_of_birth":
        for text in edits(right):
            found = _date(text)
            if found and abs(found.year - int(right[:4])) <= (9 if slip.attribute == "date_of_birth" else 0):
                yield found.isoformat()
    else:
        yield from edits(right)


def _transposed(slip: Slip) -> Iterator[str]:
    def edits(text: str) -> Iterator[str]:
        places = [at for at in range(len(text) - 1) if text[at : at + 2].isdigit() and text[at] != text[at + 1]]
        slip.rng.shuffle(places)
        yield from (text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in places)

    return _keyed(slip, edits)


def _one_digit(slip: Slip) -> Iterator[str]:
    def edits(text: str) -> Iterator[str]:
        places = [at for at in range(len(text)) if text[at].isdigit()]
        slip.rng.shuffle(places)
        for at in places:
            yield text[:at] + str((int(text[at]) + slip.rng.randrange(1, 10)) % 10) + text[at + 1 :]

    return _keyed(slip, edits)


def _swapped(slip: Slip) -> Iterator[str]:
    year, month, day = str(slip.right).split("-")
    if found := _date(f"{year}-{day}-{month}"):
        yield found.isoformat()


def _day_off(slip: Slip) -> Iterator[str]:
    right = date.fromisoformat(str(slip.right))
    yield from ((right + timedelta(days=step)).isoformat() for step in (-1, 1))


def _factor(slip: Slip) -> Iterator[str]:
    right, factors = int(str(slip.right)), [12, 26, 52]
    slip.rng.shuffle(factors)
    for factor in factors:
        if right % (factor * slip.around.unit) == 0:
            yield str(right // factor)
        yield str(right * factor)


def _fte(slip: Slip) -> Iterator[str]:
    share, right = slip.around.fte, int(str(slip.right))
    for amount in (right / share, right * share):
        yield str(round(amount / slip.around.unit) * slip.around.unit)


def _exchanged(slip: Slip) -> Iterator[str]:
    for rate in slip.rng.sample(sorted(RATES.values()), len(RATES)):
        yield str(round(int(str(slip.right)) * rate / slip.around.unit) * slip.around.unit)


def _form(slip: Slip) -> Iterator[str]:
    right = str(slip.right)
    plain = "".join(letter for letter in right if letter.isascii())
    options = [right.upper(), right.lower()]
    if len(plain) != len(right) and (bare := _bare(right)) != right:
        options.insert(0, bare)
    yield from options


def _nickname(slip: Slip) -> Iterator[str]:
    yield from (short for name, short in first_names() if name == slip.right and short)


def _cut(slip: Slip) -> Iterator[str]:
    right = str(slip.right)
    yield from (right[:width].strip() for width in _WIDTHS if len(right[:width].strip()) < len(right))


def _mojibake(slip: Slip) -> Iterator[str]:
    if mojibake(str(slip.right)) != slip.right:
        yield mojibake(str(slip.right))


def _zeros(slip: Slip) -> Iterator[str]:
    if str(slip.right).startswith("0"):
        yield str(slip.right).lstrip("0")


def _known(name: str) -> Maker:
    return lambda slip: iter(sorted(getattr(slip.around, name)))


def _slip(slip: Slip) -> Iterator[str]:
    yield from slip.neighbours


def _extra(slip: Slip) -> Iterator[str]:
    if slip.right is None:
        yield next(
            short or name[:3] for name, short in first_names() if folded(name) == folded(slip.truth.life.person.first)
        )


def _missing(slip: Slip) -> Iterator[None]:
    if slip.right is not None:
        yield None


def _other(slip: Slip) -> Iterator[str]:
    n = slip.truth.life.person.number
    if slip.attribute == "manager":
        yield from (str(one) for one in range(1, managers(slip.people) + 1) if str(one) != slip.right and one != n)
    yield {"job_title": "Float Pool Associate", "department": "Shared Services"}.get(
        slip.attribute, f"{slip.right} Grace"
    )


def _bare(text: str) -> str:
    import unicodedata

    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


_MAKERS: dict[Cause, Maker] = {
    Cause.TRANSPOSED_DIGITS: _transposed,
    Cause.ONE_DIGIT: _one_digit,
    Cause.DAY_MONTH_SWAPPED: _swapped,
    Cause.OFF_BY_ONE_DAY: _day_off,
    Cause.PAY_FREQUENCY_FACTOR: _factor,
    Cause.FTE_SHARE: _fte,
    Cause.EXCHANGE_RATE: _exchanged,
    Cause.LEADING_ZEROS_LOST: _zeros,
    Cause.FORMAT_ONLY: _form,
    Cause.NICKNAME_OR_FORMER_NAME: _nickname,
    Cause.TRUNCATED: _cut,
    Cause.STALE_VALUE: _known("earlier"),
    Cause.ROW_SLIP: _slip,
    Cause.APPLIED_EARLY: _known("upcoming"),
    Cause.ENTRY_DATE_AS_EFFECTIVE: _known("entered"),
    Cause.MOJIBAKE: _mojibake,
    Cause.MISSING_VALUE: _missing,
    Cause.EXTRA_VALUE: _extra,
    Cause.OTHER: _other,
}
