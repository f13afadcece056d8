"""Paths lead where their grammar says, or are refused by name before a row is read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.systems.mapping import FieldFault, MappingFault
from hrorch_pipelines.systems.mapping.paths import Match, Path, parse_path

from .conftest import Mapper

RECORD: dict[str, Any] = {
    "id": "1",
    "name": {"first": "Ann", "last.name": "Lee", 'a"b': "quoted", "back\\slash": "b"},
    "emails": [{"type": "home", "value": "h@x"}, {"type": "work", "value": "w@x", "primary": True}],
    "list": [10, 20, [30, 31]],
    "urn:x:2.0:User": {"employeeNumber": "0007"},
    "with space": "s",
    "Über": "u",
    "nothing": None,
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("name.first", "Ann"),
        ("$.name.first", "Ann"),
        ('name."last.name"', "Lee"),
        ('name."a\\"b"', "quoted"),
        ('name."back\\\\slash"', "b"),
        ("emails[1].value", "w@x"),
        ("emails[-1].type", "work"),
        ("emails[?type=work].value", "w@x"),
        ('emails[?type="work"].value', "w@x"),
        ("emails[?primary=true].value", "w@x"),
        ("emails[?type=fax].value", None),
        ("list[2][1]", "31"),
        ("list", "[10,20,[30,31]]"),
        ('"urn:x:2.0:User".employeeNumber', "0007"),
        ("with space", "s"),
        ("Über", "u"),
        ("nothing", None),
        ("not.there", None),
        ("name.first.deeper", None),
    ],
)
def test_a_path_finds_its_value(mapper: Mapper, path: str, expected: str | None) -> None:
    done = mapper([RECORD], {"a": {"from": path}, "b": "name.first"}, {"a": "text", "b": "text"}, nested=True)
    assert (done.rows[0]["a"], done.rows[0]["b"], done.rows[0]["faults"]) == (expected, "Ann", [])


@pytest.mark.parametrize("path", ["a..b", "a[", "a[x]", "[?a]", 'a."b', "a[0]b", ".", "a.", "a[*].b", "^.a", "a.*"])
def test_a_path_outside_the_grammar_is_refused_by_name(mapper: Mapper, path: str) -> None:
    with pytest.raises(MappingFault) as caught:
        mapper([RECORD], {"a": path}, {"a": "text"}, nested=True)
    assert caught.value.attributes == ("a",)


KEYS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6)


@given(st.lists(KEYS | st.integers(-3, 50), max_size=4))
def test_quoted_paths_read_back_as_their_steps(steps: list[str | int]) -> None:
    written = ""
    for step in steps:
        if isinstance(step, int):
            written += f"[{step}]"
        else:
            escaped = step.replace("\\", "\\\\").replace('"', '\\"')
            written += ("." if written else "") + f'"{escaped}"'
    assert parse_path(written or "$", "a") == Path(written or "$", False, tuple(steps))


def test_a_match_is_a_key_and_a_value() -> None:
    assert parse_path("^.a[?b.c=d e].f", "a") == Path("^.a[?b.c=d e].f", True, ("a", Match("b.c", "d e"), "f"))
    with pytest.raises(FieldFault):
        parse_path("a[?b=]x", "a")


def test_unknown_columns_are_all_named_at_once_with_the_nearest(mapper: Mapper) -> None:
    with pytest.raises(MappingFault) as caught:
        mapper(
            [{"id": "1", "First Name": "x", "Zip": "y"}],
            {"a": "first name", "b": "Zipp", "c": "id"},
            dict.fromkeys("abc", "text"),
        )
    assert caught.value.attributes == ("a", "b")
    assert "`First Name`" in str(caught.value)
    assert "`Zip`" in str(caught.value)


def test_columns_that_differ_in_case_only_stay_apart(mapper: Mapper) -> None:
    done = mapper(
        [{"id": "1", "Code": "upper", "code": "lower", "a.b": "dot"}],
        {"a": "Code", "b": "code", "c": "a.b"},
        dict.fromkeys("abc", "text"),
    )
    assert [done.rows[0][name] for name in "abc"] == ["upper", "lower", "dot"]


def test_the_line_number_is_no_column_of_the_source(mapper: Mapper) -> None:
    with pytest.raises(MappingFault):
        mapper([{"id": "1"}], {"a": "_line"}, {"a": "text"})
    assert "_line" not in mapper([{"id": "1"}], {"a": "id"}, {"a": "text"}).rows[0]["raw"]
