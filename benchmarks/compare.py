"""Comparison at size: our whole pass against a hand-written columnar DuckDB join and datacompy's Polars compare.

`python benchmarks/compare.py [--persons N] [--memory 8GB] [--without-datacompy]`. All read the same tables in the same run;
ratios are printed, of processor time and of the clock, and none is asserted. The hand-written join does the least anyone
could: one join per copy, a boolean per attribute, the differing rows kept with both values, a count per attribute. Ours does
that and states, grace, presence, counts, histogram, deterministic ids and age.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import duckdb

from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.columns import SQL_TYPES, record_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import connect
from hrorch_pipelines.storage.sql import ident, record_table

COPIES = ("payroll", "directory", "onboarding", "benefits")
TYPES = ["name", "name", "email", "phone", "identifier", "code", "date", "date", "integer", "pay"] * 2
NOW = datetime(2026, 6, 15, 17, tzinfo=UTC)


def declare() -> Stack:
    """One authority, four copies, twenty attributes of ten types."""
    names = [f"{kind}_{place}" for place, kind in enumerate(TYPES)]
    record = {"read": {"path": "x.csv"}, "key": "id", "fields": {name: name for name in names}}
    return Stack.model_validate(
        {
            "organization": {"name": "Bench", "time_zone": "America/Chicago"},
            "people": {"dana": {"name": "Dana", "email": "dana@bench.example"}},
            "systems": {
                name: {"connector": "files", "base_url": ".", "owner": "dana", "records": {"worker": record}}
                for name in ("hris", *COPIES)
            },
            "attributes": {
                name: {"data_type": "all", "type": kind, **({"tolerance": "0.005"} if kind == "pay" else {})}
                for name, kind in zip(names, TYPES, strict=True)
            },
            "stages": {"worker": {"present_in": ["hris"]}},
            "authority": {"all": {"worker": "hris"}},
        }
    )


def _value(kind: str, place: int) -> str:
    number = f"(hash(i * 31 + {place}) % 100000)"
    return {
        "name": f"'Name ' || {number}",
        "email": f"'person' || {number} || '@bench.example'",
        "phone": f"'+1312' || (1000000 + {number})",
        "identifier": f"lpad({number}::VARCHAR, 8, '0')",
        "code": f"'code_' || ({number} % 50)",
        "date": f"DATE '1990-01-01' + ({number} % 12000)::INTEGER",
        "integer": f"{number}::BIGINT",
        "pay": f"{number}::DECIMAL(18,4)",
    }[kind]


def fill(con: duckdb.DuckDBPyConnection, stack: Stack, persons: int) -> None:
    """Accepted records and links; a copy differs in 1 cell of 400, and holds its rows in another order."""
    con.execute("CREATE SCHEMA accepted; CREATE SCHEMA identity; CREATE SCHEMA history; CREATE SCHEMA gates")
    con.execute(cycles.SCHEMA)
    con.execute("CREATE TABLE identity.links (system VARCHAR, source_id VARCHAR, person_id VARCHAR)")
    for system in stack.systems:
        values = []
        for place, name in enumerate(stack.attributes):
            kind = TYPES[place]
            value = _value(kind, place)
            wrong = f"hash(i * 7 + {place}, '{system}') % 400 = 0" if system != "hris" else "false"
            values.append(
                f"CASE WHEN {wrong} THEN NULL ELSE {value} END::{SQL_TYPES.get(stack.attributes[name].type, 'VARCHAR')} AS {ident(name)}"
            )
        fixed = {
            "row_id": "i", "record_key": "'" + system[0] + "' || i", "occurrence": "1", "source_id": "'" + system[0] + "' || i",
            "parent_id": "'" + system[0] + "' || i", "deleted": "false", "record_hash": "hash(i)::VARCHAR", "hidden": "[]", "faults": "[]",
        }  # fmt: skip
        columns = ", ".join(
            next(
                (v for v in values if v.endswith(f" AS {ident(name)}")),
                f"{fixed.get(name, 'NULL')}::{kind} AS {ident(name)}",
            )
            for name, kind in record_columns(stack, system, "worker").items()
        )
        con.execute(
            f"""CREATE TABLE {record_table("accepted", system, "worker")} AS
                SELECT {columns}, '{system}-0' AS snapshot_id, false AS held FROM range({persons}) t(i)
                {"" if system == "hris" else f"ORDER BY hash(i, '{system}')"}"""
        )
        con.execute(
            f"INSERT INTO identity.links SELECT '{system}', '{system[0]}' || i, 'p' || i FROM range({persons}) t(i)"
        )


def by_hand(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """The least anyone could write: one join per copy, a boolean per attribute, differing rows kept wide, a count each."""
    for copy in COPIES:
        flags = ", ".join(
            f"a.{ident(n)} IS DISTINCT FROM b.{ident(n)} AS {ident(n + ' differs')}" for n in stack.attributes
        )
        values = ", ".join(
            f"a.{ident(n)} AS {ident(n + ' left')}, b.{ident(n)} AS {ident(n + ' right')}" for n in stack.attributes
        )
        anything = " OR ".join(ident(f"{n} differs") for n in stack.attributes)
        con.execute(
            f"""CREATE OR REPLACE TABLE by_hand AS
                SELECT * FROM (SELECT person_id, {flags}, {values} FROM cells.hris a JOIN cells.{copy} b USING (person_id))
                WHERE {anything}"""
        )
        con.execute(
            f"SELECT {', '.join('count(*) FILTER (' + ident(f'{n} differs') + ')' for n in stack.attributes)} FROM by_hand"
        ).fetchall()


def by_datacompy(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """datacompy's Polars compare of the same four pairs."""
    import datacompy
    import polars

    names = ", ".join(["person_id", *(ident(n) for n in stack.attributes)])
    left = polars.from_arrow(con.sql(f"SELECT {names} FROM cells.hris").to_arrow_table())
    for copy in COPIES:
        right = polars.from_arrow(con.sql(f"SELECT {names} FROM cells.{copy}").to_arrow_table())
        assert datacompy.PolarsCompare(left, right, join_columns="person_id").matches() is False


