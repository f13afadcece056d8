"""Cases about segments over budget: one for the owner of each, settled when the segment fits again or is released."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.budgets import Load, Segment, owner_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import cases as table
from hrorch_pipelines.storage.sealed import Seals

if TYPE_CHECKING:
    from hrorch_pipelines.exceptions.cases import Finding

RULE = "over_budget"


def report_frozen(ledger: Ledger, stack: Stack, over: Sequence[Load]) -> None:
    """Open or update one case per segment over budget; settle those of segments that fit again."""
    from hrorch_pipelines.exceptions import cases
    from hrorch_pipelines.exceptions.cases import case_id
    from hrorch_pipelines.exceptions.terms import LIVE

    now = ledger.clock.now()
    findings = {case_id(found): (found, load) for load in over for found in [_finding(stack, load)]}
    with ledger.read() as con:
        live = set(
            con.execute(
                sa.select(table.c.case_id).where(
                    table.c.source == "budget", table.c.rule == RULE, table.c.state.in_([state.value for state in LIVE])
                )
            ).scalars()
        )
    if not findings and not live:
        return
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        new = [load for key, (_, load) in findings.items() if key not in live]
        append(con, seals, [_entry(load) for load in new], now, stack.content_hash)
        cases.report(con, seals, stack, [found for found, _ in findings.values()], now)
        cases.settle(con, seals, stack, sorted(live - findings.keys()), now, "the segment is within its budget again")


def cases_of(stack: Stack, kind: str, target: str) -> list[str]:
    """Ids of all cases there may be about a kind in a target, of any legal entity."""
    from hrorch_pipelines.exceptions.cases import case_id

    entities = {"", *(b.entity for b in stack.corrections.budgets if b.kind == kind and b.entity is not None)}
    return sorted(case_id(_finding(stack, Load(Segment(kind, target, entity), 0, 0, 0))) for entity in entities)


def _finding(stack: Stack, load: Load) -> Finding:
    from hrorch_pipelines.exceptions.cases import Finding

    kind, target, entity = load.segment.kind, load.segment.target, load.segment.entity
    where = f"{target}, {entity}" if entity else target
    return Finding(
        source="budget",
        rule=RULE,
        what=f"{load.waiting} corrections of the kind `{kind}` wait for {where} where {load.limit} are allowed in a day; "
        f"{load.sent} were sent. None of those that wait is sent.",
        action=f"Look at them (`hrorch corrections list --state frozen --kind {kind} --target {target}`). A mistake upstream: put it "
        f"right there. All as it should be: `hrorch corrections release --kind {kind} --target {target} --by NAME --reason …`",
        system=target,
        subject=f"{kind}/{entity or 'all'}",
        reviewer=owner_of(stack, load.segment),
        entity=entity or None,
        cause="More changes at once than are usual: often one mistake upstream, multiplied.",
        detail={"kind": kind, "waiting": load.waiting, "sent_within_a_day": load.sent, "limit": load.limit},
    )


def _entry(load: Load) -> Entry:
    return Entry(
        Action.BUDGET_FROZEN,
        system=load.segment.target,
        detail={
            "kind": load.segment.kind,
            "entity": load.segment.entity or None,
            "waiting": load.waiting,
            "sent_within_a_day": load.sent,
            "limit": load.limit,
        },
    )
