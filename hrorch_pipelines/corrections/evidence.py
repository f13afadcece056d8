"""What planning needs to know from outside the warehouse's comparison: overrides, refused snapshots, erased persons."""

from __future__ import annotations

from datetime import datetime

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections.eligible import Evidence
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.manifest import FILE_NAME, read_manifest, system_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import overrides, person_keys


def gather(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> Evidence:
    """Overrides in force at the cycle's moment, systems whose newest snapshot was refused, persons that were erased."""
    with ledger.read() as reading:
        live = reading.execute(
            sa.select(overrides.c.person_id, overrides.c.attribute, overrides.c.system).where(
                overrides.c.ended_at.is_(None), overrides.c.expires_at > cycle.now
            )
        ).all()
        erased = reading.execute(
            sa.select(person_keys.c.person_id).where(person_keys.c.destroyed_at.is_not(None))
        ).all()
    return Evidence(
        tuple((row.person_id, row.attribute, row.system) for row in live),
        frozenset(name for name in stack.systems if _is_behind(ledger.home, con, stack, cycle, name)),
        frozenset(row.person_id for row in erased),
    )


def read_since(home: Home, con: duckdb.DuckDBPyConnection, cycle: Cycle) -> dict[str, datetime]:
    """System → when reading the snapshot in use began: what was written later may not be in it."""
    observed: dict[str, datetime] = dict(
        con.execute("SELECT system, observed_at FROM cycles.sources WHERE cycle_id = ?", [cycle.cycle_id]).fetchall()
    )
    for system, snapshot_id in cycle.sources.items():
        folder = home.snapshots / system / snapshot_id
        if (folder / FILE_NAME).is_file():
            observed[system] = read_manifest(folder).started_at
    return {system: moment for system, moment in observed.items() if moment is not None}


def _is_behind(home: Home, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str) -> bool:
    """Whether a newer snapshot than the one in use was refused, by trust or by its gate."""
    from hrorch_pipelines.gates.receipts import refused_snapshots

    in_use = cycle.sources.get(system)
    if in_use is None:
        return False
    latest = catalogue.latest_untrusted(home, system)
    if latest is not None and latest.snapshot_id > in_use:
        return True
    return any(name > in_use for name in refused_snapshots(con, stack) if system_of(name) == system)
