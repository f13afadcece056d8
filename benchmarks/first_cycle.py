"""A whole first cycle from files, and the next one after 0.5 % of the records changed, against the limits of the design.

`python benchmarks/first_cycle.py [--persons N] [--jobs 2] [--scattered] [--verify N] [--folder DIR]`. Five systems × N records
× 20 attributes as CSV: observe each system → history → gates → identity → authority → compare → causes → landings → rates →
bridge → publish → page. Limits at 1,000,000 persons: 600 s and 8 GiB for the first; the next cycle at most a tenth of it.
Every extraction and every cycle runs in a process of its own, as in production; `--jobs 2` extracts from two systems at a time.
Then, on fewer persons, everything is computed anew after the next cycle: both ways must end in the same rows.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
from _edits import edit
from _measure import Timings, cpu_seconds, machine, peak_gib

from hrorch_pipelines import cycle as spine
from hrorch_pipelines.authority.cells import assemble
from hrorch_pipelines.authority.golden import decide
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.gates.receipts import require_receipts
from hrorch_pipelines.gates.validate import validate
from hrorch_pipelines.identity.match import match
from hrorch_pipelines.reconcile.bridge import build_bridges
from hrorch_pipelines.reconcile.causes import explain_causes
from hrorch_pipelines.reconcile.compare import compare
from hrorch_pipelines.reconcile.landings import attribute_landings
from hrorch_pipelines.reconcile.money import price
from hrorch_pipelines.reconcile.rates import compute_rates
from hrorch_pipelines.reports.page import write_page
from hrorch_pipelines.sandbox.exports import SYSTEMS, export_files
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.storage import cycles
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import open_published, publish
from hrorch_pipelines.workplace import Workplace, open_workplace

FULL_SIZE = 1_000_000
VERIFIED = 20_000
LIMIT_SECONDS = 600.0
LIMIT_GIB = 8.0
LIMIT_NEXT = 0.10
SMALL = 10_000
"""Below it nothing is measured, only run."""

STARTING = "start a process, import"
OPENING = "open and close the warehouse"


def main() -> int:
    """Measure and print; 1 when a limit is broken, or when the incremental cycle and the full one differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--persons", type=int, default=FULL_SIZE)
    parser.add_argument("--jobs", type=int, default=1, help="extraction processes at a time")
    parser.add_argument(
        "--scattered",
        action="store_true",
        help="edit other persons in each system, so 2.5 %% of the persons; default the same 0.5 %% in all",
    )
    parser.add_argument(
        "--verify", type=int, default=VERIFIED, help="persons of the comparison with a full cycle; 0: none"
    )
    parser.add_argument("--folder", type=Path, help="where to work; default a temporary folder")
    options = parser.parse_args()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
    broken = _measure(options, options.persons, limits=True)
    if 0 < options.verify < options.persons:
        print(f"\nincremental against full, {options.verify:,} persons", flush=True)
        broken += _measure(options, options.verify, limits=False)
    for what in broken:
        print(f"BROKEN: {what}")
    return 1 if broken else 0


def _measure(options: argparse.Namespace, persons: int, *, limits: bool) -> list[str]:
    """Two rounds in a folder of their own; returns what is broken."""
    with tempfile.TemporaryDirectory(dir=options.folder) as made:
        folder = Path(made)
        home = folder / "home"
        if limits:
            print(f"{persons:,} persons × {len(SYSTEMS)} systems × 20 attributes; {machine()}", flush=True)
        if persons >= SMALL:
            _keep_bytecode(folder)
        _apart(_export, folder, persons)
        rounds, memory = [], []
        for place in ("first", "next"):
            timings = Timings()
            memory.append(_observe_all(timings, folder / "stack.yaml", home, options.jobs))
            memory.append(_cycle_apart(timings, folder / "stack.yaml", home))
            rounds.append(timings)
            if limits:
                timings.show(f"{place} cycle")
            if place == "first":
                _apart(edit, folder, scattered=options.scattered)
        broken = _judge(persons, rounds[0], rounds[1], max(memory)) if limits else []
        return broken + (_verify(folder / "stack.yaml", home) if persons <= options.verify else [])


