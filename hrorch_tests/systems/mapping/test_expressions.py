"""SQL of the stack file: what it may say, what it may not, and that a row it fails on is a fault of that cell alone."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import duckdb
import pytest

from hrorch_pipelines.systems.mapping import MappingFault, map_records

from .conftest import KEY, Mapper, raw_file, stack_of


@pytest.mark.parametrize("nested", [True, False])
def test_an_expression_sees_the_text_so_far_and_other_fields(mapper: Mapper, nested: bool) -> None:
    fields = {
        "a": {"from": "v", "case": "upper", "sql": "value || '-' || field('w')"},
        "b": {"sql": "length(field('w'))"},
    }
    done = mapper([{"id": "1", "v": " x ", "w": " y "}], fields, {"a": "text", "b": "integer"}, nested=nested)
    assert (done.rows[0]["a"], done.rows[0]["b"]) == ("X- y", 3)


@pytest.mark.parametrize(
    ("sql", "kind", "value"),
    [
        ("CAST(value AS DATE) + 1", "date", date(2020, 3, 1)),
        ("strptime(value, '%Y-%m-%d')", "timestamp", datetime(2020, 2, 29, 6, tzinfo=UTC)),
        ("CAST(value || ' 00:00:00+00' AS TIMESTAMPTZ)", "timestamp", datetime(2020, 2, 29, tzinfo=UTC)),
        ("1.5 * 2", "decimal", Decimal(3)),
        ("0.1::DOUBLE + 0.2::DOUBLE", "decimal", Decimal("0.3")),
        ("value LIKE '2020%'", "boolean", True),
        (
            "array_to_string(list_transform(string_split(value, '-'), lambda part: part || '!'), '')",
            "text",
            "2020!02!29!",
        ),
        ("list_reduce([1, 2, 3], lambda x, y: x + y)", "integer", 6),
        ("NULL", "text", None),
        ("CASE WHEN value IS NULL THEN 'none' ELSE 'some' END -- why", "code", "some"),
    ],
)
def test_a_typed_result_is_read_in_its_plain_form_whatever_the_declared_marks(
    mapper: Mapper, sql: str, kind: str, value: object
) -> None:
    declared = {"from": "v", "sql": sql, "format": "%d/%m/%Y", "decimal": ",", "thousands": "."}
    done = mapper([{"id": "1", "v": "2020-02-29"}], {"a": declared}, {"a": kind})
    assert (done.rows[0]["a"], done.rows[0]["faults"]) == (value, [])


def test_a_text_result_is_read_as_declared(mapper: Mapper) -> None:
    declared = {"from": "v", "sql": "value || '/2020'", "format": "%d/%m/%Y"}
    assert mapper([{"id": "1", "v": "29/02"}], {"a": declared}, {"a": "date"}).rows[0]["a"] == date(2020, 2, 29)


def test_a_row_the_expression_fails_on_is_a_fault_of_that_cell_alone(mapper: Mapper) -> None:
    rows = [{"id": "1", "v": "7"}, {"id": "2", "v": "seven"}, {"id": "3", "v": None}]
    done = mapper(
        rows, {"a": {"from": "v", "sql": "CAST(value AS INTEGER) * 2"}, "b": "v"}, {"a": "integer", "b": "text"}
    )
    assert done.column("a") == [14, None, None]
    assert done.column("b") == ["7", "seven", None]
    assert [done.faults(at) for at in range(3)] == [[], [("a", "bad_expression")], []]
    assert done.rows[1]["faults"][0]["found"] == "seven"


@pytest.mark.parametrize("sql", ["1/0", "ln(-1)", "sqrt(-1)"])
def test_a_result_that_is_no_number_is_a_fault(mapper: Mapper, sql: str) -> None:
    done = mapper([{"id": "1"}], {"a": {"sql": sql}}, {"a": "decimal"})
    assert done.rows[0]["a"] is None
    assert done.faults()[0][1] in {"not_a_number", "bad_expression"}


@pytest.mark.parametrize(
    "sql",
    [
        "upper(", "value, value", "value; SELECT 1", "value FROM x", "1) AS a, (2", "(SELECT 1)", "sum(1) OVER ()", "count(*)",
        "sum(1)", "random()", "uuid()", "now()", "current_date", "today()", "other", "t.value", "$p0", "?", "field(value)",
        "field()", "nosuch(value)", "value + 1 + [1]", "[value]", "encode(value)", "(FROM read_text('/etc/hostname'))",
    ],
)  # fmt: skip
def test_what_is_not_one_expression_over_the_record_is_refused_by_name(mapper: Mapper, sql: str) -> None:
    with pytest.raises(MappingFault) as caught:
        mapper([{"id": "1", "v": "x"}], {"a": {"from": "v", "sql": sql}}, {"a": "text"})
    assert caught.value.attributes == ("a",)


def test_an_unknown_column_inside_an_expression_is_refused_with_the_nearest(mapper: Mapper) -> None:
    with pytest.raises(MappingFault, match="`Zip`"):
        mapper([{"id": "1", "Zip": "x"}], {"a": {"sql": "field('zip')"}}, {"a": "text"})


@pytest.mark.parametrize("nested", [True, False])
def test_where_leaves_records_out_and_counts_them(mapper: Mapper, nested: bool) -> None:
    rows = [{"id": "1", "v": "7"}, {"id": "2", "v": "8"}, {"id": "3", "v": None}, {"id": "4", "v": "seven"}]
    done = mapper(rows, {"a": "v"}, {"a": "text"}, nested=nested, record={"where": "CAST(field('v') AS INTEGER) = 7"})
    assert done.column("source_id") == ["1", "4"]
    assert done.faults(1) == [("where", "bad_expression")], "what the condition fails on is kept and shown, never lost"
    counts = done.counts
    assert (counts.source_rows, counts.exploded, counts.mapped, counts.left_out) == (4, 4, 2, 2)


@pytest.mark.parametrize("where", ["value = 'x'", "field('v')", "1", "field('nope') = 'x'"])
def test_a_condition_that_is_none_is_refused(mapper: Mapper, where: str) -> None:
    with pytest.raises(MappingFault) as caught:
        mapper([{"id": "1", "v": "x"}], {"a": "v"}, {"a": "text"}, record={"where": where})
    assert caught.value.attributes == ("where",)


def test_errors_name_the_field_and_never_a_value(con: duckdb.DuckDBPyConnection, tmp_path) -> None:
    raw = raw_file(tmp_path / "raw", ['{"id": "1", "v": "CANARY"}', '{"id": "2", "v": "CANARY'], nested=True)
    with pytest.raises(MappingFault) as caught:
        map_records(con, stack_of({"fields": {"a": "v"}}, {"a": "text"}), "s", "r", raw, tmp_path / "out", KEY)
    assert "line 2" in str(caught.value)
    assert "CANARY" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert not (tmp_path / "out").exists()
