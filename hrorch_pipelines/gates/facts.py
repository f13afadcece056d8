"""What the rules look at, gathered by DuckDB: one table per record type, one row per picked record. pandera judges it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import duckdb

from hrorch_pipelines.gates.rules import RowRule
from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

_KEYS = (
    "history_row", "record_key", "occurrence", "sequence", "source_id", "parent_id", "effective_from", "row_id",
    "snapshot_id", "record_hash",
)  # fmt: skip
_STATEMENT_ERRORS = (duckdb.BinderException, duckdb.ParserException, duckdb.CatalogException, duckdb.SyntaxException)


@dataclass(frozen=True)
class Subject:
    """A column a rule looks at: its name in the facts, how it is computed, its SQL type."""

    name: str
    sql: str
    kind: str


def subjects(scope: RecordType, rule: RowRule) -> list[Subject]:
    """The columns of one rule, the attribute first. A precondition empties them where the rule does not apply."""
    if rule.kind == "sql":
        return [Subject(f"#{rule.number}", f'"#{rule.number} sql"[1]', "BOOLEAN")]
    attribute = rule.attribute or ""
    if rule.kind == "required":
        return [_guarded(rule, Subject(f"#{rule.number}", _state(scope, attribute), "VARCHAR"))]
    if rule.kind == "unique":
        uses = f"CASE WHEN {ident(attribute)} IS NOT NULL THEN coalesce({ident(f'#{rule.number} uses')}.uses, 1) END"
        return [_guarded(rule, Subject(f"#{rule.number}", uses, "BIGINT"))]
    if rule.kind in {"pattern", "max_length"}:
        return [_guarded(rule, Subject(f"{attribute} text", f"CAST({ident(attribute)} AS VARCHAR)", "VARCHAR"))]
    if rule.other:
        mixed = {scope.attributes[attribute], scope.attributes[rule.other]} == {"DATE", "TIMESTAMPTZ"}
        return [_guarded(rule, _comparable(scope, name, as_date=mixed)) for name in (attribute, rule.other)]
    return [_guarded(rule, _comparable(scope, attribute, as_date=False))]


def check_binding(con: duckdb.DuckDBPyConnection, scope: RecordType, rules: Sequence[RowRule]) -> list[RowRule]:
    """The same rules; one whose SQL the engine does not accept carries a fault. No record is read."""
    checked = []
    for rule in rules:
        try:
            for expression in (rule.when, rule.sql):
                if expression and not rule.fault:
                    con.execute(f"SELECT {_attempt(expression)} FROM ({_source(scope)}) LIMIT 0", _today(scope, None))
        except _STATEMENT_ERRORS:
            checked.append(replace(rule, fault="does_not_bind"))
        except duckdb.Error:
            checked.append(replace(rule, fault="crashed"))
        else:
            checked.append(rule)
    return checked


def gather(
    con: duckdb.DuckDBPyConnection,
    scope: RecordType,
    snapshot: Snapshot,
    cycle: Cycle,
    rules: Sequence[RowRule],
    picked: str,
) -> None:
    """Write the temporary table `facts`: `gate_row` 0…n-1, the record's keys, every subject, `#n crash` flags. `picked` is the
    SQL condition of the rows `h` to be judged.

    An expression that fails on single rows is NULL there and sets their crash flag. DuckDB's common-subexpression
    optimizer moves parts of an expression out of TRY, so it is switched off meanwhile.
    """
    judged = [rule for rule in rules if not rule.structural and not rule.fault]
    row = con.execute("SELECT current_setting('disabled_optimizers')").fetchone()
    before = str(row[0]) if row else ""
    con.execute("SET disabled_optimizers = 'common_subexpressions'")
    try:
        for rule in judged:
            if rule.kind == "unique":
                _count_uses(con, scope, snapshot, cycle, rule, picked)
        con.execute(_statement(scope, judged, picked), _today(scope, cycle.as_of))
    finally:
        con.execute(f"SET disabled_optimizers = {literal(before)}")


def _statement(scope: RecordType, judged: Sequence[RowRule], picked: str) -> str:
    whens = [f"{_attempt(rule.when)} AS {_when(rule)}" for rule in judged if rule.when]
    tests = [
        f"CASE WHEN {_applies(rule)} THEN {_attempt(rule.sql)} ELSE [NULL] END AS {ident(f'#{rule.number} sql')}"
        for rule in judged
        if rule.kind == "sql" and rule.sql
    ]
    columns = {subject.name: subject.sql for rule in judged for subject in subjects(scope, rule)}
    shown = [f"{sql} AS {ident(name)}" for name, sql in columns.items()]
    crashes = [f"{_crash(rule)} AS {ident(f'#{rule.number} crash')}" for rule in judged if rule.when or rule.sql]
    joins = [
        f"LEFT JOIN {scope.temporary(f'uses {rule.number}')} AS {ident(f'#{rule.number} uses')} "
        f"ON {ident(f'#{rule.number} uses')}.value = tested.{ident(rule.attribute or '')}"
        for rule in judged
        if rule.kind == "unique"
    ]
    return f"""
        CREATE OR REPLACE TEMP TABLE {scope.temporary("facts")} AS
        WITH picked AS ({_source(scope, picked)}),
        applicable AS (SELECT {", ".join(["*", *whens])} FROM picked),
        tested AS (SELECT {", ".join(["*", *tests])} FROM applicable)
        SELECT row_number() OVER () - 1 AS gate_row, {", ".join([f"tested.{name}" for name in _KEYS] + shown + crashes)}
        FROM tested {" ".join(joins)}
        """


def _source(scope: RecordType, where: str = "TRUE") -> str:
    """History rows under their own names, so that a rule's SQL reads `end_date > start_date`; `as_of` is the cycle's day."""
    today = "" if "as_of" in scope.attributes else ", $as_of::DATE AS as_of"
    return f"SELECT h.*, h.rowid AS history_row{today} FROM {scope.history} AS h WHERE {where}"


def _today(scope: RecordType, as_of: date | None) -> dict[str, date | None]:
    return {} if "as_of" in scope.attributes else {"as_of": as_of}


def _count_uses(
    con: duckdb.DuckDBPyConnection, scope: RecordType, snapshot: Snapshot, cycle: Cycle, rule: RowRule, picked: str
) -> None:
    """How many records hold each value of a picked record, where that is more than one, in the whole snapshot.

    Rows of one effective-dated person are one holder; so are the occurrences of one key, which have a rule of their own.
    """
    column = ident(rule.attribute or "")
    holder = "coalesce(parent_id, source_id)" if scope.effective else "source_id"
    applies = f"AND {_attempt(rule.when)}[1]" if rule.when else ""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {scope.temporary(f"uses {rule.number}")} AS
        WITH held AS (
            SELECT {column} AS value, {holder} AS holder FROM ({_source(scope, snapshot.holds("h"))})
            WHERE {column} IS NOT NULL {applies}
              AND ({picked == snapshot.holds("h")} OR {column} IN (SELECT h.{column} FROM {scope.history} AS h WHERE {picked}))
        ), shared AS (
            SELECT value FROM held GROUP BY value HAVING count(*) > 1
        )
        SELECT value, count(DISTINCT holder) + count(*) FILTER (holder IS NULL) AS uses
        FROM held WHERE value IN (SELECT value FROM shared) GROUP BY value
        """,
        _today(scope, cycle.as_of),
    )


