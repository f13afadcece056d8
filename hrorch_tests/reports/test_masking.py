"""Nobody reads what was not revealed: canaries of every sensitivity, in every form, and what money would tell of pay."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.reports.masked import SMALLEST_GROUP, band, rounded, shown
from hrorch_tests.reports.house import CANARIES, PER_PERIOD, House
from hrorch_tests.reports.reading import as_text, every_report

MASKED = {**CANARIES, **PER_PERIOD, "a name without a fault": "Last20x", "a birth without a fault": "1980-05-21"}


def spellings(value: str) -> tuple[str, ...]:
    """A value as it may be written: with its zeros, or with thousands marks or without."""
    plain = value.replace(",", "")
    return tuple({value, plain, f"{plain}00" if "." in plain else value})


@pytest.fixture(scope="module")
def unrevealed(house: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(house.home) as con:
        return as_text(every_report(con, house.stack, reveal=False), tmp_path_factory.mktemp("masked"))


@pytest.mark.parametrize("form", ["table", "csv", "json", "html", "xlsx"])
def test_no_masked_value_is_in_any_report_that_was_not_revealed(unrevealed: dict[str, str], form: str) -> None:
    found = [name for name, value in MASKED.items() for text in spellings(value) if text in unrevealed[form]]
    assert found == []
    assert "E001" in unrevealed[form] or form == "xlsx"


def test_no_masked_value_is_in_the_page(page: Path) -> None:
    import base64
    import re

    content = page.read_text(encoding="utf-8")
    drawings = re.findall(r"data:image/svg\+xml;base64,([A-Za-z0-9+/=]+)", content)
    assert len(drawings) >= 4
    everything = content + "".join(base64.b64decode(drawing).decode() for drawing in drawings)
    assert [name for name, value in MASKED.items() for text in spellings(value) if text in everything] == []


def test_revealed_reports_show_all_but_secrets(con: duckdb.DuckDBPyConnection, house: House, tmp_path: Path) -> None:
    told = as_text(every_report(con, house.stack, reveal=True), tmp_path)
    hashes = [
        row[0] for row in con.execute("SELECT national_id FROM golden.persons WHERE national_id IS NOT NULL").fetchall()
    ]
    assert len(hashes) > 30
    for form in ("csv", "json", "html"):
        missing = [name for name, value in CANARIES.items() if value not in told[form]]
        # Held records wait with their values masked, and nothing of ours knows a national id in clear.
        assert missing == ["national id", "quarantined birth"]
        assert not any(value in told[form] for value in hashes)


def test_a_secret_is_hidden_whatever_its_sensitivity_says(house: House) -> None:
    assert house.stack.attributes["national_id"].sensitivity == "personal"
    assert shown(house.stack, "national_id", "a1b2", reveal=True) == "••••"
    assert shown(house.stack, "national_id", None, reveal=False) == "••••"
    assert shown(house.stack, "no_such_attribute", "Smith", reveal=False) == "S•••(5)"


@given(st.decimals(min_value="0.01", max_value=10**9, places=2))
def test_a_band_holds_its_amount_and_is_at_least_as_wide_as_its_beginning_is_long(amount: Decimal) -> None:
    told = band(amount)
    assert told is not None
    if amount < 1:
        assert told == "under 1"
        return
    low, high = (Decimal(end.replace(",", "")) for end in told.split("–"))
    assert low <= amount < high
    assert high >= 2 * low


@given(st.decimals(min_value="0.01", max_value=10**9, places=2), st.integers(1, 10))
def test_a_sum_over_few_persons_is_a_band_and_over_more_has_two_digits(amount: Decimal, persons: int) -> None:
    told = rounded(amount, persons, masked=True)
    if persons < SMALLEST_GROUP:
        assert told == band(amount)
    else:
        assert len(told.replace(",", "").rstrip("0")) <= 2
        assert abs(Decimal(told.replace(",", "")) - amount) <= max(Decimal("0.5"), amount / 20)
    assert rounded(amount, persons, masked=False) == f"{amount:,.2f}"
