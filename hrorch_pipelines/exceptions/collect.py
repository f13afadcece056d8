"""One pass: from what the rooms before found to cases, and from what is mended to closed ones. Bounded, and counted to the row.

The warehouse is only read; the ledger is written in short transactions, so a crash in between leaves what the next pass does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.exceptions import ending, gone
from hrorch_pipelines.exceptions.cases import Finding, Reported, case_id, report, settle
from hrorch_pipelines.exceptions.course import await_landing, batches, open_again
from hrorch_pipelines.exceptions.errors import CountsDisagreeError
from hrorch_pipelines.exceptions.finding import case_id_sql
from hrorch_pipelines.exceptions.findings import COLUMNS, finding_of, mass_finding, refused, trusted_since, unique
from hrorch_pipelines.exceptions.found import find_all, seen
from hrorch_pipelines.exceptions.known import MASS, bring_covered, bring_known
from hrorch_pipelines.snapshots.manifest import FILE_NAME, read_manifest
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import engine_errors
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

MANY = 500
"""New findings of one rule in one system and attribute beyond which they are one case: an upstream mistake, not so many."""

FEW = 50
"""At so many left, what a mass case stands for becomes cases of their own."""

PER_TRANSACTION = 1000


@dataclass(frozen=True)
class Collected:
    """How a pass went. `found` = `single` + `folded` + the sum of `left`, in rows of the sources.

    `left`: rows that make no case, by reason: a `correction` is (being) made, `elsewhere` = a case of another source asks or it
    settles by itself, `overridden`, `warning` that no route asks for. `masses`: cases that stand for many.
    """

    found: int
    single: int
    folded: int
    masses: int
    left: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    opened: int = 0
    updated: int = 0
    reopened: int = 0
    confirmed: int = 0
    awaiting: int = 0
    in_vain: int = 0
    waivers_ended: int = 0
    overrides_ended: int = 0
    rerouted: int = 0


def collect(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, home: Home, cycle: Cycle) -> Collected:
    """Open, update, reopen and close cases by what the warehouse and the snapshots say. `con`: the warehouse.

    Running it again changes nothing. Raises CountsDisagreeError when a row of a source would be lost; nothing is written then.
    """
    now = ledger.clock.now()
    with engine_errors("exceptions"):
        ended = ending.end_overrides(ledger, con, stack, cycle, now)
        bring_known(ledger, con)
        bring_covered(ledger, con, now)
        left = find_all(con, stack)
        masses = _fold(con, stack)
        snapshots = unique(refused(stack, home))
        _account(con, snapshots, masses)
        single, folded = _counted(con)
        found = seen(con)
        if found != single + folded + sum(left.values()):
            raise CountsDisagreeError(found, single, folded, left)
        judged = gone.judge_known(con, cycle, stack.systems, trusted_since(stack, home), _read_since(home, cycle))
        told = _report_all(ledger, stack, _singles(con, stack), now)
        told += _report_all(ledger, stack, iter([*masses, *snapshots]), now)
    write = _Writer(ledger, stack, now)
    confirmed = write.each(judged.over, settle_everywhere, "the source is right again, and so is every copy")
    awaiting = write.each(judged.awaiting, await_landing, "right at the source or on its way; not in every copy yet")
    in_vain = write.each(judged.in_vain, open_again, "resolved, and still so in a snapshot taken since")
    waivers = write.each(ending.waivers_over(ledger, now, judged.resting), open_again, "the waiver's time is over")
    return Collected(
        found + len(snapshots),
        single + len(snapshots),
        folded,
        len(masses),
        MappingProxyType(left),
        told.opened,
        told.updated,
        told.reopened,
        confirmed,
        awaiting,
        in_vain,
        waivers,
        ended,
        ending.reroute(ledger, stack, now),
    )


def settle_everywhere(
    con: sa.Connection, seals: Seals, stack: Stack, case_ids: Iterable[str], now: datetime, why: str
) -> int:
    """`settle` by whoever has looked at the gate and every copy."""
    return settle(con, seals, stack, case_ids, now, why, everywhere=True)


def _fold(con: duckdb.DuckDBPyConnection, stack: Stack) -> list[Finding]:
    """Mark what is one case of many (`case_folded`), and make the findings of those.

    Only what has no case yet is folded: a case somebody works on stays theirs. A mass case goes on until few are left.
    """
    mass = case_id_sql("source", "rule", "coalesce(system, '')", f"'{MASS}'", "coalesce(attribute, '')")
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE case_masses AS
            WITH fresh AS (SELECT * FROM case_found ANTI JOIN (SELECT case_id FROM case_known WHERE NOT mass) USING (case_id)),
            groups AS (
                SELECT {mass} AS mass_id, source, rule, system, attribute, count(*) AS n, mode(cause) AS cause,
                       mode(reviewer) AS reviewer, mode(authority) AS authority
                FROM fresh GROUP BY source, rule, system, attribute)
            SELECT * FROM groups
            WHERE n > $many OR (n > $few AND mass_id IN (SELECT case_id FROM case_known WHERE mass))""",
        {"many": MANY, "few": FEW},
    )
    con.execute(
        """CREATE OR REPLACE TEMP TABLE case_folded AS
           SELECT f.case_id, f.rows FROM case_found f JOIN case_masses m ON m.source = f.source AND m.rule = f.rule
             AND m.system IS NOT DISTINCT FROM f.system AND m.attribute IS NOT DISTINCT FROM f.attribute
           WHERE f.case_id NOT IN (SELECT case_id FROM case_known WHERE NOT mass)"""
    )
    rows = con.execute(
        "SELECT source, rule, system, attribute, n, cause, reviewer, authority FROM case_masses ORDER BY mass_id"
    ).fetchall()
    return [mass_finding(stack, row) for row in rows]


