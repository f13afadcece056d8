"""Legal holds: who may not be erased, whatever their request or the retention says. They are set in the stack file."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.audit.persons import Record, Subject, find
from hrorch_pipelines.audit.refusals import AmbiguousSubjectError, LegalHoldError, UnknownSubjectError
from hrorch_pipelines.stack.models import Stack


def require_free(con: duckdb.DuckDBPyConnection, stack: Stack, subject: Subject) -> None:
    """Raise LegalHoldError when any entry of `legal_hold` stands for this person, under any of their ids or records."""
    for entry in stack.legal_hold:
        held = _held(con, stack, entry)
        if set(held.persons) & set(subject.persons) or set(held.records) & set(subject.records):
            raise LegalHoldError(entry)


def held(con: duckdb.DuckDBPyConnection, stack: Stack) -> tuple[set[str], set[Record]]:
    """All persons and all records under a hold."""
    subjects = [_held(con, stack, entry) for entry in stack.legal_hold]
    return (
        {person for subject in subjects for person in subject.persons},
        {record for subject in subjects for record in subject.records},
    )


def _held(con: duckdb.DuckDBPyConnection, stack: Stack, entry: str) -> Subject:
    """Whom an entry stands for. One that nobody is known for yet holds what it says, letter by letter.

    A beginning of an id that stands for several holds them all: in doubt, nothing is destroyed.
    """
    try:
        return find(con, stack, entry)
    except AmbiguousSubjectError:
        rows = con.execute(
            "SELECT DISTINCT person_id FROM identity.links WHERE starts_with(person_id, ?)", [entry]
        ).fetchall()
        return Subject(tuple(str(row[0]) for row in rows), ())
    except UnknownSubjectError:
        system, separator, source_id = entry.partition(":")
        return Subject((), ((system, source_id),)) if separator else Subject((entry,), ())
