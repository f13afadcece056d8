"""The last good version of every record: what passed goes in, what is gone goes out, what waits is marked as held."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.gates.judge import Judgement, deciding
from hrorch_pipelines.gates.scope import RecordType, Snapshot
from hrorch_pipelines.gates.tables import accepted_columns
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident

_SAME = "a.record_key = v.record_key AND a.sequence IS NOT DISTINCT FROM v.sequence"
"""One version of a record: its key and, among rows of one day, its sequence."""


def accept(con: duckdb.DuckDBPyConnection, judgement: Judgement, snapshot: Snapshot, cycle: Cycle) -> None:
    """Bring `accepted` in line with the verdicts, and tell later stages which records to look at again."""
    _write_verdicts(con, judgement)
    if judgement.everything:
        _replace_all(con, judgement, snapshot)
    else:
        _remove_gone(con, judgement, snapshot, cycle)
        _replace_passed(con, judgement)
    _hold_failed(con, judgement)
    if not cycle.full:
        _touch(con, judgement, cycle)


def keep_pending(con: duckdb.DuckDBPyConnection, judgement: Judgement, cycle: Cycle) -> None:
    """Remember, for the next gate, every record of a snapshot that was refused, and what the cycle touched."""
    scope = judgement.scope
    con.execute(
        f"""
        INSERT INTO gates.pending
        SELECT $system, $record, person FROM (
            SELECT coalesce(parent_id, source_id) AS person FROM {scope.temporary("facts")}
            UNION SELECT source_id FROM cycles.touched_records
            WHERE cycle_id = $cycle_id AND system = $system AND record = $record
        ) WHERE person IS NOT NULL
          AND person NOT IN (SELECT source_id FROM gates.pending WHERE system = $system AND record = $record)
        """,
        {"system": scope.system, "record": scope.record, "cycle_id": cycle.cycle_id},
    )


def settle_pending(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    """Nothing is pending any more, but for records that a crashed rule left unjudged."""
    scope = judgement.scope
    names = {"system": scope.system, "record": scope.record}
    con.execute("DELETE FROM gates.pending WHERE system = $system AND record = $record", names)
    if judgement.unjudged:
        con.execute(
            "INSERT INTO gates.pending SELECT DISTINCT $system, $record, coalesce(parent_id, source_id) "
            f"FROM {scope.temporary('facts')} WHERE coalesce(parent_id, source_id) IS NOT NULL",
            names,
        )


def _write_verdicts(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    """`verdicts`: the judged records that have a key. In a timeline, the row before a failing one is held too:
    without the failing row it would seem to go on for longer than it does."""
    scope = judgement.scope
    followed = (
        "coalesce(lead(failing) OVER (PARTITION BY coalesce(parent_id, source_id) ORDER BY effective_from, sequence), FALSE)"
        if scope.effective
        else "FALSE"
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {scope.temporary("verdicts")} AS
        WITH marked AS (
            SELECT history_row, record_key, sequence, source_id, parent_id, effective_from,
                   $unjudged OR gate_row IN (
                       SELECT gate_row FROM {scope.temporary("failures")} WHERE list_contains($deciding, rule)
                   ) AS failing
            FROM {scope.temporary("facts")}
        )
        SELECT *, {followed} AS held FROM marked WHERE record_key IS NOT NULL
        """,
        {"unjudged": judgement.unjudged, "deciding": deciding(judgement)},
    )


