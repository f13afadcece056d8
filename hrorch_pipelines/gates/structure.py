"""Rules nobody has to declare: a record has one key, one parent, one row per day, and values that could be read."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from hrorch_pipelines.gates.results import Kind
from hrorch_pipelines.gates.rules import RowRule, structural_rule
from hrorch_pipelines.gates.scope import RecordType
from hrorch_pipelines.storage.sql import ident


def find_structural(con: duckdb.DuckDBPyConnection, scope: RecordType, rules: Sequence[RowRule]) -> list[RowRule]:
    """Insert structural failures into `failures`; return the rules, with those of unreadable values added."""
    numbers = {rule.kind: rule.number for rule in rules if rule.structural}
    _insert(con, scope, numbers["missing-key"], "record_key IS NULL")
    if scope.declared.parent:
        _insert(con, scope, numbers["missing-parent"], "parent_id IS NULL")
    if scope.effective:
        _insert(con, scope, numbers["missing-effective-date"], "effective_from IS NULL")
        _insert_ambiguous(con, scope, numbers["ambiguous-effective-date"])
    _insert_duplicates(con, scope, numbers["duplicate-key"])
    return [*rules, *_insert_unreadable(con, scope, 1 + max(rule.number for rule in rules))]


def _insert(con: duckdb.DuckDBPyConnection, scope: RecordType, rule: int, condition: str) -> None:
    con.execute(
        f"INSERT INTO {scope.temporary('failures')} SELECT gate_row, $rule, '{Kind.BAD_DATA}', NULL, NULL "
        f"FROM {scope.temporary('facts')} WHERE {condition}",
        {"rule": rule},
    )


def _insert_duplicates(con: duckdb.DuckDBPyConnection, scope: RecordType, rule: int) -> None:
    """All records of a key that several hold; rows of one day and key are told apart by their sequence."""
    con.execute(
        f"""
        INSERT INTO {scope.temporary("failures")}
        WITH several AS (
            SELECT gate_row, count(*) OVER (PARTITION BY record_key, sequence) AS holders
            FROM {scope.temporary("facts")}
            WHERE record_key IN (SELECT record_key FROM {scope.temporary("facts")} WHERE occurrence > 1)
        )
        SELECT gate_row, $rule, '{Kind.BAD_DATA}', holders::VARCHAR, NULL FROM several WHERE holders > 1
        """,
        {"rule": rule},
    )


def _insert_ambiguous(con: duckdb.DuckDBPyConnection, scope: RecordType, rule: int) -> None:
    """Rows of one person that begin on one day, differ in what they say, and have no sequence to order them."""
    content = ", ".join(f"h.{ident(name)}" for name in [*scope.attributes, "effective_to"])
    con.execute(
        f"""
        INSERT INTO {scope.temporary("failures")}
        WITH days AS (
            SELECT gate_row, history_row, coalesce(parent_id, source_id) AS person, effective_from, sequence
            FROM {scope.temporary("facts")} WHERE effective_from IS NOT NULL
        ), contested AS (
            SELECT person, effective_from, sequence FROM days WHERE person IS NOT NULL
            GROUP BY ALL HAVING count(*) > 1
        ), rivals AS (
            SELECT days.* FROM days JOIN contested ON days.person = contested.person
             AND days.effective_from = contested.effective_from AND days.sequence IS NOT DISTINCT FROM contested.sequence
        ), told AS (
            SELECT rivals.gate_row, rivals.person, rivals.effective_from, rivals.sequence,
                   hash(row({content})) AS content
            FROM rivals JOIN {scope.history} AS h ON h.rowid = rivals.history_row
        )
        SELECT gate_row, $rule, '{Kind.BAD_DATA}', NULL, NULL FROM told
        WINDOW same_day AS (PARTITION BY person, effective_from, sequence)
        QUALIFY min(content) OVER same_day <> max(content) OVER same_day
        """,
        {"rule": rule},
    )


def _insert_unreadable(con: duckdb.DuckDBPyConnection, scope: RecordType, first: int) -> list[RowRule]:
    """One rule per attribute whose value could not be converted; the raw text and the code are kept for the reviewer."""
    unreadable = scope.temporary("unreadable")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {unreadable} AS
        WITH marked AS (
            SELECT facts.gate_row, unnest(h.faults) AS fault
            FROM {scope.history} AS h JOIN {scope.temporary("facts")} AS facts ON facts.history_row = h.rowid
            WHERE len(h.faults) > 0
        )
        SELECT gate_row, fault.attribute AS attribute, min(fault.code) AS code, min(fault.found) AS found
        FROM marked GROUP BY ALL
        """
    )
    names = [row[0] for row in con.execute(f"SELECT DISTINCT attribute FROM {unreadable} ORDER BY 1").fetchall()]
    rules = []
    for number, name in enumerate(names, first):
        kind = scope.stack.attributes[name].type.value if name in scope.stack.attributes else "value"
        rules.append(structural_rule(scope, number, "convertible", expected=f"a readable {kind}", attribute=name))
        con.execute(
            f"INSERT INTO {scope.temporary('failures')} SELECT gate_row, $rule, '{Kind.BAD_DATA}', "
            f"code, found FROM {unreadable} WHERE attribute = $attribute",
            {"rule": number, "attribute": name},
        )
    con.execute(f"DROP TABLE {unreadable}")
    return rules