def _timed(label: str, work: Callable[[], object], times: int = 1) -> tuple[float, float]:
    """Seconds by the clock and of processor time, each the least of `times`; the second does not depend on neighbours."""
    clock = processor = float("inf")
    for _ in range(times):
        began, spent = time.perf_counter(), time.process_time()
        work()
        clock, processor = min(clock, time.perf_counter() - began), min(processor, time.process_time() - spent)
    print(f"{label:<56}{clock:8.2f} s {processor:8.2f} s of processor time", flush=True)
    return clock, processor


def _ratio(ours: tuple[float, float], theirs: tuple[float, float]) -> str:
    return f"{ours[0] / theirs[0]:.2f} by the clock, {ours[1] / theirs[1]:.2f} by processor time"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=1_000_000)
    parser.add_argument("--memory", default="8GB")
    parser.add_argument("--without-datacompy", action="store_true")
    options = parser.parse_args()
    stack = declare()
    with tempfile.TemporaryDirectory() as folder:
        con = connect(Path(folder) / "bench.duckdb", temporary=Path(folder) / "spill", memory_limit=options.memory)
        con.execute("SET threads = 2")
        fill(con, stack, options.persons)
        sources = MappingProxyType({name: f"{name}-0" for name in stack.systems})
        first = Cycle("first", NOW, date(2026, 6, 15), sources, full=True)
        cycles.begin(con, first, "", {})
        print(f"{options.persons:,} persons x {len(stack.systems)} systems x {len(stack.attributes)} attributes")
        _timed("assemble cells", lambda: assemble(con, stack, first))
        _timed("decide golden record", lambda: decide(con, stack, first))
        ours = _timed("compare (states, counts, rows, histogram)", lambda: compare(con, stack, first), 2)
        cycles.finish(con, first)
        hand = _timed("hand-written join of the same pairs, best of 2", lambda: by_hand(con, stack), 2)
        rows = con.execute("SELECT count(*) FROM reconcile.discrepancies").fetchall()
        print(f"discrepancies {rows[0][0]:,}; ours / hand-written = {_ratio(ours, hand)}")
        if not options.without_datacompy:
            rival = _timed("datacompy PolarsCompare of the same pairs", lambda: by_datacompy(con, stack))
            print(f"ours / datacompy = {_ratio(ours, rival)}")
        _next_cycle(con, stack, options.persons, sources)
        print(f"peak memory of the process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.1f} GiB")
        con.close()


def _next_cycle(
    con: duckdb.DuckDBPyConnection, stack: Stack, persons: int, sources: MappingProxyType[str, str]
) -> None:
    """A second cycle in which one person in 200 was touched."""
    second = Cycle("second", NOW, date(2026, 6, 15), sources)
    cycles.begin(con, second, "", {})
    con.execute(
        f"INSERT INTO cycles.touched_persons SELECT 'second', 'p' || (i * 200) FROM range({max(1, persons // 200)}) t(i)"
    )
    name = next(iter(stack.attributes))
    con.execute(
        f"""UPDATE {record_table("accepted", "payroll", "worker")} SET {ident(name)} = 'Changed' WHERE row_id % 200 = 0"""
    )
    _timed("next cycle, 0.5 % touched: cells", lambda: assemble(con, stack, second))
    _timed("next cycle, 0.5 % touched: golden record", lambda: decide(con, stack, second))
    _timed("next cycle, 0.5 % touched: compare", lambda: compare(con, stack, second))


if __name__ == "__main__":
    main()
