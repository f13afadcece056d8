"""What is true now of one handoff, for everybody at once, beside what its steps say: the temporary table `handoff_found`.

Only rows that may have to change leave the engine; what follows from them is in `deciding`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime

import duckdb

from hrorch_pipelines.corrections.terms import UNSENT, State
from hrorch_pipelines.handoffs.facts import Rule, facts
from hrorch_pipelines.handoffs.marks import marked, parameters
from hrorch_pipelines.handoffs.moments import true_from
from hrorch_pipelines.stack.handing import Ask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.storage.sql import ident, literal


@dataclass(frozen=True)
class Found:
    """One person's case that may have to change. `step_id` None: no step yet; `there`: it is done already, whoever did it;
    `gone`: the person, or what it is once per, is no longer there. `said`: the mark of `said_text`; a NULL text cannot be said yet."""

    person_id: str
    once_per: str
    step_id: str | None
    state: str | None
    wanted: bool
    back: bool
    there: bool
    gone: bool
    undo_doubt: bool
    missing: str | None
    missing_owner: str | None
    due_by: datetime | None
    moment: datetime | None
    jurisdiction: str | None
    own_id: str | None
    effective_from: date | None
    said: str | None
    said_text: str | None = field(repr=False)
    undo_missing: str | None
    undo_own_id: str | None
    undo_from: date | None
    undo_said: str | None
    undo_text: str | None = field(repr=False)


UNTOLD = "what cannot be told now: "
_IN_DOUBT = "(f.outcome = 'begin' AND f.doubt)"
_FIELDS = tuple(Found.__dataclass_fields__)


@dataclass(frozen=True)
class Evaluation:
    """How many cases of one handoff were looked at, what was found, and the steps whose unsent action must wait in doubt.

    Outcomes: `nothing`, `past`, `kept`, `in_doubt`; `begin` and `act` for what has to be looked at closely. They add up."""

    evaluated: int
    outcomes: Counter[str]
    held: frozenset[str]


def evaluate(con: duckdb.DuckDBPyConnection, stack: Stack, rule: Rule, key: bytes) -> Evaluation:
    """Make `handoff_found`. Needs `handoff_state`, `handoff_steps`, `handoff_erased`. Raises duckdb.Error where the user's SQL
    fails on a value that is there."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE handoff_found AS
        WITH own AS (SELECT * FROM handoff_steps WHERE handoff = $handoff),
        facts AS ({facts(stack, rule)}),
        marked AS (SELECT *, {marked(f"$handoff || chr(31) || {ident('said_text')}")} AS said_now,
                          {marked(f"$handoff || chr(31) || {ident('undo_text')}")} AS undo_said FROM facts),
        joined AS (
            SELECT coalesce(f.person_id, s.person_id) AS person_id, coalesce(f.once_now, s.once_per) AS once_per,
                   f.* EXCLUDE (person_id, once_now), s.* EXCLUDE (person_id, once_per, handoff),
                   f.person_id IS NULL AS gone,
                   least(s.true_from + to_seconds({rule.parsed.handoff.within.total_seconds()}), f.due_by) AS due_now
            FROM marked f FULL JOIN own s ON s.person_id = f.person_id AND s.once_per = f.once_now AND NOT s.twin)
        SELECT j.*, {_outcome(rule)} AS outcome
        FROM joined j LEFT JOIN (SELECT person_id, once_doubt FROM facts) d ON d.person_id = j.person_id""",
        {**parameters(key), "handoff": rule.name},
    )
    unsent = ", ".join(literal(state.value) for state in sorted(UNSENT))
    waits = (
        f"action_state IN ({unsent}) AND CASE WHEN state = 'compensating' THEN undo_doubt ELSE outcome = 'in_doubt' END"
    )
    rows = con.execute(
        f"""SELECT outcome, count(*), count(*) FILTER (gone), coalesce(list(step_id) FILTER ({waits}), [])
            FROM handoff_found GROUP BY outcome"""
    ).fetchall()
    people = _number(con, "SELECT count(*) FROM handoff_state")
    gone = sum(int(row[2]) for row in rows)
    outcomes = Counter({str(row[0]): int(row[1]) for row in rows})
    # Of whom nothing can follow there is no row.
    outcomes["nothing"] += people - (outcomes.total() - gone)
    return Evaluation(people + gone, outcomes, frozenset(step_id for row in rows for step_id in row[3]))


def found(con: duckdb.DuckDBPyConnection, stack: Stack, rule: Rule, batch: int) -> Iterator[list[Found]]:
    """What may have to change, in batches, persons in order. New ones with the moment from which it had to happen."""
    moments = true_from(con, stack, rule.parsed, "SELECT person_id FROM handoff_found WHERE outcome = 'begin'")
    done = [
        f"(SELECT max(d.done_at) FROM handoff_steps d WHERE d.person_id = f.person_id AND d.handoff = {literal(other)}"
        " AND d.state = 'done' AND d.how <> 'before')"
        for other in stack.handoffs
        if f"done_{bare(other)}" in rule.parsed.when.columns
    ]
    special = {
        "moment": f"greatest({', '.join(['m.moment', *done, 'NULL::TIMESTAMPTZ'])}) AS moment",
        "said": "f.said_now AS said",
        # Begun in doubt it is parked: somebody has to know that it waits, and for what.
        "there": f"coalesce(f.there, false) AND NOT {_IN_DOUBT}",
        "missing": f"CASE WHEN {_IN_DOUBT} THEN {literal(UNTOLD)} || f.own_doubt ELSE f.missing END",
        "missing_owner": f"CASE WHEN NOT {_IN_DOUBT} THEN f.missing_owner END",
        **{name: f"coalesce(f.{name}, false)" for name in ("wanted", "back", "undo_doubt")},
    }
    fields = ", ".join(special.get(name, f"f.{ident(name)}") for name in _FIELDS)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE handoff_acts AS
            SELECT {fields}, row_number() OVER (ORDER BY f.person_id, f.once_per, f.step_id) AS place
            FROM handoff_found f LEFT JOIN ({moments}) m ON m.person_id = f.person_id AND f.outcome = 'begin'
            WHERE f.outcome IN ('begin', 'act')"""
    )
    total = _number(con, "SELECT count(*) FROM handoff_acts")
    for start in range(0, total, batch):
        rows = con.execute(
            "SELECT * EXCLUDE (place) FROM handoff_acts WHERE place > ? AND place <= ? ORDER BY place",
            [start, start + batch],
        ).fetchall()
        yield [Found(*row) for row in rows]


