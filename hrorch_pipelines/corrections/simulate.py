"""What would be different under another stack file: the stored snapshots, replayed under both, side by side.

Everything is made in a scratch folder that is deleted: nothing real is written, no system is asked.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections import difference
from hrorch_pipelines.corrections.difference import Difference
from hrorch_pipelines.corrections.guard import guard
from hrorch_pipelines.corrections.plan import plan
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.engine import connect, engine_errors
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.sql import literal
from hrorch_pipelines.workplace import Workplace

ATTEMPTS = 5
"""How many snapshots of one system a gate may refuse before the replay gives up looking for an older one."""


@dataclass(frozen=True)
class Figures:
    """One side: what a cycle over the stored snapshots comes to. `refused`: discrepancies that become no correction, by reason;
    `over_budget`: (kind, target, how many wait, how many may pass)."""

    persons: int
    quarantined: int
    discrepancies: int
    corrections: int
    refused: Mapping[str, int]
    over_budget: tuple[tuple[str, str, int, int], ...]


@dataclass(frozen=True)
class Simulation:
    """Both sides and what differs between them. `read_as_before`: systems whose mapping the other file changes; what is stored
    was mapped when it was read, so they are compared with the mapping of now."""

    as_of: datetime
    now: Figures
    then: Figures
    difference: Difference
    read_as_before: tuple[str, ...]


@dataclass(frozen=True)
class _Known:
    """What people decided so far, and what keeps person ids as they are."""

    salt: str | None
    decisions: list[tuple[object, ...]]
    moment: datetime


def simulate(workplace: Workplace, other: Stack, *, rows: int = 0) -> Simulation:
    """Replay the stored snapshots under `other` and under the workplace's own stack file, as of the last cycle.

    `rows`: how many rows of each sort the difference lists, with values. Raises NothingToReadError without snapshots, and
    whatever a cycle raises for a stack file that cannot be run.
    """
    known = _known(workplace)
    replayed, kept = _with_present_mapping(workplace.stack, other)
    workplace.home.root.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="hrorch-simulate-", ignore_cleanup_errors=True) as folder:
        sides = {}
        for name, stack in (("now", workplace.stack), ("then", replayed)):
            sides[name] = _replay(workplace.home, stack, Path(folder) / name, known)
        with connect(None, temporary=Path(folder) / "duckdb") as con, engine_errors("simulation"):
            for name in sides:
                con.execute(f"ATTACH {literal(str(Path(folder) / name / 'replay.duckdb'))} AS side_{name} (READ_ONLY)")
            found = difference.between(con, workplace.stack, replayed, rows)
    return Simulation(known.moment, sides["now"], sides["then"], found, kept)


def _known(workplace: Workplace) -> _Known:
    from hrorch_pipelines.storage.warehouse import open_published

    if not workplace.home.published.exists():
        return _Known(None, [], _newest(workplace))
    with open_published(workplace.home) as con, engine_errors("published"):
        salt = con.execute("SELECT value FROM identity.settings WHERE name = 'salt'").fetchall()
        decisions = con.execute("SELECT * FROM identity.decisions ORDER BY sequence").fetchall()
        last = con.execute("SELECT max(now) FROM cycles.runs WHERE finished_at IS NOT NULL").fetchall()
    return _Known(salt[0][0] if salt else None, decisions, last[0][0] or _newest(workplace))


def _newest(workplace: Workplace) -> datetime:
    """When the newest snapshot was taken: before the first cycle, nothing is to be called old that is not."""
    from hrorch_pipelines.snapshots import catalogue

    found = [catalogue.latest(workplace.home, system) for system in workplace.stack.systems]
    return max((manifest.observed_at for manifest in found if manifest), default=workplace.clock.now())


def _with_present_mapping(own: Stack, other: Stack) -> tuple[Stack, tuple[str, ...]]:
    """`other`, its systems mapped as the stored snapshots were; and the names of those for which that makes a difference."""
    systems, kept = dict(other.systems), []
    for name, system in other.systems.items():
        present = own.systems.get(name)
        if present is None:
            continue
        as_read = {key: record.model_copy(update={"write": None}) for key, record in present.records.items()}
        asked = {key: record.model_copy(update={"write": None}) for key, record in system.records.items()}
        if as_read == asked:
            continue
        kept.append(name)
        records = {
            key: record.model_copy(update={"write": system.records[key].write if key in system.records else None})
            for key, record in present.records.items()
        }
        systems[name] = system.model_copy(update={"records": records})
    if not kept:
        return other, ()
    changed = other.model_copy(update={"systems": systems})
    changed._folder, changed._hash = other.folder, other.content_hash  # noqa: SLF001
    return changed, tuple(kept)


def _replay(real: Home, stack: Stack, folder: Path, known: _Known) -> Figures:
    """One full cycle of a scratch home whose snapshots are the real ones."""
    home, clock = Home(folder), SetClock(known.moment)
    folder.mkdir()
    for place in ("snapshots", "untrusted"):
        if (real.root / place).is_dir():
            (folder / place).symlink_to(real.root / place, target_is_directory=True)
    with connect(folder / "replay.duckdb", temporary=folder / "duckdb") as con:
        _cycle(con, stack, home, clock, known)
        with engine_errors("simulation"):
            ledger = open_ledger(home, clock, f"sqlite:///{folder / 'ledger.sqlite'}")
            try:
                from hrorch_pipelines import cycle as spine

                planned = plan(ledger, con, stack, spine.current(con))
                checked = guard(ledger, con, stack, spine.current(con))
            finally:
                ledger.engine.dispose()
            difference.keep(con)
            figures = con.execute(
                """SELECT (SELECT count(*) FROM golden.persons),
                          (SELECT count(*) FROM gates.quarantine WHERE closed_at IS NULL AND severity = 'error'),
                          (SELECT count(*) FROM simulation.discrepancies), (SELECT count(*) FROM simulation.corrections)"""
            ).fetchall()[0]
    over = tuple((load.segment.kind, load.segment.target, load.waiting, load.limit) for load in checked.over)
    persons, held, differ, corrections = (int(figure) for figure in figures)
    return Figures(persons, held, differ, corrections, planned.refused, over)


def _cycle(con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, clock: SetClock, known: _Known) -> None:
    from hrorch_pipelines import cycle as spine
    from hrorch_pipelines.authority.cells import assemble
    from hrorch_pipelines.authority.golden import decide
    from hrorch_pipelines.gates.receipts import refused_snapshots, require_receipts
    from hrorch_pipelines.gates.validate import validate
    from hrorch_pipelines.identity import schema
    from hrorch_pipelines.identity.match import match
    from hrorch_pipelines.identity.plan import plan as matching
    from hrorch_pipelines.reconcile.causes import explain_causes
    from hrorch_pipelines.reconcile.compare import compare
    from hrorch_pipelines.storage import cycles

    for _ in range(ATTEMPTS):
        cycle = spine.start(con, stack, home, clock, full=True)
        validate(con, stack, home, cycle, data_docs=False)
        if not refused_snapshots(con, stack) & set(cycle.sources.values()):
            break
    require_receipts(con, stack, cycle)
    with engine_errors("simulation"):
        schema.prepare(con, matching(stack, None), known.salt)
        if known.decisions:
            marks = ", ".join("?" * len(known.decisions[0]))
            con.executemany(f"INSERT INTO identity.decisions VALUES ({marks})", known.decisions)
    match(con, stack, cycle, salt=known.salt)
    assemble(con, stack, cycle)
    decide(con, stack, cycle)
    compare(con, stack, cycle)
    explain_causes(con, stack, cycle)
    cycles.finish(con, cycle)
