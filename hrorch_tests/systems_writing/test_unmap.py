"""A wish in canonical terms becomes the source's own value, or nothing at all: what a snapshot would then read is the wish."""

from __future__ import annotations

import copy
import unicodedata
from collections import Counter
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.mapping import map_records
from hrorch_pipelines.systems.mapping.pay import PER_YEAR
from hrorch_pipelines.systems.writing.protocol import WriteFault
from hrorch_pipelines.systems.writing.unmap import rewrite, source_values
from hrorch_tests.drawing import drawn
from hrorch_tests.systems.mapping.conftest import raw_file
from hrorch_tests.systems_writing.small_stack import small_stack

KEY = bytes(range(32))
EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"
FEW = settings(max_examples=drawn(25), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def stack_of(fields: dict[str, Any], types: dict[str, str], folder: Path = Path(), **record: Any) -> Stack:
    records = {"r": {"read": {"path": "/r"}, "key": "id", "fields": fields, **record}}
    return small_stack({"connector": "rest", "base_url": "http://target"}, records, types, folder)


def wished(field: dict[str, Any], kind: str, wish: str | None, held: Any, folder: Path = Path()) -> Any:
    """The source value of one attribute read from `v`, where `held` stands now."""
    stack = stack_of({"a": {"from": "v", **field}}, {"a": kind}, folder)
    return source_values(stack, "s", "r", {"a": wish}, {"id": "1", "v": held})["v"]


def refused(field: dict[str, Any], kind: str, wish: str | None, held: Any) -> str:
    with pytest.raises(WriteFault) as fault:
        wished(field, kind, wish, held)
    assert fault.value.outcome == "unwritable"
    assert fault.value.remedy
    return fault.value.code


def as_a_snapshot_reads(tmp_path: Path, stack: Stack, raw: dict[str, Any], attribute: str = "a") -> str | None:
    """The oracle: the whole way of a snapshot, JSON Lines to Parquet."""
    source, out = tmp_path / "raw.jsonl", tmp_path / "out.parquet"
    with duckdb.connect() as con:
        map_records(con, stack, "s", "r", raw_file(source, [raw], nested=True), out, KEY)
        con.execute("SET TimeZone = 'UTC'")
        found = con.execute(
            f'SELECT CAST("{attribute}" AS VARCHAR), faults FROM read_parquet($1)', [str(out)]
        ).fetchone()
    assert found is not None
    assert found[1] == []
    return found[0]  # type: ignore[no-any-return]


PER = {"Hour": "hour", "Week": "week", "Month": "month", "Year": "year", "Paycheck": "biweek"}


@pytest.mark.parametrize(
    ("field", "kind", "wish", "held", "written"),
    [
        pytest.param({}, "text", "Head Nurse", "Nurse", "Head Nurse", id="a text as it is"),
        pytest.param({}, "date", "2026-04-05", "2026-02-01", "2026-04-05", id="an ISO date"),
        pytest.param({}, "date", "2026-04-05", "20260201", "20260405", id="a compact date stays compact"),
        pytest.param({}, "date", "2026-04-05", "2026-02-01T00:00:00", "2026-04-05T00:00:00", id="a time stays"),
        pytest.param({"format": "%m/%d/%Y"}, "date", "2026-04-05", None, "04/05/2026", id="the declared form"),
        pytest.param(
            {"format": ["%m/%d/%Y", "%Y-%m-%d"]}, "date", "2026-04-05", "2026-02-01", "2026-04-05", id="the form held"
        ),
        pytest.param({"format": "excel"}, "date", "2026-04-05", "46054", "46117", id="a spreadsheet's day"),
        pytest.param({"decimal": ",", "thousands": "."}, "money", "1234567.5", "1.000,00", "1234567,50", id="marks"),
        pytest.param({}, "money", "53000.0000", "52000.00", "53000.00", id="an amount as text"),
        pytest.param({}, "money", "53000.5", Decimal("52000.25"), Decimal("53000.50"), id="an amount as a number"),
        pytest.param({}, "decimal", "0.8000", Decimal("1.0"), Decimal("0.8"), id="no needless zeros"),
        pytest.param({}, "integer", "12", 7, 12, id="a whole number"),
        pytest.param({}, "boolean", "false", True, False, id="JSON's truth"),
        pytest.param({}, "boolean", "false", "Yes", "No", id="the counterpart of the word that stands there"),
        pytest.param({"true_values": ["J"], "false_values": ["N"]}, "boolean", "true", "n", "J", id="own words"),
        pytest.param({}, "boolean", "true", None, True, id="truth where nothing stood"),
        pytest.param({}, "identifier", "02134", 2134, "02134", id="zeros are not lost to a number"),
        pytest.param({}, "code", "eur", "USD", "EUR", id="a code in the letter case that stands there"),
        pytest.param({"map": {"FT": "full_time", "PT": "part_time"}}, "code", "full_time", "PT", "FT", id="a map"),
        pytest.param(
            {"map": {"A": "on", "B": "off", "C": "on"}}, "code", "on", "B", "A", id="of several the first declared"
        ),
        pytest.param({"split": {"by": ",", "take": 1}}, "name", "Ann", "Lee, Bob", "Lee, Ann", id="one piece"),
        pytest.param({"split": {"by": ",", "take": 0}}, "name", "Roe", "Lee, Bob", "Roe, Bob", id="the other piece"),
        pytest.param({"write_map": {"on": "1"}, "sql": "CASE value WHEN '1' THEN 'on' END"}, "code", "on", "0", "1", id="sql"),
        pytest.param({}, "text", None, "Nurse", None, id="emptied"),
        pytest.param({"write_map": {"": "0000-00-00"}, "null_values": ["0000-00-00"]}, "date", None, "2026-01-01",
                     "0000-00-00", id="emptied in the source's word"),
    ],
)  # fmt: skip
def test_each_step_of_a_mapping_is_turned_round(field: Any, kind: str, wish: Any, held: Any, written: Any) -> None:
    found = wished(field, kind, wish, held)
    assert (found, type(found)) == (written, type(written))


@pytest.mark.parametrize(
    ("field", "kind", "wish", "held", "code"),
    [
        pytest.param({"sql": "upper(value)"}, "text", "A", "B", "no_inverse", id="sql without write_map"),
        pytest.param({}, "secret", "ab" * 32, "x", "not_representable", id="a secret is known by its hash only"),
        pytest.param({"map": {"FT": "full_time"}}, "code", "intern", "FT", "not_representable", id="no source value"),
        pytest.param({"case": "upper"}, "text", "Nurse", "BOSS", "not_representable", id="letter case is lost"),
        pytest.param({"format": "%d.%m.%y"}, "date", "1954-04-05", "01.01.80", "not_representable", id="a century lost"),
        pytest.param({"split": {"by": ",", "take": 1}}, "name", "Ann", None, "not_representable", id="no other piece"),
        pytest.param({"split": {"by": ",", "take": 1}}, "name", "A,nn", "Lee, Bob", "not_representable", id="the mark in it"),
        pytest.param({"null_values": ["none"]}, "text", "none", "x", "not_representable", id="a word for nothing"),
        pytest.param({"hidden_values": ["***"]}, "text", "***", "x", "not_representable", id="a word for withheld"),
        pytest.param({}, "code", "full_time", "Full-Time", "no_inverse", id="a code whose spelling is not known"),
        pytest.param({}, "code", "active", None, "no_inverse", id="a code where nothing stands"),
        pytest.param({}, "date", "soon", "2026-01-01", "not_representable", id="no date"),
        pytest.param({}, "integer", "1.5", 1, "not_representable", id="half of a whole number"),
    ],
)  # fmt: skip
def test_what_cannot_be_said_is_not_written(field: Any, kind: str, wish: Any, held: Any, code: str) -> None:
    assert refused(field, kind, wish, held) == code


def test_a_constant_is_never_written() -> None:
    stack = stack_of({"a": {"const": "x"}}, {"a": "text"})
    with pytest.raises(WriteFault) as fault:
        source_values(stack, "s", "r", {"a": "y"}, {"id": "1"})
    assert fault.value.code == "no_inverse"


def test_what_stands_there_and_means_the_same_is_kept() -> None:
    field = {"from": "v", "map": {"A": "on", "B": "off", "C": "on"}}
    stack = stack_of({"a": field, "b": "w"}, {"a": "code", "b": "text"})
    assert source_values(stack, "s", "r", {"a": "on", "b": "x"}, {"id": "1", "v": "C", "w": ""}) == {"v": "C", "w": "x"}


def test_a_catalogue_beside_the_stack_file_is_turned_round(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("source,canonical\n4100,ICU\n4200,Radiology\n", encoding="utf-8")
    assert wished({"catalogue": "c.csv"}, "text", "Radiology", "4100", tmp_path) == "4200"


def test_joined_fields_are_divided_only_where_there_is_one_way() -> None:
    stack = stack_of({"a": {"from": ["first", "last"]}}, {"a": "name"})
    raw = {"id": "1", "first": "Ann", "last": "Lee"}
    assert source_values(stack, "s", "r", {"a": "Bea Roe"}, raw) == {"first": "Bea", "last": "Roe"}
    with pytest.raises(WriteFault, match="divide"):
        source_values(stack, "s", "r", {"a": "Bea Ann Roe"}, raw)


def test_write_to_names_another_field_than_the_one_read() -> None:
    stack = stack_of({"a": {"from": "managerName", "write_to": "manager.id"}}, {"a": "text"})
    assert source_values(stack, "s", "r", {"a": "12"}, {"id": "1", "managerName": "7"}) == {"manager.id": "12"}


def test_a_change_that_would_change_another_attribute_too_is_refused() -> None:
    fields = {
        "a": {"from": "v", "map": {"FT": "active", "X": "gone"}},
        "b": {"from": "v", "map": {"FT": "full_time", "X": "x"}},
    }
    stack = stack_of(fields, {"a": "code", "b": "code"})
    raw = {"id": "1", "v": "FT"}
    with pytest.raises(WriteFault) as fault:
        source_values(stack, "s", "r", {"a": "gone"}, raw)
    assert fault.value.code == "side_effect"
    assert source_values(stack, "s", "r", {"a": "gone", "b": "x"}, raw) == {"v": "X"}


def test_a_unit_and_the_amount_per_unit_change_together() -> None:
    fields = {
        "pay": {"from": "rate", "unit_from": "per", "unit_map": PER},
        "unit": {"from": "per", "map": PER},
    }
    stack = stack_of(fields, {"pay": "pay", "unit": "code"})
    raw = {"id": "1", "rate": "40.00", "per": "Hour"}
    with pytest.raises(WriteFault, match="pay: would change too"):
        source_values(stack, "s", "r", {"unit": "year"}, raw)
    made = source_values(stack, "s", "r", {"pay": "90000", "unit": "year"}, raw)
    assert made == {"per": "Year", "rate": "90000.00"}


def test_a_cent_that_stays_within_the_tolerance_is_accepted_and_no_more() -> None:
    stack = load_stack(EXAMPLE, {})  # pay_amount: tolerance 0.005
    raw = {"uuid": "c", "rate": "100.00", "payment_unit": "Month", "effective_date": "2026-01-01"}
    flat = (
        stack.systems["payroll"]
        .records["compensation"]
        .model_copy(update={"explode": None, "parent_key": None, "parent": None})
    )
    system = stack.systems["payroll"].model_copy(update={"records": {"compensation": flat}})
    single = stack.model_copy(update={"systems": {"payroll": system}})
    assert source_values(single, "payroll", "compensation", {"pay_amount": "85009.56"}, raw) == {"rate": "7084.13"}
    with pytest.raises(WriteFault, match="exactly"):
        source_values(single, "payroll", "compensation", {"pay_amount": "85009.60"}, raw)


def test_no_value_stands_in_a_fault() -> None:
    stack = stack_of({"a": {"from": "v", "map": {"FT": "full_time"}}}, {"a": "code"})
    with pytest.raises(WriteFault) as fault:
        source_values(stack, "s", "r", {"a": "canary-wish"}, {"id": "1", "v": "canary-held"})
    assert "canary" not in str(fault.value) + repr(fault.value) + str(fault.value.__cause__)


DAYS = st.dates(date(1900, 3, 1), date(2200, 12, 31))
FORMS = st.sampled_from(
    [None, "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%d %b %Y", "excel", "epoch", "epoch_ms", ["%d/%m/%Y", "%Y-%m-%d"]]
)  # fmt: skip
ZONES = st.sampled_from(["UTC", "America/Chicago", "Europe/Berlin"])


@FEW
@given(day=DAYS, before=DAYS | st.none(), form=FORMS, zone=ZONES)
def test_every_date_comes_back_in_every_form(
    tmp_path: Path, day: date, before: date | None, form: Any, zone: str
) -> None:
    stack = stack_of({"a": {"from": "v", "format": form, "time_zone": zone}}, {"a": "date"})
    raw: dict[str, Any] = {"id": "1", "v": None}
    for wish in [before, day]:
        if wish is not None:
            raw |= source_values(stack, "s", "r", {"a": wish.isoformat()}, raw)
    assert as_a_snapshot_reads(tmp_path, stack, raw) == day.isoformat()


AMOUNTS = st.decimals(Decimal("-99999999.9999"), Decimal("99999999.9999"), places=4)
MARKS = st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'")])


@FEW
@given(
    amount=AMOUNTS,
    marks=MARKS,
    held=st.sampled_from([None, "text", "number"]),
    kind=st.sampled_from(["decimal", "money"]),
)
def test_every_amount_comes_back_with_every_mark(
    tmp_path: Path, amount: Decimal, marks: Any, held: Any, kind: str
) -> None:
    decimal, thousands = marks
    stack = stack_of({"a": {"from": "v", "decimal": decimal, "thousands": thousands}}, {"a": kind})
    now = {None: None, "text": "1" + decimal + "25", "number": Decimal("1.25")}[held]
    made = source_values(stack, "s", "r", {"a": f"{amount:f}"}, {"id": "1", "v": now})["v"]
    sent = made if isinstance(made, str) else float(made)
    found = as_a_snapshot_reads(tmp_path, stack, {"id": "1", "v": sent if kind else None})
    assert found is not None
    assert Decimal(found) == amount


@FEW
@given(
    cents=st.integers(1, 10**8),
    off=st.sampled_from([0, 0, 1, -1]),
    word=st.sampled_from(sorted(PER)),
    hours=st.sampled_from([1820, 2080]),
)
def test_pay_is_written_per_the_records_own_unit_to_the_cent_or_not_at_all(
    tmp_path: Path, cents: int, off: int, word: str, hours: int
) -> None:
    """The oracle multiplies; what is written divides."""
    field = {"from": "rate", "unit_from": "per", "unit_map": PER, "hours_per_year": hours}
    stack = stack_of({"a": field}, {"a": "pay"})
    factor = hours if PER[word] == "hour" else PER_YEAR[PER[word]]  # type: ignore[index]
    wish = Decimal(cents) * factor / 100 + Decimal(off) / 100
    raw = {"id": "1", "rate": "1.00", "per": word}
    nearest = (wish / factor).quantize(Decimal("0.01"), ROUND_HALF_UP)
    if nearest * factor != wish:
        with pytest.raises(WriteFault):
            source_values(stack, "s", "r", {"a": f"{wish:f}"}, raw)
        return
    made = {**raw, **source_values(stack, "s", "r", {"a": f"{wish:f}"}, raw)}
    assert made["rate"] == f"{nearest:f}"
    assert as_a_snapshot_reads(tmp_path, stack, made) == f"{wish:.4f}"


WORDS = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1, max_size=8)


@FEW
@given(entries=st.dictionaries(WORDS, WORDS, min_size=1, max_size=6), pick=st.integers(0, 5), now=st.integers(0, 6))
def test_of_the_source_values_that_mean_a_wish_one_is_written(
    tmp_path: Path, entries: Any, pick: int, now: int
) -> None:
    entries = {key: unicodedata.normalize("NFC", value) for key, value in entries.items()}
    wish = list(entries.values())[pick % len(entries)]
    held = [*entries, None][now % (len(entries) + 1)]
    stack = stack_of({"a": {"from": "v", "map": entries}}, {"a": "text"})
    made = source_values(stack, "s", "r", {"a": wish}, {"id": "1", "v": held})
    means = [key for key, value in entries.items() if value == wish]
    assert made["v"] == (held if held in means else means[0])
    assert as_a_snapshot_reads(tmp_path, stack, {"id": "1", **made}) == wish


PATHS = st.sampled_from([
    "v", "name.first", 'list[0].v', "emails[?type=work].value", '"urn:a.b".manager.value', "list[-1]", "deep[?k=true].x[1].y",
])  # fmt: skip
HELD = st.sampled_from([
    {},
    {"v": "old", "name": {"first": "old", "last": "L"}, "list": [{"v": "old", "w": 1}, "tail"]},
    {"emails": [{"type": "home", "value": "h"}, {"type": "work", "value": "old", "note": "n"}]},
    {"urn:a.b": {"department": "D", "manager": {"value": "old"}}, "list": ["a", "b"]},
    {"deep": [{"k": False, "x": []}, {"k": True, "x": ["p", {"y": "old", "z": 0}]}]},
])  # fmt: skip


@FEW
@given(path=PATHS, held=HELD, wish=st.sampled_from(["new", "n2"]))
def test_a_value_is_put_at_its_path_and_nothing_else_moves(tmp_path: Path, path: str, held: Any, wish: str) -> None:
    stack = stack_of({"a": path}, {"a": "text"})
    raw = {"id": "1", **copy.deepcopy(held)}
    try:
        made = rewrite(stack, "s", "r", {"a": wish}, raw).record
    except WriteFault as fault:
        assert fault.code == "bad_path"  # noqa: PT017  (there is nothing to put it into)
        return
    assert raw == {"id": "1", **held}
    assert as_a_snapshot_reads(tmp_path, stack, made) == wish
    lost = Counter(leaves(raw)) - Counter(leaves(made))
    assert lost.total() <= 1


def leaves(content: Any) -> list[str]:
    if isinstance(content, dict):
        return [leaf for value in content.values() for leaf in leaves(value)]
    return [leaf for value in content for leaf in leaves(value)] if isinstance(content, list) else [str(content)]
