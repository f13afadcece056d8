"""The page's section on handoffs: how each stands, who made and typed what they were to make (M1), and what is stalled."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hrorch_pipelines.reports.handoffs import STALLED, status, steps
from hrorch_pipelines.reports.page_lists import ROWS, brief, dicts
from hrorch_pipelines.reports.plain import short_ids
from hrorch_pipelines.reports.reentry import ALL, BY_PROGRAM, reentry
from hrorch_pipelines.reports.scene import Scene
from hrorch_pipelines.reports.table import Table
from hrorch_pipelines.reports.words import percent, some
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger import Ledger

COLUMNS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Parked", ("parked",)),
    ("Due", ("due",)),
    ("Asked", ("asked",)),
    ("Taking back", ("compensating",)),
    ("Done", ("done",)),
    ("Taken back", ("compensated",)),
    ("Left alone", ("before", "dropped")),
)
"""Every step stands in one of them; `stalled` is beside, of those that are open."""

_ALL = "All"
_WAYS = ("waiting", "underway", "confirmed", "failed")
"""Actions: proposed or waiting for an approver; sent and not seen yet; seen; refused, in conflict or come to nothing."""


def handed(scene: Scene, ledger: Ledger) -> dict[str, Any]:
    """Steps by handoff and state, M1 per handoff with its bounds, and the stalled steps one by one."""
    table = status(ledger, scene.stack)
    found = dicts(table)
    together = _summed(found)
    rows = [_row(row) for row in found]
    busy = [row for row in rows if row["steps"] or row["failed"]]
    if len(busy) > 1:
        busy.append(_row(together))
    late = steps(ledger, scene.stack, states=(STALLED,), limit=ROWS)
    ways = ", ".join(f"{together[name]:,} {name}" for name in _WAYS)
    total = sum(row["steps"] for row in rows)
    return {
        "columns": [name for name, _ in COLUMNS],
        "rows": busy,
        "told": f"{some(total, 'step')} of {some(len(scene.stack.handoffs), 'handoff')}; "
        f"{together[STALLED]:,} stalled. Their actions: {ways}.",
        "idle": ", ".join(row["name"] for row in rows if not row["steps"] and not row["failed"]),
        "gone": next((note for note in table.notes if note.startswith("No longer")), ""),
        **_typed(scene, ledger),
        "stalled": [_late(scene, row) for row in dicts(late)],
        "stalled_more": _left_out(late),
    }


def _summed(found: list[dict[str, Any]]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for row in found:
        total.update({name: value for name, value in row.items() if isinstance(value, int)})
    return {**dict.fromkeys(found[0], 0), **total, "handoff": _ALL, "owner": ""}


def _row(row: dict[str, Any]) -> dict[str, Any]:
    counts = [sum(row[name] for name in names) for _, names in COLUMNS]
    return {
        "name": row["handoff"],
        "owner": row["owner"],
        "counts": counts,
        "steps": sum(counts),
        "stalled": row[STALLED],
        "failed": f"{some(row['failed'], 'action')} failed" if row["failed"] else "",
    }


def _typed(scene: Scene, ledger: Ledger) -> dict[str, Any]:
    """M1 of the records that handoffs were to make; nothing before the first landing."""
    if not has_table(scene.con, "reconcile", "landings"):
        return {"typed": [], "typed_told": ""}
    table = reentry(ledger, scene.con, scene.stack)
    rows: list[dict[str, Any]] = [
        {
            "name": _ALL if row["handoff"] == ALL else row["handoff"],
            "sum": row["handoff"] == ALL,
            "made_by": "the program" if row["made_by"] == BY_PROGRAM else "others",
            "records": f"{row['records']:,}",
            "by_hand": f"{row['by_hand']:,}",
            "values": f"{row['values']:,}",
            "low": percent(row["low"]),
            "high": percent(row["high"]),
        }
        for row in dicts(table)
    ]
    return {"typed": rows, "typed_told": " ".join(table.notes)}


def _late(scene: Scene, row: dict[str, Any]) -> dict[str, str]:
    return {
        "handoff": row["handoff"],
        "person": short_ids(str(row["person_id"])),
        "state": row["state"],
        "missing": brief(row["missing"] or _held_up(row)),
        "whose": row["whose"] or "",
        "due": scene.day(row["due_at"]),
        "since": scene.day(row["state_at"]),
    }


def _held_up(row: dict[str, Any]) -> str:
    """Why a step with nothing missing stands there: the words of its state, and how far its action got."""
    action = f"its action is {str(row['action']).replace('_', ' ')}" if row["action"] else ""
    return "; ".join(part for part in (row["why"] or "", action) if part)


def _left_out(table: Table) -> str:
    return next((note for note in table.notes if "are shown" in note), "")
