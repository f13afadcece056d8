"""Numbers: decimal and thousands marks, currency, negatives. What contradicts its declaration is a fault, never misread.

Pay per year is `pay`. Accepted: `1.234,56`, `$1,234.56`, `1 234,5`, `(1,200.00)`, `-5`, `5-`, `.5`, each where declared.
Refused: NaN, Infinity, exponents, `5.`, groups that are not of three, a currency other than the declared one.
"""

from __future__ import annotations

import re

from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.statement import Statement

_SPACE = r"[ \x{a0}\x{2009}\x{202f}]"
_GROUPS = {",": ",", ".": r"\.", " ": _SPACE, "'": "['’]"}
_MINUS = "[-−]"
_ANY_MONEY = r"(?:[A-Z]{3}|[A-Za-z]{0,3}\p{Sc})"

SYMBOLS: dict[str, tuple[str, ...]] = {
    "AUD": ("$", "A$", "AU$"), "BRL": ("R$",), "CAD": ("$", "C$", "CA$"), "CNY": ("¥", "元"), "CZK": ("Kč",),
    "DKK": ("kr",), "EUR": ("€",), "GBP": ("£",), "HKD": ("$", "HK$"), "ILS": ("₪",), "INR": ("₹",), "ISK": ("kr",),
    "JPY": ("¥", "￥", "円"), "KRW": ("₩",), "MXN": ("$", "MX$"), "NOK": ("kr",), "NZD": ("$", "NZ$"), "PHP": ("₱",),
    "PLN": ("zł",), "SEK": ("kr",), "SGD": ("$", "S$"), "THB": ("฿",), "TRY": ("₺",), "UAH": ("₴",),
    "USD": ("$", "US$"), "VND": ("₫",), "ZAR": ("R",),
}  # fmt: skip
"""What may stand for a currency besides its ISO 4217 code."""


def convert_number(statement: Statement, cell: Cell) -> None:
    """INTEGER → BIGINT; DECIMAL and MONEY → DECIMAL(18,4), rounded half away from zero at the fifth place."""
    plain = plain_number(statement, cell)
    if cell.type is AttributeType.INTEGER:
        whole = statement.add("amounts", cell.column("whole"), rf"regexp_extract({plain}, '^(-?[0-9]+)(?:\.0+)?$', 1)")
        cell.value = f"TRY_CAST({whole} AS BIGINT)"
        cell.fail(f"{whole} = ''", FaultCode.NOT_AN_INTEGER)
    else:
        cell.value = f"TRY_CAST({plain} AS DECIMAL(18,4))"
    cell.fail(f"{plain} IS NOT NULL AND {cell.column_value()} IS NULL", FaultCode.TOO_LARGE)


def plain_number(statement: Statement, cell: Cell) -> str:
    """Add the column that holds the number as `-1234.56`, or NULL; and its fault codes. Returns its name."""
    decimal, thousands = cell.field.decimal, cell.field.thousands
    if decimal == thousands:
        raise FieldFault(
            cell.name, f"`{decimal}` is both decimal and thousands mark", remedy="declare two different marks"
        )
    number = _number_pattern(decimal, thousands)
    money = _money_pattern(cell.currency)
    text = cell.text
    digits = f"regexp_extract({text}, {statement.bind(number)})"
    if thousands:
        digits = f"regexp_replace({digits}, {statement.bind(_GROUPS[thousands])}, '', 'g')"
    if decimal == ",":
        digits = f"replace({digits}, ',', '.')"
    negative = f"regexp_matches({text}, '[-−(]')"
    readable = f"regexp_full_match({text}, {statement.bind(_amount_pattern(number, money))})"
    unsigned = f"CASE WHEN {negative} THEN '-' || {digits} ELSE {digits} END"
    expression = f"CASE WHEN {readable} THEN {unsigned} END"
    if cell.number_kind and (decimal, thousands) != (".", ""):
        native = rf"regexp_full_match({text}, '-?[0-9]+(\.[0-9]+)?')"
        expression = f"CASE WHEN {cell.number_kind} THEN CASE WHEN {native} THEN {text} END ELSE {expression} END"
    plain = statement.add("shapes", cell.column("plain"), expression)
    nothing = f"{cell.has_text()} AND {plain} IS NULL"
    if cell.currency:
        other = statement.bind(_amount_pattern(number, _ANY_MONEY))
        cell.fail(f"{nothing} AND regexp_full_match({text}, {other})", FaultCode.WRONG_CURRENCY)
    cell.fail(nothing, FaultCode.NOT_A_NUMBER)
    return plain


def _number_pattern(decimal: str, thousands: str) -> str:
    mark = re.escape(decimal)
    whole = rf"(?:[0-9]{{1,3}}(?:{_GROUPS[thousands]}[0-9]{{3}})+|[0-9]+)" if thousands else "[0-9]+"
    return rf"(?:{whole}(?:{mark}[0-9]+)?|{mark}[0-9]+)"


def _money_pattern(currency: str | None) -> str | None:
    if currency is None:
        return None
    return "(?:" + "|".join(re.escape(mark) for mark in (currency, *SYMBOLS.get(currency, ()))) + ")"


def _amount_pattern(number: str, money: str | None) -> str:
    """The whole text: one sign at most, before or after; parentheses mean negative; money before, after or both."""
    gap = f"{_SPACE}?"
    before, after = (f"(?:{money}{gap})?", f"(?:{gap}{money})?") if money else ("", "")
    forms = [
        rf"(?:[-+−]{gap})?{before}{number}{after}",
        rf"{before}[-+−]{gap}{number}{after}",
        rf"{before}{number}{gap}{_MINUS}{after}",
        rf"{before}{number}{after}{gap}{_MINUS}",
        rf"\({before}{number}{after}\)",
        rf"{before}\({number}\){after}",
    ]
    return "|".join(forms)
