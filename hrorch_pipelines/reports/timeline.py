"""One person's states on their axes, over two times: since when it is so, and since when we know."""

from __future__ import annotations

from datetime import datetime

import duckdb

from hrorch_pipelines.handoffs.axes import AXES
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

COLUMNS = (
    Column("axis", "Axis", grouped=True),
    Column("state", "State"),
    Column("true_from", "True from", "moment"),
    Column("ahead", "Is"),
    Column("known_at", "Known since", "moment"),
    Column("known_until", "Known until", "moment", rank=1),
    Column("system", "System", rank=2),
    Column("source_id", "Record", rank=3),
    Column("spell", "Hire", rank=4),
)


def timeline(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    person: str,
    now: datetime,
    *,
    known_at: datetime | None = None,
    everything: bool = False,
    reveal: bool = False,
) -> Table:
    """What is believed of a person's states (at `known_at`: what was believed then; `everything`: also what no longer is).

    `con`: the published copy. States are masked as the attributes that tell them; without a row nothing was learnt yet.
    """
    rows = []
    if has_table(con, "handoffs", "states"):
        rows = con.execute(
            """SELECT axis, state, true_from, known_at, known_until, system, source_id, spell, attribute FROM handoffs.states
               WHERE person_id = $person AND CASE WHEN $everything THEN true
                   WHEN $known_at::TIMESTAMPTZ IS NULL THEN known_until IS NULL
                   ELSE known_at <= $known_at AND coalesce(known_until > $known_at, true) END
               ORDER BY list_position($axes, axis), true_from NULLS FIRST, known_at, system""",
            {"person": person, "everything": everything, "known_at": known_at, "axes": list(AXES)},
        ).fetchall()
    cells = []
    for axis, state, true_from, known_since, known_until, system, source_id, spell, attribute in rows:
        # What is no value of an attribute is whether there is a record at all.
        told = shown(stack, attribute, state, reveal=reveal) if attribute else state
        ahead = (
            "no longer believed" if known_until and everything else "to come" if true_from and true_from > now else ""
        )
        hire = spell if reveal else None
        cells.append((axis, told, true_from, ahead, known_since, known_until, system, source_id, hire))
    notes = ["A state without a day stood in its system's first snapshot: nobody can say since when."]
    if not reveal:
        notes.append("Personal values are masked; `--reveal --by NAME` shows them.")
    return Table("States over time", COLUMNS, tuple(cells), None, tuple(notes))
