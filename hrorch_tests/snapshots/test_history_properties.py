"""Whatever systems say, in whatever order: history gives back each snapshot, and its change rows tell the same story."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.snapshots.history import as_of, ingest
from hrorch_pipelines.snapshots.manifest import Manifest
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.home import Home
from hrorch_tests.drawing import drawn
from hrorch_tests.snapshots.conftest import Past, small_stack

ATTRIBUTES = ("legal_last_name", "job_title")
HIDDEN, FAULTY = "<hidden>", "<faulty>"

KEYS = st.sampled_from(["7", "07", "8", "ü", "8@2026-01-01"])
VALUES = st.sampled_from([None, "A", "B", " ", "ß"])
CELLS = VALUES | st.sampled_from([HIDDEN, FAULTY])


def states(cells: st.SearchStrategy[str | None]) -> st.SearchStrategy[list[dict[str, dict[str, str | None]]]]:
    """Some snapshots in a row: key → attribute → cell. Keys go and come back as the draw has it."""
    record = st.fixed_dictionaries(dict.fromkeys(ATTRIBUTES, cells))
    return st.lists(st.dictionaries(KEYS, record, max_size=4), min_size=1, max_size=5)


State = Mapping[str, Mapping[str, str | None]]
Change = tuple[int, str, str, str | None, str | None, str]


def _fresh_past(folder: str) -> Past:
    con = duckdb.connect(":memory:", config={"threads": 1})
    con.execute("SET TimeZone = 'UTC'")
    con.execute(cycles.SCHEMA)
    fields = {name: name for name in ATTRIBUTES}
    return Past(Home(Path(folder)), small_stack(fields=fields), con)


def _said(state: State) -> list[dict[str, Any]]:
    return [
        {
            "id": key,
            **{name: None if cell in (HIDDEN, FAULTY) else cell for name, cell in cells.items()},
            "hidden": [name for name, cell in cells.items() if cell == HIDDEN],
            "faults": [
                {"attribute": name, "code": "no_date", "found": "x"} for name, cell in cells.items() if cell == FAULTY
            ],
        }
        for key, cells in state.items()
    ]


def _live(past: Past, sequence: list[dict[str, dict[str, str | None]]]) -> list[Manifest]:
    told = []
    for state in sequence:
        manifest = past.say(_said(state))
        ingest(past.con, past.stack, past.home, manifest, past.cycle())
        told.append(manifest)
    return told


def _changes(past: Past, told: list[Manifest]) -> Counter[Change]:
    number = {manifest.snapshot_id: index for index, manifest in enumerate(told)}
    rows = past.rows("SELECT snapshot_id, record_key, attribute, before, after, kind FROM history.changes")
    return Counter(
        (number[snapshot], key, name, before, after, kind) for snapshot, key, name, before, after, kind in rows
    )


def _expected_changes(sequence: list[dict[str, dict[str, str | None]]]) -> Counter[Change]:
    """The oracle: one cell at a time, remembering the last value known since the record was created."""
    changes: Counter[Change] = Counter()
    known: dict[tuple[str, str], str | None] = {}
    for index, now in enumerate(sequence):
        before = sequence[index - 1] if index else {}
        for key in {*before, *now}:
            for name in ATTRIBUTES:
                old = before.get(key, {}).get(name)
                new = now.get(key, {}).get(name)
                change = None
                if key not in before:
                    known.pop((key, name), None)
                    if new not in (None, HIDDEN, FAULTY):
                        change = (index, key, name, None, new, "created")
                elif key not in now:
                    if old not in (None, HIDDEN, FAULTY):
                        change = (index, key, name, old, None, "removed")
                elif new not in (HIDDEN, FAULTY) and (key, name) in known and known[key, name] != new:
                    change = (index, key, name, known[key, name], new, "updated")
                if key in now and new not in (HIDDEN, FAULTY):
                    known[key, name] = new
                if change and index:
                    changes[change] += 1
    return changes


ONCE = settings(max_examples=drawn(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])


@ONCE
@given(states(CELLS))
def test_history_at_each_moment_is_the_snapshot_of_that_moment(
    sequence: list[dict[str, dict[str, str | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        past = _fresh_past(folder)
        for manifest, state in zip(_live(past, sequence), sequence, strict=True):
            rows = as_of(past.con, past.stack, "hris", "worker", manifest.observed_at).fetchall()
            columns = [name for name, *_ in past.con.execute('DESCRIBE history."hris.worker"').fetchall()]
            known = {
                row["record_key"]: {
                    name: HIDDEN
                    if name in row["hidden"]
                    else FAULTY
                    if row["faults"] and name in _names(row)
                    else row[name]
                    for name in ATTRIBUTES
                }
                for row in (dict(zip(columns, row, strict=False)) for row in rows)
            }
            assert known == state
            assert len(rows) == len(state)


def _names(row: Mapping[str, Any]) -> list[str]:
    return [fault["attribute"] for fault in row["faults"]]


@ONCE
@given(states(CELLS))
def test_change_rows_are_those_of_a_slow_and_simple_reckoning(
    sequence: list[dict[str, dict[str, str | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        past = _fresh_past(folder)
        assert _changes(past, _live(past, sequence)) == _expected_changes(sequence)


@ONCE
@given(states(VALUES))
def test_change_rows_replayed_on_the_baseline_end_in_the_last_snapshot(
    sequence: list[dict[str, dict[str, str | None]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        past = _fresh_past(folder)
        told = _live(past, sequence)
        cells = {
            (key, name): cell for key, cells in sequence[0].items() for name, cell in cells.items() if cell is not None
        }
        rows = past.rows("SELECT record_key, attribute, before, after FROM history.changes ORDER BY observed_at")
        for key, name, before, after in rows:
            assert cells.get((key, name)) == before, "each row starts where the one before it ended"
            cells[key, name] = after
        last = {(key, name): cell for key, cells in sequence[-1].items() for name, cell in cells.items()}
        assert {at: cell for at, cell in cells.items() if cell is not None} == {
            at: cell for at, cell in last.items() if cell is not None
        }
        assert len(told) == len(sequence)


@ONCE
@given(states(CELLS))
def test_a_snapshot_taken_in_twice_changes_nothing(sequence: list[dict[str, dict[str, str | None]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        past = _fresh_past(folder)
        told = _live(past, sequence)
        tables = (
            "history.changes",
            "history.snapshots",
            "history.mappings",
            'history."hris.worker"',
            "cycles.touched_records",
        )
        before = [past.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables]
        for manifest in told:
            result = ingest(past.con, past.stack, past.home, manifest, past.cycle())
            assert (result.new, result.changed, result.gone) == (0, 0, 0)
        assert [past.rows(f"SELECT * FROM {table} ORDER BY ALL") for table in tables] == before
