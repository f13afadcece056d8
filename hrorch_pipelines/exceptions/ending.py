"""What time and agreement end by themselves: overrides, waivers, and the duty of somebody who is gone from the stack file."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions import overrides
from hrorch_pipelines.exceptions.course import batches, in_turn
from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.exceptions.routing import route
from hrorch_pipelines.exceptions.terms import LIVE, CaseState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.sql import ident

_AGREES = ("a", "y")


def end_overrides(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, now: datetime) -> int:
    """End overrides whose time is over, and those whose two sides agree by now; returns how many.

    Agreement is seen, never concluded from silence: for a copy, its cell agrees in fresh snapshots; for the value itself, the
    authority holds it.
    """
    with ledger.read() as reading:
        live = overrides.live_overrides(reading, now)
        late = overrides.expired(reading, now)
        seals = Seals(reading, ledger.home.key(), now)
        agreed = [one.override_id for one in live if _agrees(con, stack, cycle, seals, one)]
    ended = 0
    for why, ids in ((overrides.EXPIRED, late), (overrides.AGREED, agreed)):
        for batch in batches(ids):
            with ledger.write() as writing:
                sealing = Seals(writing, ledger.home.key(), now)
                in_turn(writing, sealing, stack, now)
                for override_id in batch:
                    overrides.end_override(writing, sealing, stack, override_id, now, why)
            ended += len(batch)
    return ended


def waivers_over(ledger: Ledger, now: datetime, resting: Collection[str]) -> list[str]:
    """Waived cases whose time has run out, but those that rest on what is stale: nobody knows whether they still hold."""
    with ledger.read() as con:
        ids = con.execute(
            sa.select(cases.c.case_id).where(cases.c.state == CaseState.WAIVED.value, cases.c.waived_until <= now)
        ).scalars()
        return [one for one in ids if one not in resting]


def reroute(ledger: Ledger, stack: Stack, now: datetime) -> int:
    """Give live cases of somebody whom the stack file no longer names to whoever it names now; returns how many."""
    today = local_date(now, stack.organization.time_zone)
    states = [state.value for state in LIVE | {CaseState.WAIVED}]
    theirs = (cases.c.state.in_(states), cases.c.reviewer.not_in(list(stack.people)))
    with ledger.read() as con:
        ids = list(con.execute(sa.select(cases.c.case_id).where(*theirs)).scalars())
    moved = 0
    for batch in batches(ids):
        with ledger.write() as con:
            seals = Seals(con, ledger.home.key(), now)
            in_turn(con, seals, stack, now)
            rows = con.execute(sa.select(cases).where(cases.c.case_id.in_(batch), *theirs).with_for_update()).all()
            entries = []
            for row in rows:
                named = route(
                    stack, Finding(row.source, row.rule, "", "", system=row.system, attribute=row.attribute), today
                )
                con.execute(
                    sa.update(cases)
                    .where(cases.c.case_id == row.case_id)
                    .values(reviewer=named.reviewer, deputy=named.deputy, notified_at=None)
                )
                detail = {"from": row.reviewer, "to": named.reviewer, "why": "no longer in the stack file"}
                entries.append(
                    Entry(Action.CASE_REASSIGNED, person_id=row.person_id, case_id=row.case_id, detail=detail)
                )
            log.append(con, seals, entries, now, stack.content_hash)
            moved += len(rows)
    return moved


def _agrees(
    con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, seals: Seals, override: overrides.Override
) -> bool:
    if override.attribute not in stack.attributes:
        return False
    if override.system is None:
        return _authority_holds(con, cycle, seals, override)
    if (
        override.system in cycle.stale
        or override.system not in cycle.sources
        or not has_table(con, "reconcile", "patterns")
    ):
        return False
    rows = con.execute(
        """SELECT substr(p.pattern, o.position + 1, 1), o.authority_system FROM reconcile.patterns p
           JOIN reconcile.positions o ON o.copy_system = p.copy_system AND o.stage = p.stage AND o.attribute = $attribute
           WHERE p.person_id = $person AND p.copy_system = $system AND o.position > 0""",
        {"attribute": override.attribute, "person": override.person_id, "system": override.system},
    ).fetchall()
    return any(
        letter in _AGREES and authority in cycle.sources and authority not in cycle.stale for letter, authority in rows
    )


def _authority_holds(con: duckdb.DuckDBPyConnection, cycle: Cycle, seals: Seals, override: overrides.Override) -> bool:
    if not has_table(con, "golden", "persons"):
        return False
    rows = con.execute(
        f"""SELECT CAST(g.{ident(override.attribute)} AS VARCHAR), d.system FROM golden.persons g
            JOIN golden.decisions d ON d.person_id = g.person_id AND d.attribute = $attribute AND NOT d.stale AND d.state = 'decided'
            WHERE g.person_id = $person""",
        {"attribute": override.attribute, "person": override.person_id},
    ).fetchall()
    return any(
        system in cycle.sources and seals.mark(override.person_id, value) == override.value_mark
        for value, system in rows
    )
