"""Dates, moments, numbers, truth values and codes as a field writes them. Texts and look-ups are `unmap`."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal, InvalidOperation, localcontext
from typing import Any
from zoneinfo import ZoneInfo

from hrorch_pipelines.stack.mapping import FieldMap, PayUnit
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.pay import PER_YEAR, per_year
from hrorch_pipelines.systems.writing.errors import unwritable

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?")
_EXCEL_DAY_ZERO = date(1899, 12, 30)
_LEAP_BUG_ENDS = date(1900, 3, 1)
_CODES = {"%-": "%", "%#": "%"}


def day(field: FieldMap, now: str | None, wish: str, zone: str, attribute: str) -> str:
    """An ISO date in the form the field has: the one that reads what stands there, else the first declared."""
    try:
        wanted = date.fromisoformat(wish)
    except ValueError:
        raise unwritable("not_representable", f"{attribute}: what is wished is no date") from None
    form = _form(field, now)
    if form is None:
        clock = re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}([Tt ].*)", now or "")
        compact = bool(re.fullmatch(r"[0-9]{8}", now or ""))
        return wanted.isoformat().replace("-", "") if compact else wanted.isoformat() + (clock[1] if clock else "")
    if form == "excel":
        if wanted < _LEAP_BUG_ENDS:
            raise unwritable("not_representable", f"{attribute}: before a spreadsheet's calendar is reliable")
        return str((wanted - _EXCEL_DAY_ZERO).days)
    return _formatted(datetime(wanted.year, wanted.month, wanted.day, tzinfo=ZoneInfo(zone)), form)


def moment(field: FieldMap, now: str | None, wish: str, zone: str, attribute: str) -> str:
    """A canonical moment (`2026-03-01 12:00:00+00`) in the form the field has, in the field's zone."""
    try:
        wanted = datetime.fromisoformat(re.sub(r"([+-]\d\d)$", r"\1:00", wish)).astimezone(UTC)
    except ValueError:
        raise unwritable("not_representable", f"{attribute}: what is wished is no moment") from None
    form = _form(field, now)
    if form is None:
        return wanted.isoformat().replace("+00:00", "Z")
    if form == "excel":
        raise unwritable("not_representable", f"{attribute}: a spreadsheet's number holds no exact moment")
    return _formatted(wanted.astimezone(ZoneInfo(zone)), form)


def number(
    field: FieldMap, kind: AttributeType, now: str | None, wish: str, unit_word: str | None, attribute: str
) -> str:
    """A canonical number with the field's marks. Pay per year becomes pay per the record's own unit, to the nearest cent,
    or to as many places as what stands there has."""
    try:
        wanted = Decimal(wish)
    except InvalidOperation:
        wanted = Decimal("NaN")
    if not wanted.is_finite():
        raise unwritable("not_representable", f"{attribute}: what is wished is no number")
    places = _places(field, now)
    if kind is AttributeType.INTEGER:
        text = f"{wanted.normalize():f}"
    elif kind is AttributeType.PAY:
        with localcontext() as context:
            context.prec = 40
            per_unit = wanted / _factor(field, unit_word, attribute)
        text = f"{per_unit.quantize(Decimal(1).scaleb(-max(2, places)), ROUND_HALF_UP):f}"
    elif kind is AttributeType.MONEY:
        text = f"{_at_least(wanted, 2):f}"
    else:
        text = f"{_at_least(wanted, places):f}"
    return text.replace(".", field.decimal)


def boolean(field: FieldMap, now: str | None, wish: str, attribute: str) -> str:
    """`true` or `false` in the field's words: the counterpart of the word that stands there, else the first declared."""
    if wish not in {"true", "false"}:
        raise unwritable("not_representable", f"{attribute}: what is wished is neither true nor false")
    words = {"true": field.true_values, "false": field.false_values}
    lowered = (now or "").lower()
    for meaning, known in words.items():
        folded = [word.lower() for word in known]
        if lowered in folded:
            place = folded.index(lowered)
            if meaning == wish:
                return now or known[place]
            if place < len(words[wish]):
                return _like(words[wish][place], now or "")
    if not words[wish]:
        raise unwritable("not_representable", f"{attribute}: the field has no word for this")
    return words[wish][0]


def code(now: str | None, wish: str, attribute: str) -> str:
    """A code without `map`: canonical codes have lost their letter case and signs, so it is written as what stands there
    is written, or not at all."""
    if now is not None and now == now.lower() and not re.search("[ -]", now):
        return wish
    if now is not None and now == now.upper() and "_" not in wish:
        return wish.upper()
    raise unwritable("no_inverse", f"{attribute}: how the system spells this code is not known")


def typed(text: str, held: Any, kind: AttributeType, *, nested: bool) -> Any:
    """The text as the JSON type that stands there; strings where nothing does, except truth values and whole numbers."""
    if not nested:
        return text
    if text in {"true", "false"} and (isinstance(held, bool) or (held is None and kind is AttributeType.BOOLEAN)):
        return text == "true"
    numeric = bool(_NUMBER.fullmatch(text))
    if numeric and isinstance(held, int | Decimal) and not isinstance(held, bool):
        value = Decimal(text)
        return int(value) if value == value.to_integral_value() and isinstance(held, int) else value
    if numeric and held is None and kind is AttributeType.INTEGER:
        return int(text)
    return text


def _factor(field: FieldMap, word: str | None, attribute: str) -> int:
    unit: PayUnit | None = field.unit
    if word is not None:
        unit = field.unit_map.get(word) or next((one for one in (*PER_YEAR, "hour") if one == word.lower()), None)
    if unit is None:
        raise unwritable("not_representable", f"{attribute}: what the amount is per cannot be told")
    return per_year(field, unit)


def _places(field: FieldMap, now: str | None) -> int:
    """Places after the mark of the number that stands there."""
    found = re.search(re.escape(field.decimal) + r"([0-9]+)\D*$", now or "")
    return min(len(found[1]), 10) if found else 0


def _at_least(value: Decimal, places: int) -> Decimal:
    """Without needless zeros, but with `places` places."""
    plain = value.normalize()
    exponent = plain.as_tuple().exponent
    short = isinstance(exponent, int) and -exponent < places
    return plain.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN) if short else plain


def _form(field: FieldMap, now: str | None) -> str | None:
    forms = [field.format] if isinstance(field.format, str) else list(field.format or [])
    return next((form for form in forms if now is not None and _reads(form, now)), forms[0] if forms else None)


def _reads(form: str, text: str) -> bool:
    if form in {"excel", "epoch", "epoch_ms"}:
        return bool(re.fullmatch(r"-?[0-9]+(?:\.[0-9]+)?", text))
    try:
        datetime.strptime(text, re.sub(r"%-", "%", form))  # noqa: DTZ007  (only whether it fits)
    except ValueError:
        return False
    return True


def _formatted(at: datetime, form: str) -> str:
    if form in {"epoch", "epoch_ms"}:
        scale = 1 if form == "epoch" else 1000
        seconds = Decimal(int(at.timestamp())) + Decimal(at.microsecond) / 1_000_000
        return f"{(seconds * scale).normalize():f}"
    padded = form.replace("%Y", f"{at.year:04d}")
    return at.strftime(padded)


def _like(word: str, now: str) -> str:
    """In the letter case of what stands there."""
    if now.isupper():
        return word.upper()
    return word.capitalize() if now[:1].isupper() else word
