"""Whole records: keys, effective dates, exploded lists, hidden cells, deleted marks; every row accounted for."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from typing import Any

import duckdb
import pytest

from hrorch_pipelines.storage.columns import record_columns
from hrorch_pipelines.systems.mapping import MappingFault, map_records

from .conftest import KEY, Mapper, raw_file, stack_of

JOB = {"explode": "jobs", "key": "uuid", "parent": "w", "parent_key": "^.id"}
WORKER = {"w": {"read": {"path": "w.csv"}, "key": "id"}}


def test_the_file_has_exactly_the_columns_of_the_contract(con: duckdb.DuckDBPyConnection, tmp_path) -> None:
    types = {"a": "text", "b": "date", "c": "timestamp", "d": "integer", "e": "decimal", "f": "boolean", "g": "secret"}
    stack = stack_of({"fields": dict.fromkeys(types, "id")}, types)
    out = tmp_path / "out.parquet"
    map_records(con, stack, "s", "r", raw_file(tmp_path / "raw", [{"id": "1"}], nested=False), out, KEY)
    described = con.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": str(out)}).fetchall()
    found = {row[0]: row[1].replace("TIMESTAMP WITH TIME ZONE", "TIMESTAMPTZ").replace(" ", "") for row in described}
    expected = {**record_columns(stack, "s", "r"), "raw": "VARCHAR"}
    assert {name: kind.replace('"', "") for name, kind in found.items()} == {
        name: kind.replace(" ", "") for name, kind in expected.items()
    }
    assert list(found) == list(expected)


def test_rows_of_one_key_are_numbered_by_what_they_say(mapper: Mapper) -> None:
    rows = [
        {"id": "7", "v": "b"},
        {"id": "7", "v": "a"},
        {"id": "8", "v": "a"},
        {"id": "7", "v": "a"},
        {"id": None, "v": "x"},
        {"id": " ", "v": "y"},
    ]
    done = mapper(rows, {"a": "v"}, {"a": "text"})
    assert done.column("row_id") == [0, 1, 2, 3, 4, 5]
    assert done.column("record_key") == ["7", "7", "8", "7", None, None]
    of_seven = sorted((row["occurrence"], row["record_hash"]) for row in done.rows if row["record_key"] == "7")
    assert [occurrence for occurrence, _ in of_seven] == [1, 2, 3]
    assert [digest for _, digest in of_seven] == sorted(digest for _, digest in of_seven)
    assert sorted(row["occurrence"] for row in done.rows if row["record_key"] is None) == [1, 2]
    assert done.rows[2]["occurrence"] == 1


def test_effective_dated_rows_carry_their_span(mapper: Mapper) -> None:
    effective = {"from": "f", "to": "t", "to_inclusive": True, "sequence": "n"}
    rows = [
        {"id": "1", "f": "2020-01-01", "t": "2020-12-31", "n": "2"},
        {"id": "1", "f": "2021-01-01", "t": "9999-12-31", "n": None},
        {"id": "1", "f": "2022-01-01", "t": "", "n": "1"},
        {"id": "1", "f": "", "t": "0001-01-01", "n": "x"},
    ]
    done = mapper(rows, {"a": "id"}, {"a": "text"}, record={"effective": effective})
    assert done.column("effective_from") == [date(2020, 1, 1), date(2021, 1, 1), date(2022, 1, 1), None]
    assert done.column("effective_to") == [date(2021, 1, 1), None, None, None]
    assert done.column("sequence") == [2, None, 1, None]
    assert done.column("record_key") == ["1@2020-01-01", "1@2021-01-01", "1@2022-01-01", "1@"]
    assert done.faults(1) == []
    assert done.faults(3) == [
        ("effective_from", "missing"),
        ("effective_to", "out_of_range"),
        ("sequence", "not_a_number"),
    ]


def test_who_changed_it_when_and_whether_it_is_deleted(mapper: Mapper) -> None:
    record = {"changed_by": "by", "changed_at": "at", "version": "ver", "deleted": "gone"}
    rows = [
        {"id": "1", "by": "ann", "at": "2020-01-01T00:00:00Z", "ver": 'W/"7"', "gone": "true"},
        {"id": "2", "by": None, "at": "yesterday", "ver": None, "gone": None},
        {"id": "3", "by": None, "at": None, "ver": None, "gone": "perhaps"},
    ]
    done = mapper(rows, {"a": "id"}, {"a": "text"}, record=record)
    assert done.column("deleted") == [True, False, False]
    assert done.column("source_updated_at") == [datetime(2020, 1, 1, tzinfo=UTC), None, None]
    assert done.column("source_updated_by") == ["ann", None, None]
    assert done.column("source_version") == ['W/"7"', None, None]
    assert [done.faults(at) for at in (1, 2)] == [
        [("source_updated_at", "not_a_timestamp")],
        [("deleted", "not_a_boolean")],
    ]


def test_parents(mapper: Mapper) -> None:
    assert mapper([{"id": "1"}], {"a": "id"}, {"a": "text"}).rows[0]["parent_id"] == "1"
    child = mapper(
        [{"id": "1", "p": "9"}], {"a": "id"}, {"a": "text"}, record={"parent": "w", "parent_key": "p"}, records=WORKER
    )
    assert child.rows[0]["parent_id"] == "9"
    with pytest.raises(MappingFault) as caught:
        mapper([{"id": "1"}], {"a": "id"}, {"a": "text"}, record={"parent": "w"}, records=WORKER)
    assert caught.value.attributes == ("parent_id",)


def test_each_element_of_a_list_is_a_record(mapper: Mapper) -> None:
    rows = [
        {"id": "1", "name": "Ann", "jobs": [{"uuid": "a", "title": "Nurse"}, {"uuid": "b", "title": None}]},
        {"id": "2", "name": "Bo", "jobs": []},
        {"id": "3", "name": "Cy"},
        {"id": "4", "name": "Di", "jobs": None},
        {"id": "5", "name": "Ed", "jobs": [{"uuid": "c", "title": "Clerk"}]},
    ]
    done = mapper(
        rows, {"t": "title", "n": "^.name"}, {"t": "text", "n": "name"}, nested=True, record=JOB, records=WORKER
    )
    assert list(zip(*(done.column(name) for name in ("row_id", "source_id", "parent_id", "t", "n")), strict=True)) == [
        (0, "a", "1", "Nurse", "Ann"), (1, "b", "1", None, "Ann"), (2, "c", "5", "Clerk", "Ed"),
    ]  # fmt: skip
    counts = done.counts
    assert (counts.source_rows, counts.childless, counts.exploded, counts.mapped, counts.left_out) == (5, 3, 3, 3, 0)
    assert json.loads(done.rows[0]["raw"]) == {
        "^": {"id": "1", "name": "Ann"},
        "record": {"uuid": "a", "title": "Nurse"},
    }


@pytest.mark.parametrize("wrong", ["text", {"uuid": "a"}, 7, True])
def test_what_should_be_a_list_and_is_not_is_kept_and_shown(mapper: Mapper, wrong: Any) -> None:
    done = mapper([{"id": "1", "jobs": wrong}], {"t": "title"}, {"t": "text"}, nested=True, record=JOB, records=WORKER)
    assert (done.counts.mapped, done.faults()) == (1, [("explode", "not_a_list")])
    assert done.rows[0]["parent_id"] == "1"


def test_odd_elements_are_records_without_a_key(mapper: Mapper) -> None:
    done = mapper(
        [{"id": "1", "jobs": [None, 7, "x", [], {"uuid": "a"}]}],
        {"t": "title"},
        {"t": "text"},
        nested=True,
        record=JOB,
        records=WORKER,
    )
    assert done.column("source_id") == [None, None, None, None, "a"]
    assert done.counts.mapped == 5


def test_a_list_inside_the_chosen_element_is_exploded(mapper: Mapper) -> None:
    record = {**JOB, "explode": "jobs[?primary=true].pays", "where": "coalesce(field('live'), 'true') = 'true'"}
    rows = [
        {
            "id": "1",
            "jobs": [
                {"pays": [{"uuid": "x"}]},
                {"primary": True, "pays": [{"uuid": "a"}, {"uuid": "b", "live": False}]},
            ],
        }
    ]
    done = mapper(rows, {"t": "uuid"}, {"t": "text"}, nested=True, record=record, records=WORKER)
    assert done.column("source_id") == ["a"]
    assert (done.counts.exploded, done.counts.left_out) == (2, 1)


def test_a_flat_file_holds_no_lists(mapper: Mapper) -> None:
    with pytest.raises(MappingFault):
        mapper([{"id": "1", "jobs": "[]"}], {"t": "id"}, {"t": "text"}, record={"explode": "jobs"})


def test_masked_values_are_hidden_not_empty(mapper: Mapper) -> None:
    rows = [{"id": "1", "s": "", "p": "***"}, {"id": "2", "s": "123", "p": ""}]
    fields = {"s": {"from": "s", "hidden_values": [""]}, "p": {"from": ["p", "id"], "hidden_values": ["***"]}}
    done = mapper(rows, fields, {"s": "secret", "p": "text"})
    assert done.column("hidden") == [["s", "p"], []]
    assert (done.rows[0]["s"], done.rows[0]["p"], done.rows[0]["faults"]) == (None, None, [])
    assert (done.rows[1]["p"], done.counts.hidden) == ("2", {"s": 1, "p": 1})


@pytest.mark.parametrize("nested", [True, False])
def test_fields_the_system_withheld_are_hidden(mapper: Mapper, nested: bool) -> None:
    def listed(*names: str) -> Any:
        return list(names) if nested else json.dumps(names)

    fields = {"a": "v", "b": {"from": "w", "sql": "field('v')"}, "c": "w", "d": {"from": "w", "unit_from": "u"}}
    rows = [{"id": "1", "v": "1", "w": "2", "u": "year", "no": None}] + [
        {"id": "2", "v": "bad", "w": None, "u": None, "no": names} for names in (listed("v", "u"), listed())
    ]
    rows.append({"id": "4", "v": "1", "w": "2", "u": "year", "no": "oops"})
    done = mapper(
        rows, fields, {"a": "date", "b": "text", "c": "text", "d": "pay"}, nested=nested, record={"restricted": "no"}
    )
    assert done.column("hidden") == [[], ["a", "b", "d"], [], []]
    assert done.faults(1) == []
    assert ("restricted", "not_a_list") in done.faults(3)


def test_a_withheld_group_hides_what_lies_in_it(mapper: Mapper) -> None:
    rows = [
        {"id": "1", "pay": {"rate": 5}, "no": ["pay"]},
        {"id": "2", "pay": {"rate": 5}, "no": ["rate"]},
        {"id": "3", "pay": {"rate": 5}, "no": ["x"]},
    ]
    done = mapper(rows, {"a": "pay.rate"}, {"a": "decimal"}, nested=True, record={"restricted": "no"})
    assert done.column("hidden") == [["a"], ["a"], []]


def test_counts_say_what_is_filled_and_what_is_at_fault(mapper: Mapper) -> None:
    rows = [{"id": "1", "v": "2020-01-01"}, {"id": "2", "v": "x"}, {"id": "3", "v": "x"}, {"id": "4", "v": ""}]
    counts = mapper(rows, {"a": "v", "b": "id"}, {"a": "date", "b": "text"}).counts
    assert counts.faults == {"a": {"not_a_date": 2}}
    assert counts.filled == {"a": 1, "b": 4}


@pytest.mark.parametrize("nested", [True, False])
def test_an_empty_file_is_an_empty_snapshot_file(mapper: Mapper, nested: bool) -> None:
    done = mapper([], {"a": "id"}, {"a": "text"}, nested=nested)
    assert (done.rows, done.counts.mapped, done.counts.filled) == ([], 0, {"a": 0})


@pytest.mark.parametrize("nested", [True, False])
def test_a_file_that_does_not_hold_what_the_reader_counted_is_refused(
    con: duckdb.DuckDBPyConnection, tmp_path, nested: bool
) -> None:
    raw = raw_file(tmp_path / "raw", [{"id": "1"}, {"id": "2"}], nested=nested)
    short = type(raw)(raw.path, raw.shape, 3, raw.columns, raw.report)
    with pytest.raises(MappingFault, match="3 rows"):
        map_records(con, stack_of({"fields": {"a": "id"}}, {"a": "text"}), "s", "r", short, tmp_path / "out", KEY)
    assert not (tmp_path / "out").exists()


def test_an_attribute_may_not_take_the_name_of_a_record_column(mapper: Mapper) -> None:
    with pytest.raises(MappingFault) as caught:
        mapper([{"id": "1"}], {"deleted": "id"}, {"deleted": "text"})
    assert caught.value.attributes == ("deleted",)


def test_what_the_session_says_about_time_does_not_matter(con: duckdb.DuckDBPyConnection, tmp_path) -> None:
    stack = stack_of({"fields": {"a": "v"}, "changed_at": "v"}, {"a": "timestamp"})
    raw = raw_file(
        tmp_path / "raw", [{"id": "1", "v": "2020-06-01T00:00:00+02:00"}, {"id": "2", "v": "2020-06-01"}], nested=False
    )
    seen = set()
    for zone in ("UTC", "Asia/Tokyo"):
        con.execute(f"SET TimeZone = '{zone}'")
        map_records(con, stack, "s", "r", raw, tmp_path / "out", KEY)
        rows = con.execute(
            "SELECT record_hash, epoch_us(a) FROM read_parquet($path) ORDER BY row_id", {"path": str(tmp_path / "out")}
        ).fetchall()
        seen.add(tuple(rows))
    assert len(seen) == 1


def test_a_record_larger_than_the_engine_takes_by_default_is_read(mapper: Mapper) -> None:
    done = mapper([{"id": "1", "v": "x" * 40_000_000}, {"id": "2", "v": "y"}], {"a": "v"}, {"a": "text"}, nested=True)
    assert [len(value) for value in done.column("a")] == [40_000_000, 1]
