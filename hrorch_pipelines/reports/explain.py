"""Why a person's values are what they are: who they are, who says what, which rule chose, what changed, what disagrees.

One table per question, each from what the stages left behind; nothing is computed anew.
"""

from __future__ import annotations

from datetime import date

import duckdb

from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.reports import explain_values
from hrorch_pipelines.reports.discrepancies import discrepancies
from hrorch_pipelines.reports.explain_gates import gate_results
from hrorch_pipelines.reports.masked import shown
from hrorch_pipelines.reports.read import find_person, last_cycle, require_known
from hrorch_pipelines.reports.table import Column, Table
from hrorch_pipelines.reports.words import owner_name
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table

_WHO = (
    Column("system", "System"),
    Column("source_id", "Record"),
    Column("method", "How it was matched"),
    Column("probability", "Likelihood", "share"),
    Column("because", "On the evidence of", rank=2),
    Column("used", "Used", rank=1),
    Column("since", "Since", "moment", rank=3),
)
_CASES = (
    Column("system", "System", short="Where"),
    Column("record", "Record type", inside="system"),
    Column("record_key", "Record", rank=1),
    Column("rule_id", "Rule", rank=3),
    Column("attribute", "Attribute", "name"),
    Column("expected", "Expected", rank=2),
    Column("found_masked", "Found"),
    Column("action", "What to do"),
    Column("reviewer", "Reviewer"),
    Column("opened_at", "Since", "moment", rank=4),
)
_CHANGES = (
    Column("observed_at", "Seen", "moment"),
    Column("system", "System"),
    Column("attribute", "Attribute", "name", inside="system"),
    Column("kind", "What happened", rank=3),
    Column("effective_from", "Effective", "date", rank=2),
    Column("before", "Before"),
    Column("after", "After"),
    Column("changed_by", "Changed by", rank=1),
    Column("changed_at", "Changed at", "moment", rank=4),
)
_QUESTIONS = (
    Column("left_system", "System", short="One record"),
    Column("left_id", "Record", inside="left_system"),
    Column("right_system", "and system", short="and the other"),
    Column("right_id", "record", inside="right_system"),
    Column("probability", "Likelihood", "share", rank=1),
    Column("why", "Why it is asked"),
    Column("reviewer", "Reviewer"),
)


def explain(
    con: duckdb.DuckDBPyConnection, stack: Stack, person: str, attribute: str | None, *, reveal: bool = False
) -> list[Table]:
    """Everything known about one person, or about one attribute of theirs, in the order in which it came about.

    `person` is a person id (or its beginning), `system:source_id` or an employee number. Values are masked by sensitivity
    unless `reveal`; secret ones always. Raises UnknownPersonError, AmbiguousPersonError, UnknownChoiceError.
    """
    require_known("attribute", (attribute,) if attribute else (), stack.attributes)
    _, as_of, _ = last_cycle(con)
    found = find_person(con, stack, person)
    records = [(str(system), str(source_id)) for system, source_id in _records(con, found)]
    chosen = (attribute,) if attribute else tuple(stack.attributes)
    tables = [
        _who(con, found, as_of),
        explain_values.decisions(con, stack, found, chosen, as_of, reveal=reveal),
        explain_values.candidates(con, stack, found, chosen, as_of, reveal=reveal),
        _changes(con, stack, records, chosen, as_of, reveal=reveal),
        gate_results(con, stack, records, attribute, as_of),
        _cases(con, stack, records, attribute, as_of),
        _questions(con, stack, records, as_of),
        discrepancies(
            con, stack, person=found, attributes=(attribute,) if attribute else (), states=tuple(State), reveal=reveal
        ),
    ]
    return [table for table in tables if table.rows or table.title in {"Who", "Values"}]


def _records(con: duckdb.DuckDBPyConnection, person: str) -> list[tuple[str, str]]:
    return con.execute(
        "SELECT system, source_id FROM identity.links WHERE person_id = ? ORDER BY ALL", [person]
    ).fetchall()


