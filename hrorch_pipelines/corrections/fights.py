"""A value that is corrected again and again: somebody else writes it. Stop, and ask who."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from hrorch_pipelines.corrections.past import Row
from hrorch_pipelines.corrections.proposal import Proposal
from hrorch_pipelines.masking import mask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

if TYPE_CHECKING:
    from hrorch_pipelines.exceptions.cases import Finding

RULE = "fought_over"


def report(ledger: Ledger, stack: Stack, fought: Sequence[tuple[Proposal, str | None, Sequence[Row]]]) -> None:
    """One case per value that is fought over; it names the other writer where the target tells."""
    if not fought:
        return
    from hrorch_pipelines.exceptions import cases

    now = ledger.clock.now()
    findings = [_finding(stack, proposal, writer, rows) for proposal, writer, rows in fought]
    with ledger.write() as con:
        cases.report(con, Seals(con, ledger.home.key(), now), stack, findings, now)


def _finding(stack: Stack, proposal: Proposal, writer: str | None, rows: Sequence[Row]) -> Finding:
    from hrorch_pipelines.exceptions.cases import Finding

    sensitivity = stack.attributes[proposal.attribute].sensitivity.value
    who = f"`{writer}`, says {proposal.target}" if writer else f"{proposal.target} does not say who"
    return Finding(
        source="correction",
        rule=RULE,
        what=f"{proposal.attribute} in {proposal.target} was put right {len(rows)} times and is wrong again.",
        action=f"Find out who or what writes {proposal.attribute} there and stop it, or change its authority in the stack file",
        system=proposal.target,
        record=proposal.record,
        source_id=proposal.source_id,
        person_id=proposal.person_id,
        attribute=proposal.attribute,
        expected=mask(proposal.after, sensitivity),
        actual=mask(proposal.before, sensitivity),
        cause=f"The other writer: {who}.",
        reference=rows[-1].correction_id,
        detail={"times": len(rows), "other_writer": writer},
    )
