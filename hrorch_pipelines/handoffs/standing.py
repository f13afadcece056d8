"""What the ledger holds of steps and actions, brought beside the person's state to be compared in bulk.

Read as plain texts: there may be a million steps, and an idle pass has to be cheap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.handoffs.conditions import looked_at
from hrorch_pipelines.handoffs.known import Done, Known, Made
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import Moment, actions, cases, person_keys, steps

_OVER = (State.CONFIRMED.value,)
_DONE = StepState.DONE.value
_COLUMNS = ("step_id", "handoff", "written_as", "once_per", "state", "how", "missing_then", "true_from", "due_at", "said",
            "done_at", "action_id", "case_id")  # fmt: skip
_ACTIONS = ("action_id", "action_state", "action_stack", "action_said")


@dataclass(frozen=True)
class Standing:
    """What the person's state has to know of the ledger, before it is narrowed to what a stack looks at."""

    key: bytes = field(repr=False)
    made: Sequence[tuple[Made, str]]
    steps: Sequence[Any]

    def for_state(self, stack: Stack) -> Known:
        """Only base records stand for a person; only handoffs that some condition looks at have a column to fill."""
        base = {name: system.base_record for name, system in stack.systems.items()}
        looked = looked_at(stack)
        named = {name for name in stack.handoffs if f"done_{bare(name)}" in looked}
        made = [one for one, record in self.made if base.get(one.system) == record]
        done = [Done(row[1], row[2], row[3]) for row in self.steps if row[4] == _DONE and row[1] in named]
        return Known(self.key, made, done)


def bring_steps(ledger: Ledger, con: duckdb.DuckDBPyConnection) -> Standing:
    """Make `handoff_steps` (one row per step; `person_id` is who the person is now, `twin` where two persons who are one both
    had the step) and `handoff_erased`. Returns what the person's state has to know."""
    with ledger.read() as reading:
        s, a = steps.c, actions.c
        rows = reading.execute(
            sa.select(
                s.step_id, s.handoff, s.person_id, s.once_per, s.state, s.done_how, s.missing, _text(reading, s.true_from),
                _text(reading, s.due_at), s.content_mark, _text(reading, s.done_at), s.action_id, s.case_id,
            )
        ).all()  # fmt: skip
        under_way = reading.execute(
            sa.select(a.action_id, a.state, a.stack_hash, a.content_mark).where(a.state.not_in(_OVER))
        ).all()
        answered = reading.execute(
            sa.select(cases.c.case_id).where(
                cases.c.source == "handoff",
                cases.c.state.in_([CaseState.AWAITING_CONFIRMATION.value, CaseState.CONFIRMED.value]),
            )
        ).all()
        erased = reading.execute(
            sa.select(person_keys.c.person_id).where(person_keys.c.destroyed_at.is_not(None))
        ).all()
        made = reading.execute(
            sa.select(a.person_id, a.target, a.source_id, a.confirmed_at, a.record).where(
                a.verb == "create", a.state == State.CONFIRMED.value, a.source_id.is_not(None)
            )
        ).all()
    _table(con, "handoff_written", _COLUMNS, rows)
    _table(con, "handoff_actions", _ACTIONS, under_way)
    _table(con, "handoff_answered", ("case_id",), answered)
    _table(con, "handoff_erased", ("person_id",), erased)
    _join(con)
    return Standing(
        ledger.home.key(),
        [(Made(row.person_id, row.target, row.source_id, row.confirmed_at), row.record) for row in made],
        rows,
    )


def _join(con: duckdb.DuckDBPyConnection) -> None:
    settled = "('done', 'compensating', 'compensated')"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE handoff_steps AS
        WITH {_now_is(con)}
        SELECT w.* EXCLUDE (true_from, due_at, done_at), coalesce(n.person_id, w.written_as) AS person_id,
               CAST(w.true_from AS TIMESTAMPTZ) AS true_from, CAST(w.due_at AS TIMESTAMPTZ) AS due_at,
               CAST(w.done_at AS TIMESTAMPTZ) AS done_at, a.action_state, a.action_stack, a.action_said,
               c.case_id IS NOT NULL AS answered,
               row_number() OVER (PARTITION BY w.handoff, coalesce(n.person_id, w.written_as), w.once_per
                   ORDER BY (w.state IN {settled}) DESC, (w.how = 'action') DESC NULLS LAST, w.step_id) > 1 AS twin
        FROM handoff_written w LEFT JOIN now_is n ON n.written_as = w.written_as
        LEFT JOIN handoff_actions a USING (action_id) LEFT JOIN handoff_answered c ON c.case_id = w.case_id"""
    )
    con.execute("DROP TABLE handoff_written; DROP TABLE handoff_actions; DROP TABLE handoff_answered")


def _now_is(con: duckdb.DuckDBPyConnection) -> str:
    if not has_table(con, "identity", "persons"):
        return "now_is AS (SELECT NULL::VARCHAR AS written_as, NULL::VARCHAR AS person_id WHERE false)"
    return """RECURSIVE followed AS (
            SELECT person_id AS written_as, merged_into AS person_id, 1 AS length FROM identity.persons WHERE merged_into IS NOT NULL
            UNION ALL
            SELECT f.written_as, p.merged_into, f.length + 1 FROM followed f JOIN identity.persons p ON p.person_id = f.person_id
            WHERE p.merged_into IS NOT NULL AND f.length < 1000),
        now_is AS (SELECT written_as, arg_max(person_id, length) AS person_id FROM followed GROUP BY written_as)"""


def _text(con: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """A moment as text: making a million of them into objects would cost more than all the rest."""
    assert isinstance(column.type, Moment)  # noqa: S101
    return sa.type_coerce(column, sa.String) if con.dialect.name == "sqlite" else sa.cast(column, sa.Text)


def _table(con: duckdb.DuckDBPyConnection, name: str, columns: Sequence[str], rows: Sequence[Any]) -> None:
    import pyarrow as pa

    filled: list[Any] = list(zip(*rows, strict=True)) if rows else [()] * len(columns)
    arrays = {column: pa.array(cells, pa.string()) for column, cells in zip(columns, filled, strict=True)}
    con.register("handoff_given", pa.table(arrays))
    con.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM handoff_given")
    con.unregister("handoff_given")