def _who(con: duckdb.DuckDBPyConnection, person: str, as_of: date) -> Table:
    spells = (
        "cells.spells"
        if has_table(con, "cells", "spells")
        else "(SELECT NULL AS system, NULL AS source_id, NULL AS chosen)"
    )
    rows = con.execute(
        f"""
        WITH mine AS (FROM identity.links WHERE person_id = $person)
        SELECT m.system, m.source_id, m.method, m.probability,
               CASE WHEN e.edge_id IS NULL THEN NULL
                    ELSE concat_ws(' ', e.basis, 'with', CASE WHEN (e.left_system, e.left_id) = (m.system, m.source_id)
                                   THEN e.right_system || ':' || e.right_id ELSE e.left_system || ':' || e.left_id END) END,
               CASE WHEN s.chosen IS NULL THEN 'not read' WHEN s.chosen THEN 'yes' ELSE 'no: another spell counts' END, m.since
        FROM mine m LEFT JOIN identity.edges e USING (edge_id)
        LEFT JOIN {spells} s ON s.system = m.system AND s.source_id = m.source_id
        ORDER BY m.system, m.source_id
        """,
        {"person": person},
    ).fetchall()
    stage = con.execute("SELECT stage FROM golden.persons WHERE person_id = ?", [person]).fetchone()
    notes = (f"Person {person}, stage {stage[0] if stage and stage[0] else 'none'}.",)
    return Table("Who", _WHO, tuple(rows), as_of, notes)


_OF_RECORDS = """
WITH mine AS (SELECT unnest($systems) AS system, unnest($ids) AS source_id)
"""


def _of(records: list[tuple[str, str]]) -> dict[str, object]:
    return {"systems": [system for system, _ in records], "ids": [source_id for _, source_id in records]}


def _changes(
    con: duckdb.DuckDBPyConnection,
    stack: Stack,
    records: list[tuple[str, str]],
    attributes: tuple[str, ...],
    as_of: date,
    *,
    reveal: bool,
) -> Table:
    rows: list[tuple[object, ...]] = []
    if has_table(con, "history", "changes"):
        rows = con.execute(
            f"""{_OF_RECORDS}
            SELECT c.observed_at, c.system, c.attribute, c.kind, c.effective_from, c.before, c.after, c.changed_by, c.changed_at
            FROM history.changes c JOIN mine m ON m.system = c.system AND m.source_id = coalesce(c.parent_id, c.source_id)
            WHERE list_contains($attributes, c.attribute)
            ORDER BY c.observed_at, c.system, c.attribute, c.effective_from""",
            {**_of(records), "attributes": list(attributes)},
        ).fetchall()
    masked = tuple(
        (*row[:5], *(shown(stack, str(row[2]), value, reveal=reveal) for value in row[5:7]), *row[7:]) for row in rows
    )
    notes = ("The first snapshot of a system is its baseline: what it held then is no change.",)
    return Table("Changes", _CHANGES, masked, as_of, notes)


def _cases(
    con: duckdb.DuckDBPyConnection, stack: Stack, records: list[tuple[str, str]], attribute: str | None, as_of: date
) -> Table:
    """Open cases about any of the records. A case holds the whole record, so with `attribute` every one that touches it."""
    rows: list[tuple[object, ...]] = []
    if has_table(con, "gates", "quarantine"):
        names = ", ".join(f"q.{column.name}" for column in _CASES)
        rows = con.execute(
            f"""{_OF_RECORDS}
            SELECT {names} FROM gates.quarantine q
            JOIN mine m ON m.system = q.system AND m.source_id = coalesce(q.parent_id, q.source_id)
            WHERE q.closed_at IS NULL ORDER BY q.severity, q.system, q.record, q.record_key, q.rule_id""",
            _of(records),
        ).fetchall()
    if attribute:
        rows = [row for row in rows if attribute in stack.systems[str(row[0])].records[str(row[1])].fields]
    place = [column.name for column in _CASES].index("reviewer")
    named = tuple((*row[:place], owner_name(stack, str(row[place] or "")), *row[place + 1 :]) for row in rows)
    return Table("Held at a gate", _CASES, named, as_of, ("The last good version of a held record stays in use.",))


def _questions(con: duckdb.DuckDBPyConnection, stack: Stack, records: list[tuple[str, str]], as_of: date) -> Table:
    rows: list[tuple[object, ...]] = []
    if has_table(con, "identity", "reviews"):
        names = ", ".join(column.name for column in _QUESTIONS)
        rows = con.execute(
            f"""{_OF_RECORDS}
            SELECT {names} FROM identity.reviews r WHERE closed_at IS NULL
              AND ((left_system, left_id) IN (FROM mine) OR (right_system, right_id) IN (FROM mine))
            ORDER BY probability DESC NULLS LAST, review_id""",
            _of(records),
        ).fetchall()
    named = tuple((*row[:-1], owner_name(stack, str(row[-1] or ""))) for row in rows)
    return Table("Open questions of identity", _QUESTIONS, named, as_of)
