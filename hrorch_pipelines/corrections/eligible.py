"""Which discrepancies may become writes, by what the warehouse knows; the temporary table `corr_judged`.

Everything that is doubted is refused with a reason. What the ledger knows (open corrections, fights) is judged in `plan`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import duckdb

from hrorch_pipelines.authority.conditions import parse
from hrorch_pipelines.authority.spells import ENDED
from hrorch_pipelines.corrections.in_force import find_rows_in_force
from hrorch_pipelines.corrections.terms import Refusal
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.stack.writing import RestWrite
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident

LOOKED_AT = ("disagree", "ghost", "missing_record")
"""States that are looked at; each such row is planned or refused."""


@dataclass(frozen=True)
class Evidence:
    """What lies outside the warehouse: live overrides (person, attribute, system or None), systems whose newest snapshot is
    not the one in use because it was refused, persons whose key was destroyed."""

    overrides: tuple[tuple[str, str, str | None], ...] = ()
    untrusted: frozenset[str] = frozenset()
    erased: frozenset[str] = field(default_factory=frozenset)


def judge(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, evidence: Evidence) -> None:
    """Make `corr_judged`: one row per write that a discrepancy asks for, `reason` NULL where it may be made.

    Columns: discrepancy_id, part (1; 2 = the end date that goes with a ghost's status), person_id, target, record,
    source_id, attribute, data_type, stage, before, after, effective_from, cause, authority_system,
    authority_snapshot_id, target_snapshot_id, changed_by, reason.
    """
    _look(con, stack)
    _declared(con, stack)
    _doubts(con, stack, cycle)
    _people(con, stack, cycle, evidence)
    find_rows_in_force(con, stack, cycle)
    _references(con, stack)
    _decide(con, stack, cycle, evidence)


def _look(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE corr_writes AS
        WITH every AS (
            SELECT *, false AS suspended FROM reconcile.discrepancies
            UNION ALL BY NAME SELECT *, true AS suspended FROM reconcile.suspended)
        SELECT discrepancy_id, 1 AS part, person_id, copy_system AS target, copy_source_id AS source_id, attribute, data_type, stage,
               state, copy_value AS before, authority_value AS after, cause, authority_system, authority_source_id,
               authority_snapshot_id, copy_snapshot_id AS target_snapshot_id, copy_changed_by AS changed_by, suspended
        FROM every WHERE state IN ({", ".join(f"'{state}'" for state in LOOKED_AT)})"""
    )
    # Where the employment has ended, the last day goes with the status.
    types = {
        name: stack.attributes[name].data_type for name in ("end_date", "employment_status") if name in stack.attributes
    }
    if len(types) != 2 or types["end_date"] != types["employment_status"]:
        return
    for target, system in stack.systems.items():
        if "end_date" not in system.mapped() or not has_table(con, "cells", target):
            continue
        con.execute(
            f"""
            INSERT INTO corr_writes BY NAME
            SELECT w.* REPLACE (2 AS part, 'end_date' AS attribute, CAST(c.end_date AS VARCHAR) AS before,
                                CAST(g.end_date AS VARCHAR) AS after)
            FROM corr_writes w JOIN golden.wide g USING (person_id) JOIN {ident("cells", target)} c USING (person_id)
            WHERE w.state = 'ghost' AND w.target = $target AND g.end_date IS NOT NULL AND c.end_date IS DISTINCT FROM g.end_date
              AND NOT EXISTS (SELECT 1 FROM corr_writes o WHERE o.person_id = w.person_id AND o.target = w.target
                              AND o.attribute = 'end_date')""",
            {"target": target},
        )


def _declared(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """`corr_writable(target, attribute, record, dated)`: what the stack file lets us write."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE corr_writable (target VARCHAR, attribute VARCHAR, record VARCHAR, dated BOOLEAN)"
    )
    rows = []
    for target, system in stack.systems.items():
        mapped = system.mapped()
        for attribute in system.writes.attributes if system.writes else []:
            record = mapped.get(attribute)
            if record is not None and takes(system.records[record], attribute):
                rows.append((target, attribute, record, system.records[record].effective is not None))
    _fill(con, "corr_writable", rows)


def _doubts(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """`corr_doubts(system, person_id, attribute, kind)`: cells that are not simply their value; 'absent' is no doubt, only news."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE corr_doubts (system VARCHAR, person_id VARCHAR, attribute VARCHAR, kind VARCHAR)"
    )
    for system in stack.systems:
        if system not in cycle.sources or not has_table(con, "cells", system):
            continue
        for kind in ("held", "hidden", "unresolved", "absent"):
            con.execute(
                f"""INSERT INTO corr_doubts
                    SELECT $system, person_id, unnest({kind}), $kind
                    FROM {ident("cells", system)} SEMI JOIN corr_writes USING (person_id) WHERE len({kind}) > 0""",
                {"system": system, "kind": kind},
            )


