"""The page's section on corrections: by target how far they got, and what of them waits for a colleague. Never a value."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from hrorch_pipelines.corrections.approve import approvers
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.reports.corrections import by_target
from hrorch_pipelines.reports.exceptions import exceptions
from hrorch_pipelines.reports.page_lists import ROWS, brief, dicts, more
from hrorch_pipelines.reports.scene import Scene
from hrorch_pipelines.reports.words import attribute_label, owner_name, some, system_label
from hrorch_pipelines.storage.ledger import Ledger

COLUMNS: tuple[tuple[str, tuple[State, ...]], ...] = (
    ("Proposed", (State.PROPOSED,)),
    ("To approve", (State.AWAITING_APPROVAL,)),
    ("Over budget", (State.FROZEN,)),
    ("Ready", (State.READY,)),
    ("Sent", (State.SENDING, State.SENT)),
    ("Confirmed", (State.CONFIRMED,)),
    ("Conflicted", (State.CONFLICTED,)),
    ("Diverged", (State.DIVERGED,)),
    ("Failed", (State.FAILED,)),
    ("Taken back", (State.REJECTED, State.WITHDRAWN)),
)
"""Every state stands in one column, so that a row adds up to its last figure."""

_SENDS = {
    "propose": "The stack file says `mode: propose`: nothing is sent.",
    "apply": "What is ready is sent; it counts as confirmed when the target, read again, shows it.",
}


def corrected(scene: Scene, ledger: Ledger) -> dict[str, Any]:
    """Corrections by target and state, and what needs a person: approvals, frozen segments, what ended badly."""
    counts: dict[str, Counter[str]] = {}
    owners: dict[str, str] = {}
    for row in dicts(by_target(ledger, scene.stack)):
        counts.setdefault(row["target"], Counter())[row["state"]] += row["corrections"]
        owners[row["target"]] = row["owner"]
    rows = [_row(scene, name, owners[name], one) for name, one in counts.items()]
    if len(rows) > 1:
        rows.append(_row(scene, None, "", sum(counts.values(), Counter())))
    total = sum(sum(one.values()) for one in counts.values())
    waiting, left_out = _waiting(scene, ledger, counts)
    return {
        "columns": [name for name, _ in COLUMNS],
        "rows": rows,
        "idle": _SENDS[scene.stack.corrections.mode],
        "told": f"{some(total, 'correction')} of single values. {_SENDS[scene.stack.corrections.mode]}",
        "waiting": waiting,
        "waiting_more": left_out,
    }


def _row(scene: Scene, target: str | None, owner: str, counts: Counter[str]) -> dict[str, Any]:
    return {
        "system": system_label(scene.stack, target) if target else "All",
        "owner": owner,
        "counts": [sum(counts[state.value] for state in states) for _, states in COLUMNS],
        "total": sum(counts.values()),
    }


def _waiting(scene: Scene, ledger: Ledger, counts: dict[str, Counter[str]]) -> tuple[list[dict[str, Any]], str]:
    """Approvals by target, then cases that corrections raised; equal ones together, the one due first on top."""
    who = ", ".join(owner_name(scene.stack, name) for name in approvers(scene.stack))
    found = [
        _task(
            scene,
            system=name,
            what="Waits for an approver who is not the proposer.",
            action="`hrorch corrections list --state awaiting_approval`, then `hrorch corrections approve`",
            who=who,
            count=one[State.AWAITING_APPROVAL.value],
        )
        for name, one in counts.items()
        if one[State.AWAITING_APPROVAL.value]
    ]
    table = exceptions(ledger, scene.stack, sources=("correction", "budget"), limit=ROWS)
    grouped: dict[tuple[Any, ...], list[datetime]] = {}
    for row in dicts(table):
        key = (row["system"], row["attribute"], row["what"], row["action"], row["reviewer"])
        grouped.setdefault(key, []).append(row["due_at"])
    for (system, attribute, what, action, reviewer), due in grouped.items():
        found.append(
            _task(
                scene,
                system=system,
                attribute=attribute,
                what=what,
                action=action,
                who=reviewer,
                count=len(due),
                due=min(due),
            )
        )
    return found, more(table)


def _task(
    scene: Scene,
    *,
    system: str | None,
    what: str,
    action: str,
    who: str,
    count: int,
    attribute: str | None = None,
    due: datetime | None = None,
) -> dict[str, Any]:
    return {
        "where": system_label(scene.stack, system),
        "attribute": attribute_label(scene.stack, attribute),
        "what": brief(what),
        "action": brief(action),
        "who": who,
        "count": f"{count:,}",
        "due": scene.day(due),
        "overdue": due is not None and due < scene.now,
    }
