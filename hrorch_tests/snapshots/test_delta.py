"""Setting aside what says the same finds the same differences as looking every record up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.snapshots import delta
from hrorch_pipelines.snapshots.delta import find_delta, forget_delta
from hrorch_pipelines.storage.sql import literal

Rows = dict[str | None, list[tuple[int, bool]]]

ROWS = st.dictionaries(
    st.one_of(st.none(), st.sampled_from("abcdefgh")),
    st.lists(st.tuples(st.integers(0, 2), st.booleans()), min_size=1, max_size=3),
)
"""Key → what its rows say, and whether each is marked as deleted."""


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"preserve_insertion_order": False}) as made:
        yield made


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(held=ROWS, told=ROWS, order=st.randoms(use_true_random=False))
def test_the_difference_is_the_same_however_it_is_found(
    con: duckdb.DuckDBPyConnection, tmp_path: Path, held: Rows, told: Rows, order: object
) -> None:
    for table, kind, last in (("held", "TABLE", "valid_to DATE"), ("told", "TEMP TABLE", "raw VARCHAR")):
        con.execute(
            f"CREATE OR REPLACE {kind} {table} "
            f"(row_id BIGINT, record_key VARCHAR, occurrence INTEGER, record_hash VARCHAR, deleted BOOLEAN, {last})"
        )
    _insert(con, "held", [row for row in _rows(held) if not row[3]], order)
    _insert(con, "told", _rows(told), order)
    file = tmp_path / "told.parquet"
    con.execute(f"COPY told TO {literal(str(file))} (FORMAT parquet)")
    found = []
    for few in (0.0, 1e9):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(delta, "FEW", few)
            find_delta(con, "held", file)
        found.append(
            [
                sorted(con.execute(f"SELECT {what}").fetchall(), key=repr)
                for what in (
                    "version, row_id, kind FROM delta",
                    "version, record_key, record_hash FROM before",
                    "kind, row_id, record_key, record_hash, deleted FROM after",
                )
            ]
        )
        forget_delta(con)
    assert found[0] == found[1]
    assert found[0][0] == sorted(_slowly(con, file), key=repr)


def _rows(said: Rows) -> list[tuple[str | None, int, str, bool]]:
    """(key, occurrence, hash, deleted): the hash covers the key and the mark, and orders the occurrences, as in a snapshot."""
    return [
        (key, number, text, gone)
        for key, rows in said.items()
        for number, (text, gone) in enumerate(sorted((f"{key} {value} {gone}", gone) for value, gone in rows), 1)
    ]


def _insert(
    con: duckdb.DuckDBPyConnection, table: str, rows: list[tuple[str | None, int, str, bool]], order: object
) -> None:
    order.shuffle(rows)  # type: ignore[attr-defined]
    for place, row in enumerate(rows):
        con.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, NULL)", [place, *row])


def _slowly(con: duckdb.DuckDBPyConnection, file: Path) -> list[tuple[object, ...]]:
    held = con.execute("SELECT record_key, occurrence, record_hash, rowid FROM held").fetchall()
    told = con.execute(
        f"SELECT record_key, occurrence, record_hash, row_id, deleted FROM read_parquet({literal(str(file))})"
    )
    rows = {(key, number): (text, place, gone) for key, number, text, place, gone in told.fetchall()}
    found: list[tuple[object, ...]] = []
    for key, number, text, version in held:
        now = rows.pop((key, number), None)
        if now is None or now[2]:
            found.append((version, now and now[1], "removed"))
        elif now[0] != text:
            found.append((version, now[1], "updated"))
    return found + [(None, place, "created") for _, place, gone in rows.values() if not gone]
