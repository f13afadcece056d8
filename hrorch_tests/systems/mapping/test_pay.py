"""Pay becomes an amount per year, whatever it is per; Python's decimal is the second opinion."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.mapping import MappingFault

from .conftest import Mapper, many, one

PER_YEAR = {"year": 1, "month": 12, "semimonth": 24, "biweek": 26, "week": 52, "day": 260, "hour": 1950}


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    amounts=st.lists(st.decimals(-(10**8), 10**8, places=7, allow_nan=False), min_size=1, max_size=60),
    unit=st.sampled_from(sorted(PER_YEAR)),
)
def test_an_amount_per_anything_is_an_amount_per_year(mapper: Mapper, amounts: list[Decimal], unit: str) -> None:
    outcomes = many(mapper, [f"{amount:f}" for amount in amounts], "pay", unit=unit, hours_per_year=1950)
    expected = [((amount * PER_YEAR[unit]).quantize(Decimal("0.0001"), ROUND_HALF_UP), []) for amount in amounts]
    assert outcomes == expected


@pytest.mark.parametrize(
    ("amount", "word", "declared", "outcome"),
    [
        ("30", "Hour", {}, (Decimal(62400), [])),
        ("30", " HOUR ", {}, (Decimal(62400), [])),
        ("1000", "Paycheck", {"unit_map": {"Paycheck": "biweek"}}, (Decimal(26000), [])),
        ("1000", "Year", {"unit_map": {"Year": "month"}}, (Decimal(12000), [])),
        ("1000", "Paycheck", {}, (None, ["unknown_unit"])),
        ("1000", "", {}, (None, ["unknown_unit"])),
        ("1000", "", {"unit": "month"}, (Decimal(12000), [])),
        ("1000", "Fortnight", {"unit": "month"}, (None, ["unknown_unit"])),
        ("", "Fortnight", {}, (None, [])),
        ("$28.846153846", "hour", {}, (Decimal("60000.0000"), [])),
        ("99999999999", "hour", {}, (None, ["too_large"])),
        ("123456789012345", "year", {}, (None, ["too_large"])),
        ("abc", "hour", {}, (None, ["not_a_number"])),
    ],
)
def test_the_unit_is_read_from_the_record(
    mapper: Mapper, amount: str, word: str, declared: dict, outcome: tuple
) -> None:
    done = mapper(
        [{"id": "1", "v": amount, "u": word}], {"a": {"from": "v", "unit_from": "u", **declared}}, {"a": "pay"}
    )
    assert (done.rows[0]["a"], [code for _, code in done.faults()]) == outcome


def test_pay_per_nobody_knows_what_is_refused(mapper: Mapper) -> None:
    with pytest.raises(MappingFault, match="what the amount is per"):
        one(mapper, "1000", "pay")
