"""A secret leaves the source as a keyed hash only: not in its cell, not in `raw`, not in a fault, not in an error."""

from __future__ import annotations

import hashlib
import hmac

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.systems.mapping import map_records

from .conftest import KEY, Mapper, many, one, raw_file, stack_of

CANARY = "987-65-4320"


def oracle(text: str, key: bytes = KEY) -> str:
    normal = "".join(char for char in text.upper() if char.isalnum())
    return hmac.new(key, normal.encode(), hashlib.sha256).hexdigest()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9 ./-]{0,80}\Z"), min_size=1, max_size=60))
def test_the_hash_is_hmac_sha_256_of_letters_and_digits(mapper: Mapper, texts: list[str]) -> None:
    assert many(mapper, texts, "secret") == [(oracle(text), []) for text in texts]


@pytest.mark.parametrize("length", [0, 1, 32, 63, 64, 65, 200])
def test_keys_of_any_length_are_treated_as_rfc_2104_says(con: duckdb.DuckDBPyConnection, tmp_path, length: int) -> None:
    key = bytes(range(length))
    stack = stack_of({"fields": {"a": "v"}}, {"a": "secret"})
    map_records(
        con, stack, "s", "r", raw_file(tmp_path / "raw", [{"id": "1", "v": "A1"}], nested=True), tmp_path / "out", key
    )
    assert con.execute("SELECT a FROM read_parquet($path)", {"path": str(tmp_path / "out")}).fetchall() == [
        (oracle("A1", key),)
    ]


def test_two_ways_of_writing_one_number_hash_alike_and_signs_alone_are_a_fault(mapper: Mapper) -> None:
    assert one(mapper, "123-45-6789", "secret") == one(mapper, " 123 45 6789", "secret")
    assert one(mapper, "---", "secret") == (None, ["unreadable"])
    assert one(mapper, "", "secret") == (None, [])


@pytest.mark.parametrize("nested", [True, False])
@pytest.mark.parametrize(
    "declared",
    [{}, {"map": {"x": "y"}}, {"split": {"by": "|", "take": 3}}, {"sql": "CAST(value AS INTEGER)"}],
    ids=["plain", "map", "split", "sql"],
)
def test_a_secret_is_nowhere_in_the_file(mapper: Mapper, nested: bool, declared: dict) -> None:
    rows = [{"id": str(at), "ssn": CANARY, "v": "keep me"} for at in range(3)]
    done = mapper(
        rows,
        {"national_id": {"from": "ssn", **declared}, "a": "v"},
        {"national_id": "secret", "a": "text"},
        nested=nested,
    )
    everything = "\n".join(str(row) for row in done.rows)
    assert "keep me" in everything
    for shape in (CANARY, CANARY.replace("-", ""), CANARY[-4:]):
        assert shape not in everything
        assert shape.encode() not in done.path.read_bytes()


def test_a_secret_deep_in_a_list_is_taken_out_of_raw(mapper: Mapper) -> None:
    rows = [
        {
            "id": 1,
            "ids": [{"kind": "ssn", "no": CANARY}, {"kind": "badge", "no": "7"}],
            "person": {"tax": CANARY, "name": "Ann"},
        }
    ]
    fields = {"x": "ids[?kind=ssn].no", "y": "person.tax", "n": "person.name"}
    done = mapper(rows, fields, {"x": "secret", "y": "secret", "n": "name"}, nested=True)
    assert (done.rows[0]["x"], done.rows[0]["y"], done.rows[0]["n"]) == (oracle(CANARY), oracle(CANARY), "Ann")
    assert CANARY not in str(done.rows)
    assert CANARY.encode() not in done.path.read_bytes()


@pytest.mark.parametrize("nested", [True, False])
def test_another_record_of_the_same_document_leaves_it_out_too(mapper: Mapper, nested: bool) -> None:
    worker = {"read": {"path": "y.csv"}, "key": "id", "fields": {"national_id": "ssn"}}
    done = mapper(
        [{"id": "1", "ssn": CANARY, "v": "a"}],
        {"a": "v"},
        {"a": "text", "national_id": "secret"},
        records={"worker": worker},
        nested=nested,
    )
    assert CANARY not in done.rows[0]["raw"]
    assert done.rows[0]["a"] == "a"


def test_a_secret_of_the_holder_is_not_in_the_raw_of_its_elements(mapper: Mapper) -> None:
    worker = {"read": {"path": "y.csv"}, "key": "id", "fields": {"national_id": "ssn"}}
    rows = [{"id": "1", "ssn": CANARY, "jobs": [{"id": "j1", "t": "Nurse", "ssn": CANARY}]}]
    done = mapper(
        rows,
        {"a": "t"},
        {"a": "text", "national_id": "secret"},
        records={"worker": worker},
        nested=True,
        record={"explode": "jobs"},
    )
    assert CANARY not in done.rows[0]["raw"]
    assert '"Nurse"' in done.rows[0]["raw"]