def _attempt(expression: str | None) -> str:
    """A one-element list with the verdict of a user's expression; NULL instead of the list when the row makes it fail."""
    return f"TRY([(\n{expression}\n)::BOOLEAN])"


def _when(rule: RowRule) -> str:
    return ident(f"#{rule.number} when")


def _applies(rule: RowRule) -> str:
    return f"{_when(rule)}[1]" if rule.when else "TRUE"


def _crash(rule: RowRule) -> str:
    parts = [f"{_when(rule)} IS NULL"] if rule.when else []
    parts += [f"{ident(f'#{rule.number} sql')} IS NULL"] if rule.kind == "sql" else []
    return f"({' OR '.join(parts)})" if parts else "FALSE"


def _guarded(rule: RowRule, subject: Subject) -> Subject:
    if not rule.when:
        return subject
    own = subject.name.startswith("#")
    return Subject(
        subject.name if own else f"#{rule.number} {subject.name}",
        f"CASE WHEN {_applies(rule)} THEN {subject.sql} END",
        subject.kind,
    )


def _comparable(scope: RecordType, attribute: str, *, as_date: bool) -> Subject:
    """A moment is compared in UTC, or by its date in the organization's zone when its counterpart is a date."""
    column, kind = ident(attribute), scope.attributes[attribute]
    if kind != "TIMESTAMPTZ":
        return Subject(attribute, column, kind)
    if as_date:
        zone = literal(scope.stack.organization.time_zone)
        return Subject(f"{attribute} date", f"({column} AT TIME ZONE {zone})::DATE", "DATE")
    return Subject(f"{attribute} utc", f"{column} AT TIME ZONE 'UTC'", "TIMESTAMP")


def _state(scope: RecordType, attribute: str) -> str:
    """The cell's state (docs/METRICS): `present`, `hidden`, `faulty` or `empty`. Blanks are empty."""
    column, name = ident(attribute), literal(attribute)
    present = f"{column} IS NOT NULL" + (
        f" AND trim({column}) <> ''" if scope.attributes[attribute] == "VARCHAR" else ""
    )
    return (
        f"CASE WHEN {present} THEN 'present' WHEN list_contains(hidden, {name}) THEN 'hidden' "
        f"WHEN len(list_filter(faults, lambda f: f.attribute = {name})) > 0 THEN 'faulty' ELSE 'empty' END"
    )
