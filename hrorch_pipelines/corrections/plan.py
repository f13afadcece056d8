"""Plan: every discrepancy becomes a proposed write, or is refused with a reason. Whether it is sent is decided in `guard`.

What the warehouse says is judged in `eligible`, what the ledger says in `past`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections import fights, past
from hrorch_pipelines.corrections.eligible import judge
from hrorch_pipelines.corrections.errors import CountsDisagreeError
from hrorch_pipelines.corrections.evidence import gather, read_since
from hrorch_pipelines.corrections.outbox import Move, fetch, move
from hrorch_pipelines.corrections.proposal import Proposal, insert
from hrorch_pipelines.corrections.terms import QUEUED, QUIET, UNSENT, WAITING, WORDS, Refusal, State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.engine import engine_errors, transaction
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

BATCH = 1000
"""Corrections per ledger transaction."""

CARRIED = "carried"


@dataclass(frozen=True)
class PlanResult:
    """How planning went. `looked_at` = `planned` + the sum of `refused`, in discrepancies; the others count corrections.

    `proposed`: new ones. `standing`: open ones that are as they should be. `withdrawn`: no longer needed, or replaced.
    `fought`: values that are written back again and again.
    """

    looked_at: int
    planned: int
    refused: Mapping[str, int]
    proposed: int
    standing: int
    withdrawn: int
    fought: int


@dataclass
class _Draft:
    """What one pass is going to do."""

    new: list[tuple[Proposal, past.Row | None]] = field(default_factory=list)
    standing: set[str] = field(default_factory=set)
    refused: dict[tuple[str, int], str] = field(default_factory=dict)
    fought: list[tuple[Proposal, str | None, Sequence[past.Row]]] = field(default_factory=list)


def plan(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> PlanResult:
    """Bring the open corrections up to the discrepancies of the cycle. `con` is the warehouse; running it again changes nothing.

    Writes new corrections (state `proposed`), withdraws unsent ones whose discrepancy is gone or has moved on, opens cases
    for values that are fought over, and leaves `corrections.refused(discrepancy_id, reason, quiet)` in the warehouse.
    Raises CountsDisagreeError when a discrepancy was neither planned nor refused; then nothing was written.
    """
    with engine_errors("corrections"):
        judge(con, stack, cycle, gather(ledger, con, stack, cycle))
        judged = {
            (row[0], row[1]): row[2]
            for row in con.execute("SELECT discrepancy_id, part, reason FROM corr_judged").fetchall()
        }
        wanted = list(_wanted(con, stack, cycle))
        since = read_since(ledger.home, con, cycle)
    draft = _drafted(ledger, stack, wanted, since)
    reasons = {key: reason for key, reason in {**judged, **draft.refused}.items() if reason is not None}
    refused = _refused_rows(judged, reasons)
    decided = len(draft.new) + len(draft.standing) + len(reasons)
    if decided != len(judged):
        raise CountsDisagreeError(len(judged), len(draft.new) + len(draft.standing), len(reasons))
    looked_at = len({discrepancy for discrepancy, _ in judged})
    planned = looked_at - len(refused)
    withdrawn = _withdraw(ledger, stack, draft, refused)
    proposed, given_way = _propose(ledger, stack, draft)
    with transaction(con, "corrections.refused"):
        _write_refused(con, refused)
    fights.report(ledger, stack, draft.fought)
    return PlanResult(
        looked_at,
        planned,
        MappingProxyType(dict(sorted(Counter(refused.values()).items()))),
        proposed,
        len(draft.standing),
        withdrawn + given_way,
        len(draft.fought),
    )


def refused_reasons(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """Discrepancy → why the last plan made no correction of it; read from `corrections.refused`."""
    return dict(con.execute("SELECT discrepancy_id, reason FROM corrections.refused").fetchall())


def _wanted(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> Iterator[tuple[int, str | None, Proposal]]:
    rows = con.execute(
        """SELECT part, changed_by, person_id, target, record, source_id, attribute, before, after, effective_from, discrepancy_id,
                  cause, stage, authority_system, authority_snapshot_id, target_snapshot_id
           FROM corr_judged WHERE reason IS NULL ORDER BY target, person_id, attribute, part"""
    ).fetchall()
    for part, changed_by, person_id, target, record, source_id, attribute, before, after, day, *about in rows:
        discrepancy, cause, stage, system, snapshot, own = about
        proposal = Proposal(
            person_id,
            target,
            record,
            source_id,
            attribute,
            before,
            after,
            effective_from=day,
            discrepancy_id=discrepancy,
            cause=cause,
            rule=f"{stack.attributes[attribute].data_type}: {system} decides in stage {stage}",
            authority_system=system,
            authority_snapshot_id=snapshot,
            target_snapshot_id=own,
            cycle_id=cycle.cycle_id,
        )
        yield part, changed_by, proposal


def _drafted(
    ledger: Ledger, stack: Stack, wanted: list[tuple[int, str | None, Proposal]], since: Mapping[str, datetime]
) -> _Draft:
    draft = _Draft()
    now = ledger.clock.now()
    with ledger.read() as con:
        seals = Seals(con, ledger.home.key(), now)
        done = past.of_places(con, {(p.target, p.source_id, p.attribute) for _, _, p in wanted})
        for part, changed_by, proposal in wanted:
            place = (proposal.target, proposal.source_id, proposal.attribute)
            verdict = past.against(done.get(place, ()), proposal, seals, stack, since, now)
            if verdict.refusal is not None:
                draft.refused[proposal.discrepancy_id or "", part] = verdict.refusal.value
                if verdict.fought:
                    draft.fought.append((proposal, changed_by, verdict.fought))
            elif verdict.standing is not None:
                draft.standing.add(verdict.standing.correction_id)
            else:
                draft.new.append((replace(proposal, round=verdict.round), verdict.gives_way))
    return draft


def _refused_rows(
    judged: Mapping[tuple[str, int], str | None], reasons: Mapping[tuple[str, int], str]
) -> dict[str, str]:
    """Discrepancy → reason, of those without any write: the reason of its first part."""
    allowed = {discrepancy for discrepancy, part in judged if reasons.get((discrepancy, part), CARRIED) == CARRIED}
    refused: dict[str, str] = {}
    for discrepancy, part in sorted(judged):
        if discrepancy not in allowed:
            refused.setdefault(discrepancy, reasons[discrepancy, part])
    return refused


def _withdraw(ledger: Ledger, stack: Stack, draft: _Draft, refused: Mapping[str, str]) -> int:
    """Take back unsent corrections that nothing asks for any more. What is only in doubt for now is left to the guard."""
    given_way = {row.correction_id for _, row in draft.new if row is not None}
    keep = {reason.value for reason in WAITING | QUEUED}
    with ledger.read() as con:
        gone = [
            row
            for row in past.open_of_plans(con)
            if row.correction_id not in draft.standing
            and row.correction_id not in given_way
            and refused.get(row.discrepancy_id) not in keep
        ]
    count = 0
    for at in range(0, len(gone), BATCH):
        now = ledger.clock.now()
        with ledger.write() as con:
            seals = Seals(con, ledger.home.key(), now)
            rows = _still(con, gone[at : at + BATCH])
            move(con, seals, stack.content_hash, [Move(row, State.WITHDRAWN, _why(refused, row)) for row in rows], now)
            count += len(rows)
    return count


def _why(refused: Mapping[str, str], row: past.Row) -> str:
    reason = refused.get(row.discrepancy_id)
    return WORDS[Refusal(reason)] if reason is not None else "the discrepancy is gone or has moved on"


def _propose(ledger: Ledger, stack: Stack, draft: _Draft) -> tuple[int, int]:
    proposed = given_way = 0
    for at in range(0, len(draft.new), BATCH):
        now = ledger.clock.now()
        with ledger.write() as con:
            seals = Seals(con, ledger.home.key(), now)
            chunk = draft.new[at : at + BATCH]
            leaving = _still(con, [row for _, row in chunk if row is not None])
            why = "the values changed; proposed anew, and whatever was approved has to be approved again"
            move(con, seals, stack.content_hash, [Move(row, State.WITHDRAWN, why) for row in leaving], now)
            places = past.of_places(con, {(p.target, p.source_id, p.attribute) for p, _ in chunk})
            # Somebody may have proposed, or begun to send, between our look and this transaction: the next plan sees it.
            free = [p for p, _ in chunk if not _is_taken(places.get((p.target, p.source_id, p.attribute), ()))]
            proposed += len(insert(con, seals, stack, free, now))
            given_way += len(leaving)
    return proposed, given_way


def _is_taken(rows: Sequence[past.Row]) -> bool:
    return any(State(row.state) in UNSENT or row.state in (State.SENDING.value, State.SENT.value) for row in rows)


def _still(con: sa.Connection, rows: Sequence[past.Row]) -> list[past.Row]:
    """Those of the rows that are still unsent, as they are now."""
    return [row for row in fetch(con, [row.correction_id for row in rows]) if State(row.state) in UNSENT]


def _write_refused(con: duckdb.DuckDBPyConnection, refused: Mapping[str, str]) -> None:
    con.execute("CREATE SCHEMA IF NOT EXISTS corrections")
    con.execute("CREATE OR REPLACE TABLE corrections.refused (discrepancy_id VARCHAR, reason VARCHAR, quiet BOOLEAN)")
    quiet = [reason.value for reason in QUIET]
    con.execute(
        """INSERT INTO corrections.refused
           SELECT discrepancy_id, reason, list_contains($quiet, reason)
           FROM (SELECT unnest($ids) AS discrepancy_id, unnest($reasons) AS reason)""",
        {"ids": list(refused), "reasons": list(refused.values()), "quiet": quiet},
    )
