"""Watches over handoffs: steps that do not happen, steps that wait for somebody, the pass that looks for them, ghosts.

What they send, and what keeps it from leaving, is watched in `leaving`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.screening import in_wait
from hrorch_pipelines.handoffs.terms import OPEN, StepState
from hrorch_pipelines.masking import rounded
from hrorch_pipelines.monitoring import beats
from hrorch_pipelines.monitoring.scene import Scene, label, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.words import ago, many, moment
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger_tables import actions, steps

LOOKED = "handoffs"
"""The sign of life of whoever looks what should exist."""
NAMED = 3
"""Reasons named in a sentence; the rest is counted."""

_ON_ITS_WAY = {
    None: "nothing was made for it",
    State.PROPOSED.value: "proposed, and not let go",
    State.AWAITING_APPROVAL.value: "waits for an approver",
    State.FROZEN.value: "held back by its budget",
    State.READY.value: "waits to be sent",
    State.SENDING.value: "sent, and nobody knows what became of it",
    State.SENT.value: "sent, and not seen yet",
    State.CONFLICTED.value: "something else stands in its place",
    State.DIVERGED.value: "acknowledged, and not there",
    State.FAILED.value: "refused",
    State.REJECTED.value: "rejected",
    State.WITHDRAWN.value: "withdrawn",
}


def stalled(scene: Scene) -> Iterator[Trouble]:
    """Steps that had to happen and did not, per handoff and owner: a dead man's switch. It occurred when their time was up.

    A parked one is the business of whoever can bring about what is missing, see `parked`. A case in a statutory wait is late
    for nobody.
    """
    if _off(scene):
        return
    s, a = steps.c, actions.c
    waiting = in_wait(scene.ledger, scene.now)
    query = (
        sa.select(s.handoff, s.owner, s.state, a.state.label("way"), s.case_id, s.person_id, s.due_at)
        .select_from(steps.outerjoin(actions, a.action_id == s.action_id))
        .where(s.state.in_([state.value for state in OPEN - {StepState.PARKED}]), s.due_at < scene.now)
    )
    found: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in scene.ledger.execute(query).all():
        if row.case_id is None or row.case_id not in waiting:
            found[row.handoff, _one_of(scene, row.owner)].append(row)
    for (handoff, owner), rows in sorted(found.items()):
        why = _counted(_reason(row.state, row.way) for row in rows)
        yield Trouble(
            f"stalled:{handoff}:{owner}",
            Watch.STALLED,
            "error",
            owner,
            f"`{handoff}` has not happened in time for {many(_persons(rows), 'person')}: {why}.",
            f"`hrorch handoffs list --handoff {handoff} --state stalled` shows them; each has a case with what to do.",
            since=min(row.due_at for row in rows),
            affects={"persons": _persons(rows), "steps": len(rows)},
        )


def parked(scene: Scene) -> Iterator[Trouble]:
    """Steps that wait for what somebody has to bring about, past their time or longer than `watch.parked`; per handoff and
    whose it is."""
    if _off(scene):
        return
    s, patience = steps.c, scene.stack.alerts.watch.parked
    query = sa.select(s.handoff, s.owner, s.missing, s.missing_owner, s.person_id, s.due_at, s.state_at).where(
        s.state == StepState.PARKED.value, sa.or_(s.due_at < scene.now, s.state_at < scene.now - patience)
    )
    found: defaultdict[tuple[str, str], list[Any]] = defaultdict(list)
    for row in scene.ledger.execute(query).all():
        found[row.handoff, _one_of(scene, row.missing_owner or row.owner)].append(row)
    for (handoff, owner), rows in sorted(found.items()):
        missing = _counted(row.missing or "a requirement" for row in rows)
        yield Trouble(
            f"parked:{handoff}:{owner}",
            Watch.PARKED,
            "error",
            owner,
            f"`{handoff}` waits for {many(_persons(rows), 'person')}. Missing: {missing}.",
            f"Bring about what is missing: the step goes on by itself. `hrorch handoffs list --handoff {handoff}` shows them.",
            since=min(min(row.due_at, row.state_at + patience) for row in rows),
            affects={"persons": _persons(rows), "steps": len(rows)},
        )


def passes(scene: Scene) -> Iterator[Trouble]:
    """Nobody has asked for too long what should exist and does not, although there is a result to ask about."""
    if (
        _off(scene)
        or not scene.stack.handoffs
        or scene.published is None
        or not has_table(scene.published, "cycles", "runs")
    ):
        return
    first = scene.published.execute("SELECT min(finished_at) FROM cycles.runs").fetchone()
    last = beats.last(scene.ledger, LOOKED)
    began = last or (first[0] if first else None)
    patience = scene.stack.alerts.watch.passes
    if began is not None and scene.now - began > patience:
        told = f"Handoffs were looked at last at {moment(last)}" if last else "Handoffs have never been looked at"
        yield Trouble(
            "pass",
            Watch.PASS,
            "error",
            owner_of(scene.stack),
            f"{told}; once in {ago(patience)} is expected.",
            "See the sensor of the handoffs and its last runs in Dagster. What is due meanwhile is found by the next pass.",
            since=began + patience,
        )


def ghosts(scene: Scene) -> Iterator[Trouble]:
    """People whose employment has ended and who are live in a system: where pay is kept, they are paid."""
    if scene.published is None or not has_table(scene.published, "reconcile", "discrepancies"):
        return
    rows = scene.published.execute(
        """SELECT copy_system, count(DISTINCT person_id), sum(money_at_risk), min(first_seen_at)
           FROM reconcile.discrepancies WHERE state = 'ghost' GROUP BY copy_system ORDER BY copy_system"""
    ).fetchall()
    for system, persons, money, seen in rows:
        pays = _pays(scene, system)
        whose = many(persons, "ended employment is", "ended employments are")
        risk = ""
        if pays and money:
            amount = rounded(money, persons, masked=True)
            risk = f" At risk: {amount} {scene.stack.organization.currency} per pay period."
        yield Trouble(
            f"ghost:{system}",
            Watch.GHOST,
            "critical" if pays else "error",
            owner_of(scene.stack, system),
            f"{whose} live in {label(scene.stack, system)}.{risk}",
            f"Before the next payday: `hrorch report discrepancies --system {system}` shows them; end each there, or mend its source."
            if pays
            else f"Close the accounts: `hrorch report discrepancies --system {system}` shows them.",
            since=seen,
            not_before=_cycle_before(scene, seen),
            system=system,
            affects={"persons": persons},
        )


def _off(scene: Scene) -> bool:
    return scene.stack.lifecycle.handoffs == "off"


def _reason(state: str, way: str | None) -> str:
    if state == StepState.ASKED.value:
        return "somebody was asked and has not answered"
    told = _ON_ITS_WAY.get(way, str(way))
    return f"to be taken back, {told}" if state == StepState.COMPENSATING.value else told


def _counted(reasons: Iterable[str]) -> str:
    """`waits for an approver (3), refused (1)`, the most frequent first."""
    counts: defaultdict[str, int] = defaultdict(int)
    for reason in reasons:
        counts[reason] += 1
    ordered = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    told = [f"{reason} ({count})" for reason, count in ordered[:NAMED]]
    rest = sum(count for _, count in ordered[NAMED:])
    return ", ".join(told) + (f", other ({rest})" if rest else "")


def _persons(rows: list[Any]) -> int:
    return len({row.person_id for row in rows})


def _one_of(scene: Scene, owner: str) -> str:
    """Somebody who left the stack file is told no more."""
    return owner if owner in scene.stack.people else owner_of(scene.stack)


def _pays(scene: Scene, system: str) -> bool:
    mapped = scene.stack.systems[system].mapped() if system in scene.stack.systems else ()
    return any(
        scene.stack.attributes[name].type is AttributeType.PAY for name in mapped if name in scene.stack.attributes
    )


def _cycle_before(scene: Scene, seen: datetime) -> datetime | None:
    """When it was surely not known yet: the cycle before the one that found it."""
    if scene.published is None or not has_table(scene.published, "cycles", "runs"):
        return None
    found = scene.published.execute("SELECT max(finished_at) FROM cycles.runs WHERE finished_at < ?", [seen]).fetchone()
    return found[0] if found else None
