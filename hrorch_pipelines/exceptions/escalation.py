"""Cases that wait for a person beyond their time go on to the deputy, once."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.audit import log
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.clock import local_date
from hrorch_pipelines.exceptions.calendar import add_working
from hrorch_pipelines.exceptions.course import batches, in_turn
from hrorch_pipelines.exceptions.routing import stand_in
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases
from hrorch_pipelines.storage.sealed import Seals

WAITING = (CaseState.OPEN.value, CaseState.ACKNOWLEDGED.value, CaseState.IN_PROGRESS.value)
"""States in which the case waits for its reviewer; one that awaits confirmation waits for the systems."""


def escalate(ledger: Ledger, stack: Stack, now: datetime) -> list[str]:
    """Mark the cases that are `escalate_after` (working time) beyond their due time, and name the deputy. Once per case.

    The deputy is whoever is there today; the case itself stays with its reviewer until somebody reassigns it. Returns the
    ids, those longest due first.
    """
    late = (cases.c.state.in_(WAITING), cases.c.escalated_at.is_(None), cases.c.due_at <= now)
    with ledger.read() as con:
        rows = con.execute(sa.select(cases.c.case_id, cases.c.due_at).where(*late).order_by(cases.c.due_at)).all()
    after, organization = stack.exceptions.escalate_after, stack.organization
    due = [row.case_id for row in rows if add_working(row.due_at, after, organization) <= now]
    today = local_date(now, organization.time_zone)
    escalated: list[str] = []
    for batch in batches(due):
        with ledger.write() as con:
            seals = Seals(con, ledger.home.key(), now)
            in_turn(con, seals, stack, now)
            # Somebody may have acted since they were read.
            still = con.execute(
                sa.select(cases).where(cases.c.case_id.in_(batch), *late).order_by(cases.c.due_at).with_for_update()
            ).all()
            deputies: defaultdict[str | None, list[str]] = defaultdict(list)
            for row in still:
                known = row.reviewer in stack.people
                deputies[stand_in(stack, row.reviewer, today) if known else row.deputy].append(row.case_id)
            for deputy, ids in deputies.items():
                con.execute(sa.update(cases).where(cases.c.case_id.in_(ids)).values(escalated_at=now, deputy=deputy))
            names = {one: deputy for deputy, ids in deputies.items() for one in ids}
            entries = [
                Entry(
                    Action.CASE_ESCALATED,
                    person_id=row.person_id,
                    system=row.system,
                    attribute=row.attribute,
                    rule=row.rule,
                    case_id=row.case_id,
                    detail={"reviewer": row.reviewer, "deputy": names[row.case_id], "state": row.state},
                )
                for row in still
            ]
            log.append(con, seals, entries, now, stack.content_hash)
        escalated += [row.case_id for row in still]
    return escalated
