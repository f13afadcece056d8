"""Cases about actions over budget: one for the owner of each segment, settled when it fits again or is released."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.budgets import Load, Segment
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.exceptions.terms import LIVE
from hrorch_pipelines.handoffs.targets import owner_of as target_owner
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases as table
from hrorch_pipelines.storage.sealed import Seals

RULE = "over_budget:handoffs"
"""Not the rule of corrections: each guard settles what is its own."""


def report_frozen(ledger: Ledger, stack: Stack, over: Sequence[Load], now: datetime) -> None:
    """Open or update one case per segment over budget; settle those of segments that fit again."""
    findings = {cases.case_id(found): (found, load) for load in over for found in [_finding(stack, load)]}
    with ledger.read() as con:
        c = table.c
        live = {
            row.case_id: row.what
            for row in con.execute(
                sa.select(c.case_id, c.what).where(
                    c.source == "budget", c.rule == RULE, c.state.in_([state.value for state in LIVE])
                )
            )
        }
    told = [found for case_id, (found, _) in findings.items() if live.get(case_id) != found.what]
    fits = sorted(live.keys() - findings.keys())
    if not told and not fits:
        return
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        new = [load for case_id, (_, load) in findings.items() if case_id not in live]
        append(con, seals, [_entry(load) for load in new], now, stack.content_hash)
        cases.report(con, seals, stack, told, now)
        cases.settle(con, seals, stack, fits, now, "the segment is within its budget again")


def owner_of(stack: Stack, segment: Segment) -> str:
    """Who decides about a frozen segment: the budget's owner, else the target's."""
    named = [
        budget.owner
        for budget in stack.corrections.budgets
        if budget.kind == segment.kind
        and budget.system in (None, segment.target)
        and (budget.entity or "") == segment.entity
        and budget.owner is not None
    ]
    return named[0] if named else target_owner(stack, segment.target)


def cases_of(stack: Stack, kind: str, target: str) -> list[str]:
    """Ids of all cases there may be about a kind in a target, of any legal entity."""
    return sorted(cases.case_id(_finding(stack, Load(one, 0, 0, 0))) for one in segments(stack, kind, target))


def segments(stack: Stack, kind: str, target: str) -> list[Segment]:
    """All segments there may be of a kind in a target."""
    entities = {"", *(b.entity for b in stack.corrections.budgets if b.kind == kind and b.entity is not None)}
    return [Segment(kind, target, entity) for entity in sorted(entities)]


def _finding(stack: Stack, load: Load) -> Finding:
    kind, target, entity = load.segment.kind, load.segment.target, load.segment.entity
    where = f"{target}, {entity}" if entity else target
    return Finding(
        source="budget",
        rule=RULE,
        what=f"{load.waiting} actions of the kind `{kind}` wait for {where} where {load.limit} are allowed in a day; "
        f"{load.sent} were sent. None of those that wait is sent.",
        action=f"Look at them (`hrorch handoffs list`). A mistake upstream: put it right there. All as it should be: "
        f"`hrorch handoffs release --kind {kind} --target {target} --by NAME --reason …`",
        system=target,
        subject=f"{kind}/{entity or 'all'}",
        reviewer=owner_of(stack, load.segment),
        entity=entity or None,
        cause="More at once than is usual: often one mistake upstream, multiplied.",
        detail={"kind": kind, "waiting": load.waiting, "sent_within_a_day": load.sent, "limit": load.limit},
    )


def _entry(load: Load) -> Entry:
    return Entry(
        Action.BUDGET_FROZEN,
        system=load.segment.target,
        detail={
            "of": "handoffs",
            "kind": load.segment.kind,
            "entity": load.segment.entity or None,
            "waiting": load.waiting,
            "sent_within_a_day": load.sent,
            "limit": load.limit,
        },
    )
