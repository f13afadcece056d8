"""Dates and moments are read as declared or refused; Python's datetime is the second opinion."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.mapping import MappingFault

from .conftest import Mapper, many, one

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FORMATS = ["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d-%b-%Y", "%Y-%m-%d"]


def judged(day: date | None) -> tuple[date | None, list[str]]:
    if day is None:
        return None, ["not_a_date"]
    return (day, []) if 1900 <= day.year <= 2200 else (None, ["out_of_range"])


@SLOW
@given(
    days=st.lists(st.tuples(st.integers(1800, 2300), st.integers(0, 13), st.integers(0, 32)), min_size=1, max_size=60),
    form=st.sampled_from(["%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", None]),
)
def test_a_day_that_exists_is_read_and_one_that_does_not_is_a_fault(
    mapper: Mapper, days: list, form: str | None
) -> None:
    shape = (form or "%Y-%m-%d").replace("%Y", "{0:04}").replace("%m", "{1:02}").replace("%d", "{2:02}")
    texts = [shape.format(*day) for day in days]
    declared = {"format": form} if form else {}
    for (year, month, day), outcome in zip(days, many(mapper, texts, "date", **declared), strict=True):
        try:
            expected = date(year, month, day)
        except ValueError:
            expected = None
        assert outcome == judged(expected), (year, month, day, form)


@SLOW
@given(
    days=st.lists(st.dates(date(1900, 1, 1), date(2200, 12, 31)), min_size=1, max_size=60),
    form=st.sampled_from(FORMATS),
)
def test_every_day_survives_a_trip_through_its_format(mapper: Mapper, days: list[date], form: str) -> None:
    outcomes = many(mapper, [day.strftime(form) for day in days], "date", format=form)
    assert outcomes == [(day, []) for day in days]


@SLOW
@given(texts=st.lists(st.text("0123456789-/.:TZ +", max_size=20), min_size=1, max_size=60))
def test_only_iso_8601_is_a_date_where_no_format_is_declared(mapper: Mapper, texts: list[str]) -> None:
    for text, (value, faults) in zip(texts, many(mapper, texts, "date"), strict=True):
        stripped = text.strip()
        if not stripped:
            assert (value, faults) == (None, [])
        elif value is not None:
            assert date.fromisoformat(stripped[:10] if "-" in stripped else stripped) == value
        else:
            assert faults in (["not_a_date"], ["out_of_range"])


@SLOW
@given(
    moments=st.lists(
        st.datetimes(datetime.fromisoformat("1970-01-02"), datetime.fromisoformat("2100-01-01")),
        min_size=1,
        max_size=60,
    ),
    zone=st.sampled_from(["America/Chicago", "Europe/Berlin", "Asia/Kolkata", "UTC"]),
)
def test_a_moment_without_a_zone_is_local_time(mapper: Mapper, moments: list[datetime], zone: str) -> None:
    outcomes = many(mapper, [moment.isoformat() for moment in moments], "timestamp", time_zone=zone)
    for moment, (value, faults) in zip(moments, outcomes, strict=True):
        # Python says which of two readings of a doubtful time it takes (PEP 495); ours is the later one
        both = [moment.replace(tzinfo=ZoneInfo(zone), fold=fold).astimezone(UTC) for fold in (0, 1)]
        assert (value, faults) == (max(both), []), moment


@SLOW
@given(
    moments=st.lists(
        st.datetimes(datetime.fromisoformat("1901-01-01"), datetime.fromisoformat("2199-01-01")),
        max_size=60,
        min_size=1,
    ),
    minutes=st.integers(-14 * 60, 14 * 60),
)
def test_a_moment_with_a_zone_becomes_utc(mapper: Mapper, moments: list[datetime], minutes: int) -> None:
    sign, off = "-" if minutes < 0 else "+", abs(minutes)
    texts = [f"{moment.isoformat()}{sign}{off // 60:02}:{off % 60:02}" for moment in moments]
    expected = [(moment.replace(tzinfo=UTC) - timedelta(minutes=minutes), []) for moment in moments]
    assert many(mapper, texts, "timestamp") == expected


@SLOW
@given(days=st.lists(st.dates(date(1900, 3, 1), date(2200, 12, 31)), min_size=1, max_size=60))
def test_spreadsheet_day_numbers_are_days(mapper: Mapper, days: list[date]) -> None:
    serials = [str((day - date(1899, 12, 30)).days) for day in days]
    assert many(mapper, serials, "date", format="excel") == [(day, []) for day in days]


@pytest.mark.parametrize(
    ("text", "form", "outcome"),
    [
        ("1", "excel", (date(1900, 1, 1), [])),
        ("59", "excel", (date(1900, 2, 28), [])),
        ("60", "excel", (None, ["not_a_date"])),
        ("61", "excel", (date(1900, 3, 1), [])),
        ("44000.75", "excel", (date(2020, 6, 18), [])),
        ("0", "excel", (None, ["not_a_date"])),
        ("2020-06-18", "excel", (None, ["not_a_date"])),
        ("1592438400", "epoch", (date(2020, 6, 17), [])),
        ("1592438400000", "epoch_ms", (date(2020, 6, 17), [])),
        ("99999999999999", "epoch", (None, ["not_a_date"])),
        ("18.06.2020", ["%d/%m/%Y", "%d.%m.%Y"], (date(2020, 6, 18), [])),
        ("44000", ["%d/%m/%Y", "excel"], (date(2020, 6, 18), [])),
        ("1/2/20", "%m/%d/%Y", (None, ["out_of_range"])),
    ],
)
def test_declared_forms_of_a_day(mapper: Mapper, text: str, form: str | list[str], outcome: tuple) -> None:
    assert one(mapper, text, "date", format=form) == outcome


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("2020-06-18T23:30:00-05:00", (date(2020, 6, 18), [])),
        ("2020-06-18T23:30:00Z", (date(2020, 6, 18), [])),
        ("20200618", (date(2020, 6, 18), [])),
        ("2020-06-18T25:00:00Z", (None, ["not_a_date"])),
        ("2020-02-30", (None, ["not_a_date"])),
        ("0001-01-01", (None, ["out_of_range"])),
        ("9999-12-31", (None, ["out_of_range"])),
        ("2020-6-18", (None, ["not_a_date"])),
        ("2020-06-18 (BC)", (None, ["not_a_date"])),
        ("infinity", (None, ["not_a_date"])),
        ("epoch", (None, ["not_a_date"])),
        ("02/03/2020", (None, ["not_a_date"])),
    ],
)
def test_a_date_taken_from_a_moment_is_the_date_as_written(mapper: Mapper, text: str, outcome: tuple) -> None:
    assert one(mapper, text, "date") == outcome


def test_a_declared_zone_turns_the_date_at_its_own_midnight(mapper: Mapper) -> None:
    assert one(mapper, "2020-06-18T23:30:00Z", "date", time_zone="Asia/Tokyo") == (date(2020, 6, 19), [])


def test_excel_moments_are_local_and_keep_their_time(mapper: Mapper) -> None:
    value, faults = one(mapper, "44000.75", "timestamp", format="excel", time_zone="Europe/Berlin")
    assert (value, faults) == (datetime(2020, 6, 18, 16, tzinfo=UTC), [])


@pytest.mark.parametrize(
    ("system", "expected"),
    [({}, datetime(2020, 1, 1, 6, tzinfo=UTC)), ({"time_zone": "Asia/Tokyo"}, datetime(2019, 12, 31, 15, tzinfo=UTC))],
)
def test_without_a_zone_of_its_own_the_systems_counts_then_the_organizations(
    mapper: Mapper, system: dict, expected: datetime
) -> None:
    done = mapper([{"id": "1", "v": "2020-01-01"}], {"a": "v"}, {"a": "timestamp"}, system=system)
    assert done.rows[0]["a"] == expected


@pytest.mark.parametrize("declared", [{"format": "%Q"}, {"time_zone": "Mars/Olympus"}])
def test_a_format_or_zone_that_does_not_exist_is_refused_before_any_row(mapper: Mapper, declared: dict) -> None:
    with pytest.raises(MappingFault) as caught:
        one(mapper, "2020-01-01", "timestamp", **declared)
    assert caught.value.attributes == ("a",)