def _judge(persons: int, first: Timings, next_: Timings, gib: float) -> list[str]:
    """Print the ratios to the limits; returns what is broken. The limits are those of 1,000,000 persons and bind there only."""
    one, two = first.of_cycle(), next_.of_cycle()
    shares = (
        f"next cycle / first, both after extraction: {two.cpu / one.cpu:.1%} of the processor seconds ({two.cpu:.1f} / {one.cpu:.1f}), "
        f"{two.wall / one.wall:.1%} of the wall seconds ({two.wall:.1f} / {one.wall:.1f}), limit {LIMIT_NEXT:.0%}"
    )
    ratios = {
        f"first cycle with extraction {first.wall:.1f} s of {LIMIT_SECONDS:.0f} s": first.wall / LIMIT_SECONDS,
        f"peak memory {gib:.2f} GiB of {LIMIT_GIB:.0f} GiB": gib / LIMIT_GIB,
        shares: two.cpu / one.cpu / LIMIT_NEXT,
    }
    print()
    for what, ratio in ratios.items():
        print(f"  {what}: {ratio:.2f} of the limit")
    if persons < FULL_SIZE:
        print("  (fewer persons than the limits are for: what a cycle costs whatever its size weighs more here)")
    print(f"  {machine()}", flush=True)
    return [what for what, ratio in ratios.items() if ratio > 1 and persons >= FULL_SIZE]


def _observe_all(timings: Timings, stack: Path, home: Path, jobs: int) -> float:
    """Observe every system; returns the peak memory of a process, or of the processes that ran at one time."""
    begun = time.perf_counter()
    with _processes(jobs) as pool:
        told = list(pool.map(_observe, [stack] * len(SYSTEMS), [home] * len(SYSTEMS), SYSTEMS))
    wall = time.perf_counter() - begun
    alone = sum(seconds for seconds, _, _ in told)
    for system, (seconds, cpu, _) in zip(SYSTEMS, told, strict=True):
        timings.add(f"observe {system}", seconds * wall / alone, cpu)
    return sum(sorted((gib for _, _, gib in told), reverse=True)[:jobs])


def _observe(stack: Path, home: Path, system: str) -> tuple[float, float, float]:
    """(wall seconds, processor seconds, peak GiB) of one extraction, in a process of its own."""
    begun, cpu = time.perf_counter(), cpu_seconds()
    place = open_workplace(stack, home)
    manifest = observe(place.stack, system, place.home, place.clock)
    assert manifest.trusted, manifest.faults
    return time.perf_counter() - begun, cpu_seconds() - cpu, peak_gib()


def _cycle_apart(timings: Timings, stack: Path, home: Path, *, full: bool = False) -> float:
    """One cycle in a process of its own, added to `timings`; returns its peak memory."""
    begun = time.perf_counter()
    with _processes(1) as pool:
        steps, gib = pool.submit(_cycle, stack, home, full=full).result()
    steps.add(STARTING, time.perf_counter() - begun - steps.wall, 0.0)
    for step in steps.steps.values():
        timings.add(step.name, step.wall, step.cpu)
    return gib


