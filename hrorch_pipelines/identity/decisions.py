"""What reviewers decide: verdicts on pairs, and taking back a merge, a split or a link. Verdicts bind every later pass."""

from __future__ import annotations

from typing import Literal, NamedTuple
from uuid import uuid4

import duckdb

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.identity.errors import NotUndoable, UnknownRecord


class RecordRef(NamedTuple):
    """One base record: its system and the system's own id."""

    system: str
    source_id: str


def decide(
    con: duckdb.DuckDBPyConnection,
    left: RecordRef,
    right: RecordRef,
    verdict: Literal["same", "different"],
    by: str,
    reason: str,
    clock: Clock,
) -> str:
    """Store a verdict on a pair and close its review; the next `match` joins or separates. Return the decision's id.

    The latest verdict on a pair counts. Of a pair that is one person now and is judged different, the right record (in the
    order of system and id) leaves. Raises UnknownRecord.
    """
    first, second = sorted((RecordRef(*left), RecordRef(*right)))
    for side, record in (("left", first), ("right", second)):
        if not con.execute("SELECT 1 FROM identity.links WHERE system = ? AND source_id = ?", list(record)).fetchall():
            raise UnknownRecord(record.system, side)
    return _store(con, first, second, verdict, by, reason, clock)


def undo(con: duckdb.DuckDBPyConnection, event_id: str, by: str, reason: str, clock: Clock) -> str:
    """Take back a 'merged', 'split' or 'linked' event, and keep it taken back by verdicts. Return the new event's id.

    A merge: the records it moved return to their person. A split: the record returns to the person it left. A link: the
    record gets apart from its person at the next `match`. Raises NotUndoable.
    """
    found = con.execute(
        "SELECT kind, person_id, other_person_id, system, source_id FROM identity.events WHERE event_id = ?", [event_id]
    ).fetchall()
    if not found:
        raise NotUndoable(event_id, "there is no such event")
    kind, person, other, system, source_id = found[0]
    if con.execute("SELECT 1 FROM identity.events WHERE kind = 'undone' AND part_of = ?", [event_id]).fetchall():
        raise NotUndoable(event_id, "it was undone before")
    if kind == "merged":
        _undo_merge(con, event_id, person, other, by, reason, clock)
    elif kind == "split":
        _undo_split(con, event_id, person, RecordRef(system, source_id), by, reason, clock)
    elif kind == "linked":
        _undo_link(con, event_id, person, RecordRef(system, source_id), by, reason, clock)
    else:
        raise NotUndoable(event_id, f"it is a '{kind}' event")
    undone = str(uuid4())
    con.execute(
        "INSERT INTO identity.events VALUES (?, 'undone', ?, ?, ?, ?, ?, ?, ?)",
        [undone, person, other, system, source_id, clock.now(), f"undone by {by}", event_id],
    )
    return undone


def _undo_merge(
    con: duckdb.DuckDBPyConnection, event_id: str, person: str, other: str, by: str, reason: str, clock: Clock
) -> None:
    moved = con.execute(
        """
        SELECT e.system, e.source_id FROM identity.events e JOIN identity.links l USING (system, source_id)
        WHERE e.part_of = ? AND e.kind = 'linked' AND l.person_id = ? ORDER BY ALL""",
        [event_id, person],
    ).fetchall()
    if not moved:
        raise NotUndoable(event_id, "none of the records it moved is still with that person")
    staying = con.execute(
        """
        SELECT system, source_id FROM identity.links
        WHERE person_id = ? AND (system, source_id) NOT IN (
            SELECT (system, source_id) FROM identity.events WHERE part_of = ? AND kind = 'linked')
        ORDER BY ALL""",
        [person, event_id],
    ).fetchall()
    con.execute("UPDATE identity.persons SET merged_into = NULL WHERE person_id = ?", [other])
    for record in moved:
        con.execute(
            "UPDATE identity.links SET person_id = ?, method = 'decision', since = ? WHERE system = ? AND source_id = ?",
            [other, clock.now(), *record],
        )
        for remaining in staying:
            left, right = sorted((RecordRef(*record), RecordRef(*remaining)))
            _store(con, left, right, "different", by, reason, clock)


def _undo_split(
    con: duckdb.DuckDBPyConnection, event_id: str, person: str, record: RecordRef, by: str, reason: str, clock: Clock
) -> None:
    if con.execute(
        "SELECT 1 FROM identity.persons WHERE person_id = ? AND merged_into IS NOT NULL", [person]
    ).fetchall():
        raise NotUndoable(event_id, "the person it left was merged since; undo that merge first")
    if not con.execute("SELECT 1 FROM identity.links WHERE system = ? AND source_id = ?", list(record)).fetchall():
        raise NotUndoable(event_id, "the record has left its system")
    mates = con.execute(
        "SELECT system, source_id FROM identity.links WHERE person_id = ? ORDER BY ALL", [person]
    ).fetchall()
    con.execute(
        "UPDATE identity.links SET person_id = ?, method = 'decision', since = ? WHERE system = ? AND source_id = ?",
        [person, clock.now(), *record],
    )
    for mate in mates:
        left, right = sorted((record, RecordRef(*mate)))
        _store(con, left, right, "same", by, reason, clock)
    _store(con, record, record, "same", by, reason, clock)


def _undo_link(
    con: duckdb.DuckDBPyConnection, event_id: str, person: str, record: RecordRef, by: str, reason: str, clock: Clock
) -> None:
    linked = con.execute(
        "SELECT 1 FROM identity.links WHERE system = ? AND source_id = ? AND person_id = ?", [*record, person]
    ).fetchall()
    mates = con.execute(
        "SELECT system, source_id FROM identity.links WHERE person_id = ? AND (system, source_id) <> (?, ?) ORDER BY ALL",
        [person, *record],
    ).fetchall()
    if not linked or not mates:
        raise NotUndoable(event_id, "the record is no longer with that person, or it is that person's only one")
    con.execute("DELETE FROM identity.links WHERE system = ? AND source_id = ?", list(record))
    con.execute(
        "INSERT INTO identity.events VALUES (uuid()::VARCHAR, 'split', ?, NULL, ?, ?, ?, ?, NULL)",
        [person, *record, clock.now(), f"link undone by {by}"],
    )
    for mate in mates:
        left, right = sorted((record, RecordRef(*mate)))
        _store(con, left, right, "different", by, reason, clock)


def _store(
    con: duckdb.DuckDBPyConnection, left: RecordRef, right: RecordRef, verdict: str, by: str, reason: str, clock: Clock
) -> str:
    now = clock.now()
    decision = str(uuid4())
    con.execute(
        """
        INSERT INTO identity.decisions
        SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, coalesce(max(sequence), 0) + 1 FROM identity.decisions""",
        [decision, *left, *right, verdict, by, now, reason],
    )
    con.execute("INSERT INTO identity.pending VALUES (?, ?), (?, ?)", [*left, *right])
    con.execute(
        """
        UPDATE identity.reviews SET closed_at = ?, outcome = ?
        WHERE closed_at IS NULL AND left_system = ? AND left_id = ? AND right_system = ? AND right_id = ?""",
        [now, verdict, *left, *right],
    )
    return decision
