"""DuckDB's facts and pandera's verdicts against a judge that looks at one cell at a time."""

from __future__ import annotations

import tempfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.gates.judge import judge
from hrorch_pipelines.gates.scope import RecordType, find_snapshot
from hrorch_pipelines.gates.tables import SCHEMA
from hrorch_tests.drawing import drawn
from hrorch_tests.gates import oracle
from hrorch_tests.gates.observing import World, open_world

DATES = [date(1, 1, 1), date(2020, 2, 28), date(2020, 2, 29), date(2026, 3, 2), date(2026, 3, 3), date(9999, 12, 31)]
MOMENTS = [datetime(2020, 2, 29, 3, tzinfo=UTC), datetime(2020, 2, 29, 12, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC),
           datetime(2026, 3, 2, 7, 0, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)]  # fmt: skip
TEXTS = ["", " ", "Care", "care", "Ng", "a@b.c", "@", "é", "O'Brien", 'q"x', "x\ny", "0", "日本"]


def maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.sampled_from(values))


CELLS = {
    "employee_number": maybe(["1", "01", "2"]),
    "last_name": maybe(TEXTS),
    "email": maybe(TEXTS),
    "department": maybe(["Care", "IT", "care"]),
    "birth_date": maybe(DATES),
    "start_date": maybe(DATES),
    "end_date": maybe(DATES),
    "seen_at": maybe(MOMENTS),
    "level": maybe([-1, 0, 2, 3]),
    "bonus": maybe([Decimal("0.0001"), Decimal("99999999999999.9999"), Decimal(5), Decimal(-5)]),
    "active": maybe([True, False]),
}
ROW = st.fixed_dictionaries(
    {**CELLS, "hidden": st.lists(st.sampled_from(["last_name", "bonus"]), unique=True), "faulty": st.booleans()}
)
RULES = [
    *({"rule": "required", "attribute": name} for name in ("last_name", "bonus", "birth_date")),
    *({"rule": "pattern", "attribute": "email", "pattern": pattern} for pattern in ("^[^@ ]+@", "a", "^$", "é|日")),
    *({"rule": "one_of", "attribute": "department", "values": values} for values in (["Care"], ["Care", "IT"])),
    {"rule": "one_of", "attribute": "level", "values": ["2", "3"]},
    {"rule": "one_of", "attribute": "birth_date", "values": ["2020-02-29"]},
    {"rule": "one_of", "attribute": "active", "values": ["true"]},
    {"rule": "range", "attribute": "birth_date", "min": "1926-01-01", "max": "2026-03-02"},
    {"rule": "range", "attribute": "bonus", "max": "99999999999999.9998"},
    {"rule": "range", "attribute": "bonus", "min": "5"},
    {"rule": "range", "attribute": "level", "min": "0", "max": "2"},
    {"rule": "range", "attribute": "level", "min": "3", "max": "2"},
    {"rule": "range", "attribute": "seen_at", "min": "2020-02-29T00:00:00"},
    {"rule": "max_length", "attribute": "last_name", "max": "2"},
    {"rule": "unique", "attribute": "employee_number"},
    {"rule": "not_before", "attribute": "end_date", "other": "start_date"},
    {"rule": "not_after", "attribute": "seen_at", "other": "end_date"},
    {"rule": "not_future", "attribute": "start_date"},
    {"rule": "not_future", "attribute": "seen_at"},
    {"rule": "sql", "sql": "level * 2 > 4"},
]  # fmt: skip
CONDITIONS = [None, None, "active", "department = 'Care'"]


@settings(max_examples=drawn(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    rows=st.lists(ROW, min_size=1, max_size=25),
    conditions=st.lists(st.sampled_from(CONDITIONS), min_size=len(RULES), max_size=len(RULES)),
)
def test_every_rule_fails_exactly_the_records_that_a_slow_judge_fails(
    rows: list[dict[str, Any]], conditions: list[str | None]
) -> None:
    rules = [{**rule, **({"when": when} if when else {})} for rule, when in zip(RULES, conditions, strict=True)]
    with tempfile.TemporaryDirectory() as folder:
        world = open_world(Path(folder), {"hris.worker": rules})
        given_rows = [_row(number, row) for number, row in enumerate(rows)]
        found, counts = _judged(world, given_rows)
        now = world.now
        world.con.close()

    expected = [
        (number, str(position))
        for number, rule in enumerate(rules)
        for position in oracle.failing(rule, given_rows, date(2026, 3, 2), now)
    ]
    assert sorted(found) == sorted(expected)
    bad = {position for _, position in expected} | {row["source_id"] for row in given_rows if row["faults"]}
    assert (counts.input, counts.quarantined, counts.unchanged) == (len(rows), len(bad), 0)
    assert counts.passed == len(rows) - len(bad)


def _row(number: int, row: dict[str, Any]) -> dict[str, Any]:
    cells = {name: value for name, value in row.items() if name in CELLS and name not in row["hidden"]}
    faults = []
    if row["faulty"]:
        cells["birth_date"] = None
        faults = [{"attribute": "birth_date", "code": "not_a_date", "found": "30/02/2020"}]
    return {"source_id": str(number), **cells, "hidden": row["hidden"], "faults": faults}


def _judged(world: World, rows: list[dict[str, Any]]) -> tuple[list[tuple[int, str]], Any]:
    """Failures of declared rules as (number of the rule, key), and the counts."""
    snapshot_id = world.observe(worker=rows)
    world.con.execute(SCHEMA)
    scope = RecordType(world.stack, "hris", "worker")
    snapshot = find_snapshot(world.con, "hris", snapshot_id)
    assert snapshot is not None
    assert world.cycle is not None
    judgement = judge(world.con, scope, snapshot, world.cycle, everything=True)
    assert not judgement.errors
    declared = len(world.stack.gates["hris.worker"])
    found = world.all(
        f"SELECT rule, record_key FROM {scope.temporary('failures')} JOIN {scope.temporary('facts')} USING (gate_row) "
        "WHERE rule < ?",
        declared,
    )
    return found, judgement.counts
