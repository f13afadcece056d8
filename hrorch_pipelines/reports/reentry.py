"""M1 per handoff: of the records that had to be made in another system, who made them and who typed their values."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.handoffs.terms import DoneHow, StepState
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.stack.handing import Create
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import steps

BY_PROGRAM, BY_OTHERS, ALL = "program", "others", "all handoffs"
COLUMNS = (
    Column("handoff", "Handoff", grouped=True),
    Column("made_by", "Made by"),
    Column("records", "Records", "integer"),
    Column("by_hand", "Typed", "integer"),
    Column("low", "M1 from", "share", short="M1"),
    Column("high", "M1 to", "share", inside="low"),
    Column("values", "Values", "integer", rank=1),
    Column("orchestrator", "Program", "integer", rank=2),
    Column("integration", "Integration", "integer", rank=3),
    Column("manual", "Hand", "integer", rank=2),
    Column("manual_probable", "Probably by hand", "integer", short="Probably", rank=3),
    Column("unknown", "Untold", "integer", rank=2),
)
"""`by_hand`: records with a value that somebody surely or probably typed. M1 from: surely typed; M1 to: nothing else is sure."""


@dataclass(frozen=True)
class Made:
    """A record that a handoff was to make for a person: who made it (`BY_PROGRAM`, `BY_OTHERS`), and since when it had to be."""

    handoff: str
    person_id: str
    system: str
    record: str
    made_by: str
    since: datetime


_STEPS = (
    "CREATE OR REPLACE TEMP TABLE reentry_steps "
    "(handoff VARCHAR, person_id VARCHAR, system VARCHAR, record VARCHAR, made_by VARCHAR, since TIMESTAMPTZ)"
)
_FILL = f"INSERT INTO reentry_steps SELECT {', '.join(['unnest(?)'] * 6)}"
_READ = f"""
    WITH landed AS (
        SELECT s.handoff, s.made_by, concat_ws('|', s.person_id, s.system, s.record) AS made, l.landing_id, l.attribution
        FROM reentry_steps s LEFT JOIN reconcile.landings l
          ON l.person_id = s.person_id AND l.system = s.system AND l.record = s.record AND l.detected_at >= s.since
    ), counted AS (
        SELECT DISTINCT CASE WHEN grouping(handoff) = 0 THEN handoff ELSE '{ALL}' END AS handoff, made_by,
               made, landing_id, attribution
        FROM landed GROUP BY GROUPING SETS ((handoff, made_by, made, landing_id, attribution),
                                            (made_by, made, landing_id, attribution))
    )
    SELECT handoff, made_by, count(DISTINCT made) AS records,
           count(DISTINCT made) FILTER (attribution IN ('manual', 'manual_probable')) AS by_hand,
           count(landing_id) AS values,
           {
    ", ".join(
        f"count(*) FILTER (attribution = '{who}') AS {who}"
        for who in ("orchestrator", "integration", "manual", "manual_probable", "unknown")
    )
}
    FROM counted GROUP BY ALL"""
_OTHERS = [DoneHow.ALREADY.value, DoneHow.BY_HAND.value]


def reentry(ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack) -> Table:
    """Every handoff that makes records, those the program made apart from those it found, and all of them together.

    A value counts from the moment the handoff had to happen; `con` reads what is published. Of one person and record all
    values count, whoever made the record: one that was typed into afterwards shows.
    """
    con.execute(_STEPS)
    if found := made(ledger, stack):
        # All at once, as columns: row by row takes forty times as long.
        con.execute(_FILL, [[getattr(one, column.name) for one in found] for column in fields(Made)])
    places = {name: place for place, name in enumerate([*stack.handoffs, ALL])}
    rows = sorted(con.execute(_READ).fetchall(), key=lambda row: (places[row[0]], row[1] != BY_PROGRAM))
    cells = tuple(
        (handoff, by, records, typed, *_bounds(values, *who), values, *who)
        for handoff, by, records, typed, values, *who in rows
    )
    notes = (
        "M1: from what is surely typed, to whatever is not surely the program's or an integration's.",
        "Made by others: the record was there when the program was to make it, or a person made it meanwhile.",
    )
    return Table("Manual re-entry (M1) per handoff", COLUMNS, cells, None, notes)


def made(ledger: Ledger, stack: Stack) -> list[Made]:
    """What handoffs that make records have done, or had done and took back."""
    making = {name: one.then.create for name, one in stack.handoffs.items() if isinstance(one.then, Create)}
    done = [StepState.DONE.value, StepState.COMPENSATING.value, StepState.COMPENSATED.value]
    with ledger.read() as reading:
        rows = reading.execute(
            sa.select(steps.c.handoff, steps.c.person_id, steps.c.done_how, steps.c.true_from, steps.c.known_at).where(
                steps.c.handoff.in_(list(making)),
                steps.c.state.in_(done),
                steps.c.done_how.in_([DoneHow.ACTION.value, *_OTHERS]),
            )
        ).all()
    found = []
    for row in rows:
        system, _, record = making[row.handoff].partition(".")
        by = BY_OTHERS if row.done_how in _OTHERS else BY_PROGRAM
        found.append(Made(row.handoff, row.person_id, system, record, by, min(row.true_from, row.known_at)))
    return found


def _bounds(
    values: int, orchestrator: int, integration: int, manual: int, *_: int
) -> tuple[float | None, float | None]:
    if not values:
        return None, None
    return manual / values, (values - orchestrator - integration) / values