def _remove_gone(con: duckdb.DuckDBPyConnection, judgement: Judgement, snapshot: Snapshot, cycle: Cycle) -> None:
    """Only records that were touched, were pending or have been judged can be gone: the others are as they were.

    A held one is looked at always: what is accepted of it is older than what history last had, and may belong to another
    person than the version that went away, whom nobody has touched. Then that person is touched here.
    """
    scope = judgement.scope
    names = {"system": scope.system, "record": scope.record, "cycle_id": cycle.cycle_id}
    # What has been judged is there: only the others, few or none, are looked up in history.
    gone = con.execute(
        f"""
        DELETE FROM {scope.accepted} WHERE rowid IN (
            WITH asked AS (
                SELECT coalesce(parent_id, source_id) AS owner FROM {scope.temporary("facts")}
                UNION SELECT source_id FROM gates.pending WHERE system = $system AND record = $record
                UNION SELECT source_id FROM cycles.touched_records
                WHERE cycle_id = $cycle_id AND system = $system AND record = $record
            ), looked_at AS MATERIALIZED (
                SELECT rowid AS place, record_key, sequence FROM {scope.accepted}
                WHERE held OR coalesce(parent_id, source_id) IN (SELECT owner FROM asked)
            ), unjudged AS MATERIALIZED (
                SELECT * FROM looked_at AS a WHERE NOT EXISTS (SELECT 1 FROM {scope.temporary("facts")} AS v WHERE {_SAME})
            ), still_there AS (
                SELECT record_key, sequence FROM {scope.history} AS v
                WHERE {snapshot.holds("v")} AND v.record_key IN (SELECT record_key FROM unjudged)
            )
            SELECT place FROM unjudged AS a WHERE NOT EXISTS (SELECT 1 FROM still_there AS v WHERE {_SAME}))
        RETURNING CASE WHEN held THEN coalesce(parent_id, source_id) END
        """,
        names,
    ).fetchall()
    owners = sorted({row[0] for row in gone if row[0] is not None})
    if owners and not cycle.full:
        con.execute(
            """
            INSERT INTO cycles.touched_records
            SELECT $cycle_id, $system, $record, owner FROM (SELECT unnest($owners) AS owner) WHERE owner NOT IN (
                SELECT source_id FROM cycles.touched_records
                WHERE cycle_id = $cycle_id AND system = $system AND record = $record AND source_id IS NOT NULL)
            """,
            {**names, "owners": owners},
        )


def _replace_passed(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    scope = judgement.scope
    verdicts = scope.temporary("verdicts")
    con.execute(f"DELETE FROM {scope.accepted} AS a USING {verdicts} AS v WHERE NOT v.failing AND {_SAME}")
    con.execute(
        f"{_insert(scope)}, v.held FROM {scope.history} AS h JOIN {verdicts} AS v ON v.history_row = h.rowid "
        "WHERE NOT v.failing"
    )


def _replace_all(con: duckdb.DuckDBPyConnection, judgement: Judgement, snapshot: Snapshot) -> None:
    """As `_remove_gone` and `_replace_passed` together, when all of the snapshot's records have been judged: only what
    fails is looked up, not what passes."""
    scope = judgement.scope
    verdicts = scope.temporary("verdicts")
    con.execute(
        f"DELETE FROM {scope.accepted} AS a WHERE NOT EXISTS (SELECT 1 FROM {verdicts} AS v WHERE v.failing AND {_SAME})"
    )
    con.execute(
        f"{_insert(scope)}, h.rowid IN (SELECT history_row FROM {verdicts} WHERE held) FROM {scope.history} AS h "
        f"WHERE {snapshot.holds('h')} AND h.record_key IS NOT NULL "
        f"AND h.rowid NOT IN (SELECT history_row FROM {verdicts} WHERE failing)"
    )


def _insert(scope: RecordType) -> str:
    columns = list(accepted_columns(scope))
    listed = ", ".join(ident(name) for name in [*columns, "held"])
    return f"INSERT INTO {scope.accepted} ({listed}) SELECT {', '.join(f'h.{ident(name)}' for name in columns)}"


def _hold_failed(con: duckdb.DuckDBPyConnection, judgement: Judgement) -> None:
    scope = judgement.scope
    con.execute(
        f"UPDATE {scope.accepted} AS a SET held = TRUE FROM {scope.temporary('verdicts')} AS v "
        f"WHERE v.failing AND NOT a.held AND {_SAME}"
    )


def _touch(con: duckdb.DuckDBPyConnection, judgement: Judgement, cycle: Cycle) -> None:
    """Records whose standing changed without being touched themselves: waiting ones, and sharers of a value."""
    scope = judgement.scope
    con.execute(
        f"""
        INSERT INTO cycles.touched_records
        SELECT $cycle_id, $system, $record, person FROM (
            SELECT coalesce(parent_id, source_id) AS person FROM {scope.temporary("facts")}
            UNION SELECT source_id FROM gates.pending WHERE system = $system AND record = $record
        ) WHERE person IS NOT NULL AND person NOT IN (
            SELECT source_id FROM cycles.touched_records
            WHERE cycle_id = $cycle_id AND system = $system AND record = $record AND source_id IS NOT NULL)
        """,
        {"cycle_id": cycle.cycle_id, "system": scope.system, "record": scope.record},
    )
