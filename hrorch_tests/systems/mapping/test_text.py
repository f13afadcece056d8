"""Texts reach the canonical form unharmed: composed, folded, trimmed, never changed otherwise."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.mapping import MappingFault
from hrorch_pipelines.systems.mapping.text import TRIMMED

from .conftest import Mapper, many, one

SLOW = settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SPACES = "".join(chr(code) for code in range(0x110000) if chr(code).isspace() and not 0x1C <= code <= 0x1F)
ANY_TEXT = st.text(
    st.characters(exclude_categories=["Cs", "Cn"]) | st.sampled_from("  \t\n\u00a0\u200b\u3000\0éé"), max_size=12
)


def oracle(text: str) -> str | None:
    """NFC, runs of white space folded to one space, ends trimmed, nothing → None."""
    ends = SPACES + "\u200b\u200c\u200d\u2060\ufeff"
    composed = unicodedata.normalize("NFC", text.strip(ends))
    folded = "".join(" " if char in SPACES else char for char in composed)
    while "  " in folded:
        folded = folded.replace("  ", " ")
    return folded or None


def test_what_is_trimmed_is_every_white_space_unicode_knows() -> None:
    assert set(SPACES) < set(TRIMMED)


@SLOW
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=60))
@pytest.mark.parametrize("kind", ["text", "name", "identifier", "person"])
def test_a_text_is_composed_folded_and_trimmed_and_nothing_else(mapper: Mapper, texts: list[str], kind: str) -> None:
    for text, (value, faults) in zip(texts, many(mapper, texts, kind), strict=True):
        assert (value, faults) == (oracle(text), []), text.encode("unicode_escape")


@SLOW
@given(texts=st.lists(ANY_TEXT, min_size=1, max_size=60))
def test_the_raw_record_keeps_the_text_as_it_came(mapper: Mapper, texts: list[str]) -> None:
    for nested in (True, False):
        rows = [{"id": str(at), "v": text} for at, text in enumerate(texts)]
        done = mapper(rows, {"a": "v"}, {"a": "text"}, nested=nested)
        assert [json.loads(raw)["v"] for raw in done.column("raw")] == texts


@pytest.mark.parametrize(
    "text",
    [
        "a\0b",
        "Ann Ã©tienne",
        "👩‍👩‍👧",
        "\u202eשלום\u202c",
        "محمد",
        "x" * 10_000_000,
        "Zoë",
        "=cmd|' /C calc'!A0",
        "O'Brien; DROP TABLE x--",
        '"{}[]$p0',
    ],
    ids=["nul", "mojibake", "emoji", "override", "rtl", "10MB", "accent", "formula", "sql", "json"],
)
@pytest.mark.parametrize("nested", [True, False])
def test_odd_texts_go_through_unharmed(mapper: Mapper, text: str, nested: bool) -> None:
    done = mapper([{"id": "1", "v": text}, {"id": "2", "v": "plain"}], {"a": "v"}, {"a": "text"}, nested=nested)
    assert done.column("a") == [text, "plain"]


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        (" Ann.Lee@X.Example ", "email", "ann.lee@x.example"),
        ("Full-Time", "code", "full_time"),
        ("On Leave", "code", "on_leave"),
        ("00420", "identifier", "00420"),
        ("+1 (201) 555-0123", "phone", "+12015550123"),
        ("0049 30 1234", "phone", "+49301234"),
        ("+44 (0)20 7946 0000", "phone", "+442079460000"),
        ("tel:+1-201-555-0123", "phone", "+12015550123"),
        ("(201) 555-0123", "phone", "2015550123"),
        ("De  la\u00a0Cruz", "name", "De la Cruz"),
    ],
)
def test_canonical_forms(mapper: Mapper, text: str, kind: str, value: str) -> None:
    assert one(mapper, text, kind) == (value, [])


@pytest.mark.parametrize(
    "text", ["555-0123 x12", "1-800-FLOWERS", "n/a", "-", "555 0123, 555 0124", "tel:+1201;ext=5", "1+2"]
)
def test_a_phone_that_is_more_or_less_than_a_number_is_a_fault(mapper: Mapper, text: str) -> None:
    assert one(mapper, text, "phone") == (None, ["not_a_phone"])


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("TRUE", (True, [])),
        ("n", (False, [])),
        ("0", (False, [])),
        ("maybe", (None, ["not_a_boolean"])),
        ("", (None, [])),
    ],
)
def test_booleans_know_their_words(mapper: Mapper, text: str, outcome: tuple) -> None:
    assert one(mapper, text, "boolean") == outcome


def test_json_booleans_and_null_are_read(mapper: Mapper) -> None:
    rows = [{"id": "1", "v": True}, {"id": "2", "v": None}, {"id": "3"}]
    assert mapper(rows, {"a": "v"}, {"a": "boolean"}, nested=True).column("a") == [True, None, None]


def test_pieces_are_joined_without_those_that_hold_nothing(mapper: Mapper) -> None:
    rows = [{"id": "1", "f": "Ann ", "m": "", "l": "Lee"}, {"id": "2", "f": None, "m": "n/a", "l": None}]
    done = mapper(rows, {"a": {"from": ["f", "m", "l"], "null_values": ["", "n/a"]}}, {"a": "name"})
    assert done.column("a") == ["Ann Lee", None]


def test_a_piece_is_taken_and_one_that_is_not_there_is_a_fault(mapper: Mapper) -> None:
    def split(text: str, take: int) -> tuple:
        return one(mapper, text, "name", split={"by": ",", "take": take})

    assert split("Lee , Ann", 1) == ("Ann", [])
    assert split("Lee , Ann", 0) == ("Lee", [])
    assert split("Lee, Ann", -1) == ("Ann", [])
    assert split("Lee,", 1) == (None, [])
    assert split("Lee", 1) == (None, ["missing_piece"])
    assert split("", 1) == (None, [])


def test_values_are_looked_up_and_unknown_ones_are_faults_or_kept(mapper: Mapper, tmp_path) -> None:
    (tmp_path / "c.csv").write_text("source,canonical\n4200,Radiology\n4300,Surgery\n", encoding="utf-8")
    rows = [{"id": str(at), "v": value} for at, value in enumerate([" 4200", "4300", "9", ""])]
    declared = {"from": "v", "catalogue": "c.csv", "map": {"4300": "Theatre"}}
    done = mapper(
        rows, {"a": declared, "b": {**declared, "unmapped": "keep"}}, {"a": "text", "b": "text"}, folder=tmp_path
    )
    assert done.column("a") == ["Radiology", "Theatre", None, None]
    assert done.column("b") == ["Radiology", "Theatre", "9", None]
    assert [done.faults(at) for at in range(4)] == [[], [], [("a", "unknown_value")], []]
    assert done.rows[2]["faults"][0]["found"] == "9"


@pytest.mark.parametrize(
    "content",
    ["", "source,canonical\n", "code,name\n1,a\n", "source,canonical\n1,a\n1,b\n", "source,canonical\n,a\n", None],
)
def test_a_catalogue_that_cannot_be_used_is_refused(mapper: Mapper, tmp_path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "c.csv").write_text(content, encoding="utf-8")
    with pytest.raises(MappingFault) as caught:
        mapper([{"id": "1", "v": "1"}], {"a": {"from": "v", "catalogue": "c.csv"}}, {"a": "text"}, folder=tmp_path)
    assert caught.value.attributes == ("a",)


def test_constants_case_and_untrimmed_texts(mapper: Mapper) -> None:
    fields = {"a": {"const": " usd "}, "b": {"from": "v", "case": "upper"}, "c": {"from": "v", "trim": False}}
    done = mapper([{"id": "1", "v": " ab  c "}], fields, dict.fromkeys("abc", "text"))
    assert [done.rows[0][name] for name in "abc"] == ["usd", "AB C", " ab  c "]
