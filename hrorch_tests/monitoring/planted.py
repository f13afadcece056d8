"""Things that are wrong, put into ledger and home as they would lie there."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.snapshots.catalogue import REFUSED
from hrorch_pipelines.snapshots.manifest import Manifest, snapshot_id, write_manifest
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_tables import breakers, cases, corrections


def snapshot(
    home: Home,
    system: str,
    at: datetime,
    *,
    trusted: bool = True,
    at_gate: bool = False,
    took: timedelta = timedelta(0),
) -> Path:
    """A snapshot's manifest; refused by its reading (`trusted` False) or by a gate."""
    name = snapshot_id(system, at)
    folder = (home.snapshots if trusted else home.untrusted) / system / name
    folder.mkdir(parents=True)
    write_manifest(
        folder,
        Manifest(
            snapshot_id=name,
            system=system,
            owner="o",
            started_at=at - took,
            observed_at=at,
            trusted=trusted,
            stack_hash="h",
        ),
    )
    if at_gate:
        (folder / REFUSED).touch()
    return folder


def correction(con: sa.Connection, state: str, at: datetime, **more: Any) -> None:
    one = uuid.uuid4().hex
    values: dict[str, Any] = {
        "correction_id": one, "person_id": one[:8], "target": "payroll", "record": "worker", "source_id": one,
        "attribute": "job_title", "kind": "other", "data_type": "employment", "state": state, "state_at": at,
        "proposed_by": "hrorch", "proposed_at": at,
    }  # fmt: skip
    con.execute(corrections.insert().values(**values | more))


def case(con: sa.Connection, due: datetime, **more: Any) -> None:
    values: dict[str, Any] = {
        "case_id": uuid.uuid4().hex, "source": "gate", "rule": "required", "what": "w", "action": "a",
        "reviewer": "hris-analyst", "state": "open", "detected_at": due - timedelta(days=1), "due_at": due,
        "last_seen_at": due, "severity": "error", "system": "hris",
    }  # fmt: skip
    con.execute(cases.insert().values(**values | more))


def breaker(con: sa.Connection, system: str, at: datetime, **more: Any) -> None:
    values: dict[str, Any] = {"system": system, "state": "open", "failures": 5, "changed_at": at, "fault": "timeout"}
    con.execute(sa.delete(breakers).where(breakers.c.system == system))
    con.execute(breakers.insert().values(**values | more))


def published(
    home: Home,
    *,
    cycles: Sequence[datetime] = (),
    receipts: Sequence[tuple[str, datetime, int, int]] = (),
    looks: Sequence[tuple[str, datetime]] = (),
) -> None:
    """A published copy with finished cycles, gate receipts (system, at, held, passed) and snapshots taken in."""
    home.published.parent.mkdir(parents=True, exist_ok=True)
    home.published.unlink(missing_ok=True)
    with duckdb.connect(str(home.published)) as con:
        con.execute("SET TimeZone = 'UTC'; CREATE SCHEMA cycles; CREATE SCHEMA gates; CREATE SCHEMA history")
        con.execute("CREATE TABLE cycles.runs (cycle_id VARCHAR, finished_at TIMESTAMPTZ)")
        con.execute("CREATE TABLE gates.receipts (system VARCHAR, records JSON, issued_at TIMESTAMPTZ)")
        con.execute("CREATE TABLE history.snapshots (system VARCHAR, observed_at TIMESTAMPTZ)")
        for number, at in enumerate(cycles):
            con.execute("INSERT INTO cycles.runs VALUES (?, ?)", [str(number), at])
        for system, at, held, passed in receipts:
            counts = {"worker": {"input": held + passed, "passed": passed, "quarantined": held, "unchanged": 0}}
            con.execute("INSERT INTO gates.receipts VALUES (?, ?, ?)", [system, json.dumps(counts), at])
        for system, at in looks:
            con.execute("INSERT INTO history.snapshots VALUES (?, ?)", [system, at])