def _people(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, evidence: Evidence) -> None:
    """`corr_left_alone` (never touched, by `where`), `corr_asked` (identity is open), `corr_overrides`."""
    con.execute("CREATE OR REPLACE TEMP TABLE corr_left_alone (person_id VARCHAR)")
    for person in left_alone(con, stack, cycle):
        con.execute("INSERT INTO corr_left_alone VALUES (?)", [person])
    con.execute("CREATE OR REPLACE TEMP TABLE corr_asked (person_id VARCHAR)")
    if has_table(con, "identity", "reviews"):
        con.execute(
            """INSERT INTO corr_asked
               WITH asked AS (
                   SELECT left_system AS system, left_id AS source_id FROM identity.reviews WHERE closed_at IS NULL
                   UNION SELECT right_system, right_id FROM identity.reviews WHERE closed_at IS NULL)
               SELECT DISTINCT person_id FROM identity.links SEMI JOIN asked USING (system, source_id)"""
        )
    con.execute("CREATE OR REPLACE TEMP TABLE corr_overrides (person_id VARCHAR, attribute VARCHAR, system VARCHAR)")
    _fill(con, "corr_overrides", evidence.overrides)


def left_alone(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> set[str]:
    """Persons of whom `corrections.never_touch.where` is true. What cannot be told of a person leaves them alone, too."""
    where = stack.corrections.never_touch.where
    if where is None:
        return set()
    condition = parse("corrections.never_touch.where", where)
    rows = con.execute(
        f"SELECT person_id FROM (SELECT *, $as_of::DATE AS as_of FROM golden.persons) WHERE coalesce({condition.sql}, true)",
        {"as_of": cycle.as_of},
    ).fetchall()
    return {person for (person,) in rows}


def _references(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Where a value is a person: the target's own ids of the one it refers to now and of the one it should."""
    con.execute(
        "CREATE OR REPLACE TEMP TABLE corr_refers (target VARCHAR, attribute VARCHAR, referred VARCHAR, source_id VARCHAR)"
    )
    people = [name for name, declared in stack.attributes.items() if declared.type is AttributeType.PERSON]
    found = con.execute(
        "SELECT DISTINCT target, attribute FROM corr_writes WHERE list_contains($people, attribute)", {"people": people}
    ).fetchall()
    for target, attribute in found:
        if has_table(con, "cells", target):
            con.execute(
                f"INSERT INTO corr_refers SELECT ?, ?, person_id, source_id FROM {ident('cells', target)}",
                [target, attribute],
            )


def _decide(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, evidence: Evidence) -> None:
    touch = stack.corrections.never_touch
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE corr_judged AS
        WITH sided AS (
            SELECT w.*, p.record, p.dated, list_contains($people, w.attribute) AS refers, t.raw AS held_reference,
                   f.source_id AS wanted_reference, t.owner IS NOT NULL AS has_row, t.since AS target_since, a.since AS authority_since,
                   (SELECT list(DISTINCT d.kind) FROM corr_doubts d
                    WHERE d.person_id = w.person_id AND d.attribute = w.attribute
                      AND d.system IN (w.target, w.authority_system)) AS doubts,
                   EXISTS (SELECT 1 FROM corr_doubts d WHERE d.kind = 'absent' AND d.system = w.target
                           AND d.person_id = w.person_id AND d.attribute = w.attribute) AS without_row
            FROM corr_writes w
            LEFT JOIN corr_writable p USING (target, attribute)
            LEFT JOIN corr_in_force t ON t.role = 'target' AND t.system = w.target AND t.attribute = w.attribute AND t.owner = w.source_id
            LEFT JOIN corr_in_force a ON a.role = 'authority' AND a.system = w.authority_system AND a.attribute = w.attribute
                                     AND a.owner = w.authority_source_id
            LEFT JOIN corr_refers f ON f.target = w.target AND f.attribute = w.attribute AND f.referred = w.after)
        SELECT discrepancy_id, part, person_id, target, record, source_id, attribute, data_type, stage, state,
               CASE WHEN refers THEN held_reference ELSE before END AS before,
               CASE WHEN refers THEN wanted_reference ELSE after END AS after,
               CASE WHEN dated AND (NOT has_row OR authority_since > target_since) THEN authority_since END AS effective_from,
               cause, authority_system, authority_snapshot_id, target_snapshot_id, changed_by,
               CASE
                   WHEN state = 'missing_record' THEN '{Refusal.HANDOFF}'
                   WHEN NOT list_contains($targets, target) THEN '{Refusal.NOT_A_TARGET}'
                   WHEN record IS NULL THEN '{Refusal.NOT_DECLARED}'
                   WHEN list_contains($secrets, attribute) THEN '{Refusal.SECRET}'
                   WHEN list_contains($never_attributes, attribute) OR list_contains($never_systems, target)
                        OR list_contains($never_records, concat(target, ':', source_id))
                        OR person_id IN (SELECT person_id FROM corr_left_alone) THEN '{Refusal.NEVER_TOUCH}'
                   WHEN list_contains($stale, authority_system) THEN '{Refusal.AUTHORITY_STALE}'
                   WHEN list_contains($stale, target) OR suspended THEN '{Refusal.TARGET_STALE}'
                   WHEN list_contains($untrusted, authority_system) THEN '{Refusal.AUTHORITY_UNTRUSTED}'
                   WHEN list_contains($untrusted, target) THEN '{Refusal.TARGET_UNTRUSTED}'
                   WHEN list_contains(doubts, 'held') THEN '{Refusal.HELD}'
                   WHEN list_contains(doubts, 'hidden') THEN '{Refusal.HIDDEN}'
                   WHEN list_contains(doubts, 'unresolved') THEN '{Refusal.UNRESOLVED}'
                   WHEN after IS NULL OR source_id IS NULL THEN '{Refusal.AUTHORITY_EMPTY}'
                   WHEN state = 'ghost' AND part = 1 AND NOT list_contains($ended, lower(after)) THEN '{Refusal.NOT_AN_END}'
                   WHEN EXISTS (SELECT 1 FROM corr_overrides o WHERE o.person_id = sided.person_id AND o.attribute = sided.attribute
                                AND (o.system IS NULL OR o.system = target)) THEN '{Refusal.OVERRIDDEN}'
                   WHEN person_id IN (SELECT person_id FROM corr_asked) THEN '{Refusal.IDENTITY_REVIEW}'
                   WHEN refers AND wanted_reference IS NULL THEN '{Refusal.NO_SUCH_REFERENCE}'
                   WHEN refers AND before IS NOT NULL AND held_reference IS NULL THEN '{Refusal.REFERENCE_UNCLEAR}'
                   WHEN without_row AND NOT (dated AND authority_since IS NOT NULL) THEN '{Refusal.NO_ROW}'
                   WHEN list_contains($erased, person_id) THEN '{Refusal.ERASED}'
               END AS reason
        FROM sided
        """,
        {
            "people": [name for name, declared in stack.attributes.items() if declared.type is AttributeType.PERSON],
            "secrets": [name for name, declared in stack.attributes.items() if declared.type is AttributeType.SECRET],
            "targets": targets(stack),
            "never_attributes": touch.attributes,
            "never_systems": touch.systems,
            "never_records": touch.records,
            "stale": sorted({name for name in stack.systems if name in cycle.stale or name not in cycle.sources}),
            "untrusted": sorted(evidence.untrusted),
            "erased": sorted(evidence.erased),
            "ended": list(ENDED),
        },
    )
    # A ghost whose end is written by the row of its end date has its write.
    con.execute(
        """UPDATE corr_judged SET reason = 'carried' WHERE state = 'ghost' AND reason = 'not_declared' AND EXISTS (
               SELECT 1 FROM corr_judged o WHERE o.person_id = corr_judged.person_id AND o.target = corr_judged.target
               AND o.attribute = 'end_date' AND o.state = 'disagree' AND o.reason IS NULL)"""
    )


def takes(record: Record, attribute: str) -> bool:
    """Whether the record type's `write` changes this attribute."""
    only = record.write.only if isinstance(record.write, RestWrite) else []
    return record.write is not None and (not only or attribute in only)


def targets(stack: Stack) -> list[str]:
    """Systems that corrections may write: those that declare `writes`, and only those of `corrections.targets` if given."""
    chosen = stack.corrections.targets
    return [
        name
        for name, system in stack.systems.items()
        if system.writes is not None and (chosen is None or name in chosen)
    ]


def _fill(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[object, ...]]) -> None:
    rows = list(rows)
    if rows:
        con.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(rows[0]))})", rows)
