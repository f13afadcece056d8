"""What was seen to change in systems enters the log as one entry per snapshot: how many change rows, and a digest of them.

The rows themselves, with who changed what and when as the system tells, stay in the warehouse (`history.changes`).
"""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.leaves import COLUMNS, DIGEST, LEAF, SALT
from hrorch_pipelines.audit.log import append, moment_text
from hrorch_pipelines.audit.verdict import Fault, Kind
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, notes
from hrorch_pipelines.storage.sealed import Seals

NOTE = "audit_observed"
"""What the last pass appended: a pass that died before the warehouse knew of it is not repeated."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS history.digests (
    snapshot_id VARCHAR, changes BIGINT, digest VARCHAR, sequence BIGINT, recorded_at TIMESTAMPTZ);
"""


@dataclass(frozen=True)
class _Seen:
    snapshot_id: str
    system: str
    observed_at: str
    rows: int
    changes: int
    digest: str


def record(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> int:
    """Append one entry for each ingested snapshot that the log does not have yet; returns how many.

    `con` is the warehouse, for writing, in no transaction. The entry comes first, then the warehouse's note of it.
    A warehouse made anew has other salts, so its snapshots are entered anew.
    """
    con.execute(SCHEMA)
    _complete_old_rows(con)
    fresh = _unrecorded(con)
    if not fresh:
        return 0
    with ledger.write() as book:
        known = _last_pass(book)
        new = [one for one in fresh if known.get(one.snapshot_id, ("", 0))[0] != one.digest]
        seals = Seals(book, ledger.home.key(), cycle.now)
        last = append(book, seals, [_entry(one, cycle) for one in new], ledger.clock.now(), stack.content_hash)
        numbers = {one.snapshot_id: last - len(new) + place for place, one in enumerate(new, 1)}
        placed = {one.snapshot_id: numbers.get(one.snapshot_id) or known[one.snapshot_id][1] for one in fresh}
        if new:
            _note(book, {one.snapshot_id: (one.digest, placed[one.snapshot_id]) for one in fresh}, ledger)
    con.executemany(
        "INSERT INTO history.digests VALUES (?, ?, ?, ?, ?)",
        [[one.snapshot_id, one.changes, one.digest, placed[one.snapshot_id], cycle.now] for one in fresh],
    )
    return len(new)


def check(book: sa.Connection, con: duckdb.DuckDBPyConnection, *, lagging: bool = False) -> list[Fault]:
    """Hold the change rows against the digests in the log: changed, dropped and added rows, by snapshot.

    Rows whose values were erased are held by their leaf alone. `lagging`: `con` is a published copy, which may not have
    the latest snapshots yet.
    """
    if not has_table(con, "history", "digests"):
        return []
    rows = con.execute(_HELD.format(leaf=LEAF, digest=DIGEST)).fetchall()
    held = {row[0]: row[1:] for row in rows}
    until = max((row[2] or 0 for row in rows), default=0)
    logged = _logged(book)
    faults = []
    for snapshot_id, (sequence, changes, digest) in logged.items():
        if snapshot_id not in held:
            if changes and not (lagging and sequence > until):
                faults.append(Fault(Kind.OBSERVED, sequence, f"the change rows of {snapshot_id} are gone"))
            continue
        count, _, found, altered, bare = held[snapshot_id]
        if altered or bare:
            what = f"{altered + bare} change row(s) of {snapshot_id} are not what was observed"
            faults.append(Fault(Kind.OBSERVED, sequence, what))
        elif (count, found) != (changes, digest):
            what = f"{snapshot_id} had {changes} change rows and has {count}, or others in their place"
            faults.append(Fault(Kind.OBSERVED, sequence, what))
    unlogged = sorted(name for name in held.keys() - logged.keys() if held[name][1] is not None)
    return [*faults, *(Fault(Kind.OBSERVED, None, f"the log has no entry for {name}") for name in unlogged)]


_HELD = """
WITH leaves AS (
    SELECT *, salt IS NOT NULL AND leaf IS DISTINCT FROM {leaf} AS altered,
           salt IS NULL AND (before IS NOT NULL OR after IS NOT NULL) AS bare
    FROM history.changes
),
counted AS (
    SELECT snapshot_id, count(*) AS changes, {digest} AS digest,
           count(*) FILTER (WHERE altered) AS altered, count(*) FILTER (WHERE bare) AS bare
    FROM leaves GROUP BY snapshot_id
)
SELECT s.snapshot_id, coalesce(c.changes, 0), d.sequence, coalesce(c.digest, sha256('')), coalesce(c.altered, 0), coalesce(c.bare, 0)
FROM history.snapshots s
LEFT JOIN counted c USING (snapshot_id)
LEFT JOIN (SELECT snapshot_id, max(sequence) AS sequence FROM history.digests GROUP BY snapshot_id) d USING (snapshot_id)
"""


def _unrecorded(con: duckdb.DuckDBPyConnection) -> list[_Seen]:
    rows = con.execute(
        f"""
        WITH fresh AS (SELECT * FROM history.snapshots ANTI JOIN history.digests USING (snapshot_id)),
        leaves AS (SELECT snapshot_id, leaf FROM history.changes SEMI JOIN fresh USING (snapshot_id))
        SELECT f.snapshot_id, f.system, f.observed_at, f.rows,
               (SELECT count(*) FROM leaves l WHERE l.snapshot_id = f.snapshot_id),
               (SELECT {DIGEST} FROM leaves l WHERE l.snapshot_id = f.snapshot_id)
        FROM fresh f ORDER BY f.observed_at, f.snapshot_id
        """
    ).fetchall()
    return [_Seen(row[0], row[1], moment_text(row[2]), *row[3:]) for row in rows]


def _complete_old_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Rows from before there were leaves get theirs now: from here on they stand."""
    con.execute(COLUMNS)
    missing = "leaf IS NULL"
    if con.execute(f"SELECT 1 FROM history.changes WHERE {missing} LIMIT 1").fetchone():
        con.execute(f"UPDATE history.changes SET salt = {SALT} WHERE {missing}", {"secret": secrets.token_hex(32)})
        con.execute(f"UPDATE history.changes SET leaf = {LEAF} WHERE {missing}")


def _entry(seen: _Seen, cycle: Cycle) -> Entry:
    return Entry(
        Action.OBSERVED,
        system=seen.system,
        snapshot_id=seen.snapshot_id,
        run_id=cycle.cycle_id,
        detail={
            "changes": seen.changes,
            "digest": seen.digest,
            "observed_at": seen.observed_at,
            "rows": seen.rows,
        },
    )


def _logged(book: sa.Connection) -> dict[str, tuple[int, int, str]]:
    """The last entry of each snapshot: sequence, change rows, digest."""
    found = {}
    log = audit_log.c
    query = sa.select(log.sequence, log.envelope).where(log.action == Action.OBSERVED.value).order_by(log.sequence)
    for sequence, envelope in book.execute(query):
        content = json.loads(envelope)
        detail = content.get("detail") or {}
        if "digest" in detail:
            found[content.get("snapshot_id")] = (sequence, detail.get("changes", 0), detail["digest"])
    return found


def _last_pass(book: sa.Connection) -> dict[str, tuple[str, int]]:
    value = book.execute(sa.select(notes.c.value).where(notes.c.name == NOTE)).scalar()
    return {name: (digest, sequence) for name, (digest, sequence) in json.loads(value or "{}").items()}


def _note(book: sa.Connection, passed: dict[str, tuple[str, int]], ledger: Ledger) -> None:
    book.execute(sa.delete(notes).where(notes.c.name == NOTE))
    book.execute(notes.insert().values(name=NOTE, value=json.dumps(passed), at=ledger.clock.now()))
