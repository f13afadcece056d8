"""Which snapshots Great Expectations need not be asked about: decision 0021. Asking it is in `suites`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from hrorch_pipelines.gates.results import Kind, Verdict
from hrorch_pipelines.gates.scope import Snapshot
from hrorch_pipelines.gates.suites import Profiled

ASK_AGAIN = timedelta(days=1)
"""Great Expectations judges, and writes its pages, at least this often."""


def plain_verdicts(
    con: duckdb.DuckDBPyConnection,
    snapshot: Snapshot,
    gate_hash: str,
    profiled: Sequence[Profiled],
    now: datetime,
    data_docs: Path | None,
) -> list[Verdict] | None:
    """The verdicts on one system where they are those Great Expectations gave last, under the same rules and limits.

    None asks for its judgement: a figure is outside its limits, missing, no number, or judged for the first time; it was
    last asked under other rules or `ASK_AGAIN` ago; a failure is to be taken back; the pages wanted are not there.
    """
    row = con.execute(
        "SELECT snapshot_id FROM gates.suites WHERE system = $system AND gate_hash = $gate_hash "
        "AND judged_at <= $now AND judged_at > $limit",
        {"system": snapshot.system, "gate_hash": gate_hash, "now": now, "limit": now - ASK_AGAIN},
    ).fetchone()
    if row is None or (data_docs is not None and not (data_docs / "index.html").is_file()):
        return None
    last = con.execute(
        "SELECT record, expectation, limit_text, kind FROM gates.expectations WHERE snapshot_id = ?", [row[0]]
    ).fetchall()
    known: Mapping[tuple[str, str, str], str | None] = {(name, what, limit): kind for name, what, limit, kind in last}
    verdicts = [verdict for item in profiled for verdict in within_limits(item)]
    asked = sum(len(item.rules) for item in profiled)
    same = len(verdicts) == asked == len(known) and all(
        known.get((one.record, one.expectation, one.limit_text), Kind.BAD_DATA) == one.kind for one in verdicts
    )
    return verdicts if same else None


def within_limits(item: Profiled) -> list[Verdict]:
    """The verdicts that nobody can doubt: on figures within their limits, and on those with nothing to hold against."""
    values = {figure.measure: figure.value for figure in item.figures}
    return [
        Verdict(
            record=item.scope.record,
            expectation=rule.expectation,
            attribute=rule.attribute,
            observed=values[rule.measure],
            limit_text=rule.limit_text,
            passed=True,
            severity=rule.severity,
            kind=Kind.NOT_JUDGED if values[rule.measure] is None else None,
        )
        for rule in item.rules
        if rule.measure in values and _within(values[rule.measure], rule.low, rule.high)
    ]


def remember_asked(con: duckdb.DuckDBPyConnection, snapshot: Snapshot, gate_hash: str, now: datetime) -> None:
    """Note that Great Expectations itself judged this snapshot, and when."""
    con.execute("DELETE FROM gates.suites WHERE system = ?", [snapshot.system])
    con.execute("INSERT INTO gates.suites VALUES (?, ?, ?, ?)", [snapshot.system, gate_hash, snapshot.snapshot_id, now])


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    if value is None:
        return True
    return math.isfinite(value) and (low is None or value >= low) and (high is None or value <= high)