def _cycle(stack_file: Path, at: Path, *, full: bool) -> tuple[Timings, float]:
    """One cycle as the Dagster job runs it: one writing of the warehouse per asset."""
    timings = Timings()
    timings.add(STARTING, 0.0, cpu_seconds())
    place = open_workplace(stack_file, at)
    stack, home = place.stack, place.home

    def start(con: duckdb.DuckDBPyConnection) -> None:
        made.append(spine.start(con, stack, home, SystemClock(), full=full))

    made: list[cycles.Cycle] = []
    _write(timings, place, {"history": start})
    (cycle,) = made
    _write(timings, place, {"gates": lambda con: validate(con, stack, home, cycle)})
    _write(timings, place, {"identity": lambda con: (require_receipts(con, stack, cycle), match(con, stack, cycle))})
    _write(
        timings,
        place,
        {"cells": lambda con: assemble(con, stack, cycle), "golden record": lambda con: decide(con, stack, cycle)},
    )
    _write(
        timings,
        place,
        {
            "compare": lambda con: compare(con, stack, cycle),
            "causes": lambda con: explain_causes(con, stack, cycle),
            "money": lambda con: price(con, stack),
        },
    )
    _write(timings, place, {"landings": lambda con: attribute_landings(con, stack, cycle, home.key())})
    _write(
        timings,
        place,
        {"rates": lambda con: compute_rates(con, cycle), "bridge": lambda con: build_bridges(con, stack, cycle)},
    )
    _write(timings, place, {"finish": lambda con: cycles.finish(con, cycle)})
    with timings.step("publish"):
        publish(home)
    with timings.step("page"), open_published(home) as con:
        write_page(con, stack, home.published.parent / "report.html")
    return timings, peak_gib()


def _write(
    timings: Timings, place: Workplace, stages: dict[str, Callable[[duckdb.DuckDBPyConnection], object]]
) -> None:
    """Run the stages of one asset in one writing; opening and closing (the checkpoint) are counted apart."""
    with timings.step(OPENING):
        writing = place.warehouse.write()
        con = writing.__enter__()
    try:
        for name, work in stages.items():
            with timings.step(name):
                work(con)
    finally:
        with timings.step(OPENING):
            writing.__exit__(None, None, None)


def _keep_bytecode(folder: Path) -> None:
    """Let processes find modules compiled, as any installation has them; else each would compile its own."""
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    # Not `_apart`: a spawned process inherits the flag that this one was started with, and would keep nothing.
    here = str(Path(__file__).parent)
    work = f"import sys; sys.path.insert(0, {here!r}); import first_cycle; first_cycle._import_all()"
    subprocess.run([sys.executable, "-c", work], check=True)


def _import_all() -> None:
    for module in ("great_expectations", "pandera.pandas", "splink", "altair", "vl_convert", "jinja2", "scipy.stats"):
        importlib.import_module(module)


def _export(folder: Path, persons: int) -> None:
    export_files(folder, persons)


def _verify(stack: Path, home: Path) -> list[str]:
    """Compute everything and compare: what the incremental cycle left must be the same, row by row."""
    before = _outcome(home)
    _cycle_apart(Timings(), stack, home, full=True)
    after = _outcome(home)
    differing = sorted(name for name in before if before[name] != after[name])
    print(
        f"  rows { ({name: count for name, (count, _) in after.items()}) }; differing: {differing or 'nothing'}",
        flush=True,
    )
    return [f"{name} differs between the incremental and the full cycle" for name in differing]


def _outcome(home: Path) -> dict[str, tuple[int, int]]:
    """(rows, hash of all rows whatever their order) of the tables a cycle ends in, without the cycle's own id."""
    tables = {
        "reconcile.discrepancies": "* EXCLUDE (cycle_id)",
        "reconcile.pair_counts": "*",
        "reconcile.person_profile": "*",
        "reconcile.landings": "* EXCLUDE (cycle_id)",
        "golden.persons": "*",
        "identity.links": "system, source_id, person_id",
    }
    found = {}
    with open_published(Home(home)) as con:
        for table, columns in tables.items():
            row = con.execute(f"SELECT count(*), sum(hash(t)) FROM (SELECT {columns} FROM {table}) AS t").fetchone()
            assert row is not None
            found[table] = (row[0], row[1])
    return found


def _processes(jobs: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1)


def _apart(work: Callable[..., None], *arguments: object, **named: object) -> None:
    """Run what is no part of the measurement in a process of its own, so that its memory does not count."""
    with _processes(1) as pool:
        pool.submit(work, *arguments, **named).result()


if __name__ == "__main__":
    sys.exit(main())
