"""Subject access (GDPR Art. 15): everything held about one person, with purpose, source and time. How it looks is the caller's.

The attribute catalogue of the stack file is the register: purpose and retention are its words.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import duckdb

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.erase_warehouse import choose, where
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.persons import Subject
from hrorch_pipelines.audit.subject_ledger import Section, of_the_ledger
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity
from hrorch_pipelines.storage.catalog import columns_of, stored_tables
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals
from hrorch_pipelines.storage.sql import ident, literal

__all__ = ["HASHED", "Section", "assemble", "log_export"]

HASHED = "(kept as a keyed hash only)"


def assemble(
    ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, subject: Subject, now: datetime
) -> list[Section]:
    """Every section, in clear: hand the result to the person and to nobody else. Log it first (`log_export`).

    `con`: the published copy or the warehouse. Secret values are held as keyed hashes only and are not repeated.
    """
    choose(con, subject)
    values = _values(con, stack)
    with ledger.read() as transaction:
        seals = Seals(transaction, ledger.home.key(), now)
        done = of_the_ledger(transaction, seals, subject)
    held = {row[2] for row in values.rows}
    return [
        _records(con),
        _register(stack, held),
        values,
        _rows(con, "What counts, and why", "golden", "decisions", _DECIDED),
        _rows(con, "What changed", "history", "changes", _CHANGED),
        _rows(con, "States over time", "handoffs", "states", _STATES),
        _rows(con, "Held at a gate", "gates", "quarantine", _HELD),
        _rows(con, "What disagrees", "reconcile", "discrepancies", _DISAGREES),
        _rows(con, "Decisions about who is who", "identity", "decisions", _WHO),
        *done,
    ]


def log_export(
    ledger: Ledger, stack: Stack, subject: Subject, sections: Sequence[Section], by: str, now: datetime
) -> None:
    """Log that everything about a person is handed out: who does it, and how many rows. Before it is."""
    entry = Entry(
        Action.EXPORTED,
        Actor("person", by),
        person_id=subject.persons[0] if subject.persons else None,
        system=None if subject.persons else subject.records[0][0],
        source_id=None if subject.persons else subject.records[0][1],
        detail={"what": "subject access", "rows": sum(len(section.rows) for section in sections)},
    )
    with ledger.write() as con:
        append(con, Seals(con, ledger.home.key(), now), [entry], now, stack.content_hash)


_DECIDED = ("attribute", "state", "rule", "system", "source_id", "snapshot_id", "observed_at")
_CHANGED = (
    *("observed_at", "system", "record", "source_id", "attribute", "kind", "effective_from", "before", "after"),
    *("changed_by", "changed_at"),
)
_STATES = ("axis", "state", "true_from", "known_at", "known_until", "system", "source_id")
_HELD = ("system", "record", "source_id", "attribute", "rule_id", "cause", "action", "opened_at", "closed_at")
_DISAGREES = (
    *("attribute", "state", "authority_system", "authority_value", "copy_system", "copy_value", "cause"),
    *("money_at_risk", "first_seen_at"),
)
_WHO = ("left_system", "left_id", "right_system", "right_id", "verdict", "decided_by", "decided_at", "reason")


def _records(con: duckdb.DuckDBPyConnection) -> Section:
    rows = con.execute(
        """
        SELECT system, source_id, person_id, method, since, NULL AS until FROM identity.links
        SEMI JOIN erased_records USING (system, source_id)
        UNION ALL
        SELECT system, source_id, person_id, 'former', NULL, until FROM identity.former_links
        SEMI JOIN erased_records USING (system, source_id) ORDER BY ALL"""
    ).fetchall()
    return Section("Records", ("system", "source_id", "person_id", "matched_by", "since", "until"), tuple(rows))


def _register(stack: Stack, held: set[str]) -> Section:
    """Purposes, recipients and retention of what is held (Art. 15(1)(a)–(d))."""
    rows = tuple(
        (
            name,
            declared.label or name,
            declared.data_type,
            declared.sensitivity.value,
            declared.purpose,
            f"{declared.retention.days} days after leaving" if declared.retention else None,
            ", ".join(stack.systems_with(name)),
        )
        for name, declared in stack.attributes.items()
        if name in held
    )
    columns = ("attribute", "label", "data_type", "sensitivity", "purpose", "kept", "systems")
    return Section("Purpose and retention", columns, rows)


def _values(con: duckdb.DuckDBPyConnection, stack: Stack) -> Section:
    """Every version of every value that was ever read, and when it was known."""
    rows: list[tuple[Any, ...]] = []
    for (schema, table), columns in stored_tables(con).items():
        condition = where(schema, table, columns)
        if schema != "history" or condition is None or "valid_from" not in columns:
            continue
        system, _, record = table.partition(".")
        for column in sorted(columns):
            declared = stack.attributes.get(column.partition("@")[0])
            if declared is None:
                continue
            hashed = declared.type is AttributeType.SECRET or declared.sensitivity is Sensitivity.SECRET
            shown = literal(HASHED) if hashed else f"CAST({ident(column)} AS VARCHAR)"
            rows += con.execute(
                f"""SELECT {literal(system)}, {literal(record)}, {literal(column)}, {shown}, effective_from,
                           min(valid_from), nullif(max(coalesce(valid_to, 'infinity')), 'infinity'), source_id
                    FROM {ident(schema, table)} WHERE ({condition}) AND {ident(column)} IS NOT NULL
                    GROUP BY ALL ORDER BY min(valid_from)"""
            ).fetchall()
    names = ("system", "record", "attribute", "value", "effective_from", "known_from", "known_until", "source_id")
    return Section("Values", names, tuple(rows))


def _rows(con: duckdb.DuckDBPyConnection, title: str, schema: str, table: str, wanted: tuple[str, ...]) -> Section:
    known = columns_of(con, schema, table)
    columns = tuple(name for name in wanted if name in known)
    condition = where(schema, table, frozenset(known))
    if not columns or condition is None:
        return Section(title, columns, ())
    listed = ", ".join(ident(name) for name in columns)
    rows = con.execute(f"SELECT {listed} FROM {ident(schema, table)} WHERE {condition} ORDER BY ALL").fetchall()
    return Section(title, columns, tuple(rows))