def _outcome(rule: Rule) -> str:
    """What is found of a joined row. The order of the branches matters: doubt first, then what ends, then what is as it was."""
    asks = isinstance(rule.parsed.handoff.then, Ask)
    fresh = "(j.wanted AND NOT j.back)"
    done_anew = (
        f"j.how = 'action' AND {fresh} AND j.missing IS NULL AND j.said_now IS DISTINCT FROM j.said"
        " AND (j.starts_on IS NULL OR j.starts_on >= j.on_day)"
        if rule.again and rule.acting
        else "false"
    )
    going = ", ".join(literal(state.value) for state in (*sorted(UNSENT), State.SENDING, State.SENT))
    came_to_nothing = f"""CASE WHEN j.action_said IS DISTINCT FROM j.said_now THEN 'act'
        WHEN j.action_state = 'rejected' OR j.action_stack = {literal(rule.stack_hash)} THEN 'kept' ELSE 'act' END"""
    due = (
        "'act'"
        if asks
        else f"""CASE
        WHEN j.action_state IN ('sending', 'sent') THEN 'kept'
        WHEN j.action_state IN ({going}) THEN CASE WHEN j.action_said = j.said_now THEN 'kept' ELSE 'act' END
        WHEN j.action_state IS NULL THEN 'act' ELSE {came_to_nothing} END"""
    )
    if not rule.acting:
        due = "'kept'"
    return f"""CASE
        WHEN j.gone THEN CASE
            WHEN j.state = 'compensating' THEN 'act'
            WHEN j.state NOT IN ('parked', 'due', 'asked') THEN 'past'
            WHEN coalesce(d.once_doubt, false) AND NOT j.twin THEN 'in_doubt' ELSE 'act' END
        WHEN j.state IS NULL THEN CASE
            WHEN j.once_per IS NULL OR NOT {fresh} THEN 'nothing'
            WHEN j.doubt AND j.own_doubt IS NULL THEN 'in_doubt' ELSE 'begin' END
        WHEN j.state IN ('dropped', 'compensated') THEN CASE
            WHEN NOT {fresh} THEN 'kept' WHEN j.doubt THEN 'in_doubt' ELSE 'act' END
        WHEN j.state = 'done' THEN CASE
            WHEN j.how = 'before' THEN 'kept'
            WHEN j.back THEN CASE WHEN j.undo_doubt THEN 'in_doubt' WHEN {"true" if rule.acting else "false"} THEN 'act' ELSE 'kept' END
            WHEN {done_anew} THEN CASE WHEN j.doubt THEN 'in_doubt' ELSE 'act' END
            ELSE 'kept' END
        WHEN j.state = 'compensating' THEN 'act'
        WHEN j.doubt OR (j.back AND j.undo_doubt) THEN 'in_doubt'
        WHEN NOT {fresh} OR j.there THEN 'act'
        WHEN j.due_now IS DISTINCT FROM j.due_at THEN 'act'
        WHEN j.state = 'parked' THEN CASE WHEN j.missing IS NOT DISTINCT FROM j.missing_then THEN 'kept' ELSE 'act' END
        WHEN j.missing IS NOT NULL THEN 'act'
        WHEN j.state = 'asked' THEN CASE WHEN j.answered OR {"false" if asks else "true"} THEN 'act' ELSE 'kept' END
        ELSE {due} END"""


def _number(con: duckdb.DuckDBPyConnection, query: str) -> int:
    # All of it is fetched: an unfinished result would stand in the way of what comes next on this connection.
    return int(con.execute(query).fetchall()[0][0])
