"""Numbers are read as declared or refused; the oracle reads them a second time with Python's decimal."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Mapper, many, one

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def oracle(text: str, decimal: str, thousands: str) -> Decimal | None:
    """Character by character: sign, groups of three, one decimal mark. No currency."""
    body = text.strip()
    if not body:
        return None
    negative = False
    if body[0] == "(" and body[-1] == ")":
        negative, body = True, body[1:-1]
    elif body[0] in "+-−":
        negative, body = body[0] != "+", body[1:].removeprefix(" ")
    elif body[-1] in "-−":
        negative, body = True, body[:-1].removesuffix(" ")
    whole, mark, fraction = body.partition(decimal)
    if mark and not (fraction.isascii() and fraction.isdigit()):
        return None
    if thousands and thousands in whole:
        groups = whole.split(thousands)
        if not (1 <= len(groups[0]) <= 3 and all(len(group) == 3 for group in groups[1:])):
            return None
        whole = "".join(groups)
    if not (re.fullmatch("[0-9]+", whole) or (whole == "" and mark)):
        return None
    value = Decimal(f"{whole or '0'}.{fraction or '0'}")
    return -value if negative else value


@st.composite
def written(draw: st.DrawFn) -> str:
    """Numbers as people write them, right and wrong."""
    if draw(st.booleans()):
        return draw(st.text("0123456789.,' -+()−eN", max_size=12))
    amount = draw(st.decimals(min_value=-(10**12), max_value=10**12, places=draw(st.integers(0, 6)), allow_nan=False))
    text = f"{abs(amount):,f}" if draw(st.booleans()) else f"{abs(amount):f}"
    if draw(st.booleans()):
        text = text.translate(str.maketrans({",": ".", ".": ","}))
    return draw(st.sampled_from(["{}", "-{}", "({})", "{}-", " {} ", "+{}"])).format(text)


@SLOW
@given(
    texts=st.lists(written(), min_size=1, max_size=60),
    marks=st.sampled_from([(".", ""), (".", ","), (",", "."), (",", " "), (".", "'")]),
)
def test_a_number_is_what_the_declared_marks_say_or_a_fault(
    mapper: Mapper, texts: list[str], marks: tuple[str, str]
) -> None:
    decimal, thousands = marks
    for text, (value, faults) in zip(
        texts, many(mapper, texts, "decimal", decimal=decimal, thousands=thousands), strict=True
    ):
        expected = oracle(text, decimal, thousands)
        if not text.strip():
            assert (value, faults) == (None, []), text
        elif expected is None:
            assert (value, faults) == (None, ["not_a_number"]), text
        else:
            rounded = expected.quantize(Decimal("0.0001"), ROUND_HALF_UP)
            assert (value, faults) == ((None, ["too_large"]) if abs(rounded) >= 10**14 else (rounded, [])), text


@pytest.mark.parametrize(
    ("text", "declared", "value"),
    [
        ("1.234,56", {"decimal": ",", "thousands": "."}, "1234.56"),
        ("$1,234.56", {"thousands": ","}, "1234.56"),
        ("1,234.56 USD", {"thousands": ","}, "1234.56"),
        ("USD 1,234.56", {"thousands": ","}, "1234.56"),
        ("US$5", {}, "5"),
        ("(1,200.00)", {"thousands": ","}, "-1200"),
        ("$(1,200.00)", {"thousands": ","}, "-1200"),
        ("-$7", {}, "-7"),
        ("$-7", {}, "-7"),
        ("7-", {}, "-7"),
        ("1 234,5", {"decimal": ",", "thousands": " "}, "1234.5"),
        ("1\u202f234,5", {"decimal": ",", "thousands": " "}, "1234.5"),
        ("1.234,50 €", {"decimal": ",", "thousands": ".", "currency": "EUR"}, "1234.50"),
        ("EUR 12", {"currency": "EUR"}, "12"),
        ("1’234.50 CHF", {"thousands": "'", "currency": "CHF"}, "1234.50"),
        ("12,50 zł", {"decimal": ",", "currency": "PLN"}, "12.50"),
        ("0.00005", {}, "0.0001"),
        ("-0.00005", {}, "-0.0001"),
        (".5", {}, "0.5"),
    ],
)
def test_amounts_are_read_where_their_writing_is_declared(
    mapper: Mapper, text: str, declared: dict, value: str
) -> None:
    assert one(mapper, text, "money", **declared) == (Decimal(value), [])


@pytest.mark.parametrize(
    ("text", "declared", "code"),
    [
        ("1,234.56", {"decimal": ","}, "not_a_number"),
        ("1,234.56", {"decimal": ",", "thousands": "."}, "not_a_number"),
        ("1,234.56", {}, "not_a_number"),
        ("12,34,567", {"thousands": ","}, "not_a_number"),
        ("NaN", {}, "not_a_number"),
        ("Infinity", {}, "not_a_number"),
        ("-inf", {}, "not_a_number"),
        ("1e5", {}, "not_a_number"),
        ("1E+05", {}, "not_a_number"),
        ("5.", {}, "not_a_number"),
        ("--5", {}, "not_a_number"),
        ("(5", {}, "not_a_number"),
        ("(-5)", {}, "not_a_number"),
        ("12 34", {}, "not_a_number"),
        ("１２", {}, "not_a_number"),
        ("€5", {}, "wrong_currency"),
        ("EUR 5", {}, "wrong_currency"),
        ("$5", {"currency": "EUR"}, "wrong_currency"),
        ("123456789012345", {}, "too_large"),
        ("99999999999999.99995", {}, "too_large"),
        ("9" * 60, {}, "too_large"),
    ],
)
def test_an_amount_that_contradicts_its_declaration_is_a_fault(
    mapper: Mapper, text: str, declared: dict, code: str
) -> None:
    assert one(mapper, text, "money", **declared) == (None, [code])


def test_a_plain_number_takes_no_currency(mapper: Mapper) -> None:
    assert one(mapper, "$5", "decimal") == (None, ["not_a_number"])


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("007", (7, [])),
        ("3.0", (3, [])),
        ("-4", (-4, [])),
        ("3.5", (None, ["not_an_integer"])),
        ("9223372036854775807", (9223372036854775807, [])),
        ("9223372036854775808", (None, ["too_large"])),
        ("x", (None, ["not_a_number"])),
    ],
)
def test_integers_are_whole_and_fit(mapper: Mapper, text: str, outcome: tuple) -> None:
    assert one(mapper, text, "integer") == outcome


def test_a_json_number_keeps_its_point_whatever_marks_its_neighbours_are_written_with(mapper: Mapper) -> None:
    rows = [{"id": 1, "v": 1.234}, {"id": 2, "v": "1.234"}, {"id": 3, "v": "1.234,5"}]
    done = mapper(rows, {"a": {"from": "v", "decimal": ",", "thousands": "."}}, {"a": "decimal"}, nested=True)
    assert done.column("a") == [Decimal("1.234"), Decimal(1234), Decimal("1234.5")]


def test_json_integers_of_any_length_keep_every_digit(mapper: Mapper) -> None:
    done = mapper([{"id": 12345678901234567890123, "v": 1}], {"a": "v"}, {"a": "decimal"}, nested=True)
    assert done.rows[0]["source_id"] == "12345678901234567890123"
