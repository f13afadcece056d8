"""The dry run as a table: one line per request that would be sent, and per record for which none would."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hrorch_pipelines.reports.table import Column, Table

if TYPE_CHECKING:
    from hrorch_pipelines.corrections.preview import DryRun, Planned
    from hrorch_pipelines.handoffs.preview import Planned as Handed

COLUMNS = (
    Column("target", "Target", grouped=True),
    Column("record", "Record", rank=5),
    Column("source_id", "Id", rank=4),
    Column("attributes", "Attributes", rank=3),
    Column("method", "Method"),
    Column("where", "Where"),
    Column("body", "What is sent"),
    Column("condition", "Only if", rank=2),
    Column("note", "Note", rank=1),
    Column("corrections", "Corrections", rank=9),
)


def requests(runs: Mapping[str, DryRun]) -> Table:
    """All requests of several targets, in the order in which records were proposed."""
    rows = tuple(row for run in runs.values() for planned in run.planned for row in _rows(planned))
    sent = sum(bool(planned.requests) for run in runs.values() for planned in run.planned)
    records = sum(len(run.planned) for run in runs.values())
    left_out = sum(run.left_out for run in runs.values())
    notes = [f"{sent:,} of {records:,} records would be written. Nothing was sent; values are masked."]
    if left_out:
        notes.append(f"{left_out:,} more records are not shown; `--limit` shows more.")
    return Table("What would be sent", COLUMNS, rows, None, tuple(notes))


def _rows(planned: Planned) -> list[tuple[Any, ...]]:
    about = (planned.target, planned.record, planned.source_id, ", ".join(planned.attributes))
    ids = ", ".join(planned.correction_ids)
    if not planned.requests:
        return [(*about, None, None, None, None, planned.note, ids)]
    return [
        (
            *about,
            one.method,
            one.where,
            json.dumps(dict(one.body), ensure_ascii=False, default=str),
            one.condition,
            planned.note,
            ids,
        )
        for one in planned.requests
    ]


ACTION_COLUMNS = (
    Column("target", "Target", grouped=True),
    Column("handoff", "Handoff"),
    Column("verb", "Does", rank=4),
    Column("state", "State", "name", rank=5),
    Column("method", "Method"),
    Column("where", "Where"),
    Column("body", "What is sent"),
    Column("condition", "Only if", rank=2),
    Column("note", "Note", rank=1),
    Column("action_id", "Action", "id", rank=9),
)


def actions(planned: Sequence[Handed]) -> Table:
    """The requests of handoffs' actions, in the order proposed."""
    rows = tuple(row for one in planned for row in _action_rows(one))
    sent = sum(bool(one.requests) for one in planned)
    notes = (f"{sent:,} of {len(planned):,} actions would be sent. Nothing was sent; values are masked.",)
    return Table("What would be sent", ACTION_COLUMNS, rows, None, notes)


def _action_rows(one: Handed) -> list[tuple[Any, ...]]:
    about = (one.target, one.handoff, one.verb, one.state)
    if not one.requests:
        return [(*about, None, None, None, None, one.note, one.action_id)]
    return [
        (
            *about,
            request.method,
            request.where,
            json.dumps(dict(request.body), ensure_ascii=False, default=str),
            request.condition,
            one.note,
            one.action_id,
        )
        for request in one.requests
    ]