def _account(con: duckdb.DuckDBPyConnection, *found: list[Finding]) -> None:
    """Put what was made in Python beside what was found, so that its cases are not taken for gone. It counts no rows."""
    for one in [finding for findings in found for finding in findings]:
        con.execute(
            "INSERT INTO case_found (case_id, source, rule, system, rows, kind) VALUES (?, ?, ?, ?, 0, 'made')",
            [case_id(one), one.source, one.rule, one.system],
        )


def _counted(con: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    row = con.execute(
        """SELECT coalesce(sum(rows) FILTER (case_id NOT IN (SELECT case_id FROM case_folded)), 0),
                  coalesce(sum(rows) FILTER (case_id IN (SELECT case_id FROM case_folded)), 0) FROM case_found"""
    ).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def _singles(con: duckdb.DuckDBPyConnection, stack: Stack) -> Iterator[Finding]:
    found = con.execute(
        f"""SELECT {", ".join(COLUMNS)} FROM case_found ANTI JOIN case_folded USING (case_id)
            WHERE kind IS DISTINCT FROM 'made' ORDER BY case_id"""
    )
    while rows := found.fetchmany(PER_TRANSACTION):
        for row in rows:
            yield finding_of(stack, row)


def _report_all(ledger: Ledger, stack: Stack, findings: Iterator[Finding], now: datetime) -> Reported:
    told = Reported()
    for batch in batches(findings, PER_TRANSACTION):
        with ledger.write() as con:
            told += report(con, Seals(con, ledger.home.key(), now), stack, batch, now)
    return told


@dataclass(frozen=True)
class _Writer:
    ledger: Ledger
    stack: Stack
    now: datetime

    def each(self, case_ids: list[str], change: Callable[..., int], why: str) -> int:
        changed = 0
        for batch in batches(case_ids, PER_TRANSACTION):
            with self.ledger.write() as con:
                seals = Seals(con, self.ledger.home.key(), self.now)
                changed += change(con, seals, self.stack, batch, self.now, why)
        return changed


def _read_since(home: Home, cycle: Cycle) -> dict[str, datetime]:
    """System → when reading the snapshot in use began: what was done later cannot be in it."""
    since: dict[str, Any] = {}
    for system, snapshot_id in cycle.sources.items():
        folder = home.snapshots / system / snapshot_id
        if (folder / FILE_NAME).is_file():
            since[system] = read_manifest(folder).started_at
    return since
