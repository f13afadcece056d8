"""M1's landings: changes of a value in a system that is not its authority, and who brought them there."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import timedelta

import duckdb

from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal, record_table

SCHEMA = """
CREATE SCHEMA IF NOT EXISTS reconcile;
CREATE TABLE IF NOT EXISTS reconcile.landings (
    landing_id VARCHAR PRIMARY KEY, person_id VARCHAR, attribute VARCHAR, system VARCHAR, record VARCHAR, source_id VARCHAR,
    landed_at TIMESTAMPTZ, detected_at TIMESTAMPTZ, changed_by VARCHAR, attribution VARCHAR, rule INTEGER, cause VARCHAR,
    cycle_id VARCHAR);
CREATE TABLE IF NOT EXISTS reconcile.write_ledger (
    target VARCHAR, person_id VARCHAR, attribute VARCHAR, value_hash VARCHAR, acknowledged_at TIMESTAMPTZ,
    window_ends_at TIMESTAMPTZ);
"""
"""`write_ledger` holds what we wrote ourselves and the target acknowledged; `value_hash` is `value_hash()` of the text."""

LOOK_BACK = timedelta(days=90)
"""A change whose record could not be matched yet is looked at again for this long."""

TYPING = (
    Cause.TRANSPOSED_DIGITS,
    Cause.ONE_DIGIT,
    Cause.DAY_MONTH_SWAPPED,
    Cause.LEADING_ZEROS_LOST,
    Cause.ROW_SLIP,
    Cause.ENTRY_DATE_AS_EFFECTIVE,
)
"""Causes that only hands produce."""

_NEW = """
CREATE OR REPLACE TEMP TABLE new_landings AS
WITH recent AS (
    SELECT md5(concat_ws('|', snapshot_id, system, record, record_key, attribute)) AS landing_id, *
    FROM history.changes
    WHERE kind IN ('created', 'updated') AND after IS NOT NULL AND observed_at > $since
), unseen AS (
    SELECT recent.*, links.person_id, links.source_id AS base_id,
           -- A stamp older than the last snapshot that did not show the change cannot be about it.
           changed_at IS NULL OR previous_observed_at IS NULL OR changed_at >= previous_observed_at AS stamp_tells
    FROM recent ANTI JOIN reconcile.landings USING (landing_id)
    JOIN (FROM identity.links WHERE source_id IN (SELECT coalesce(parent_id, source_id) FROM recent)) AS links
      ON links.system = recent.system AND links.source_id = coalesce(recent.parent_id, recent.source_id)
), known AS (
    SELECT person_id, system, min(since) AS since FROM identity.links
    WHERE person_id IN (SELECT person_id FROM unseen) GROUP BY ALL
), staged AS (
    SELECT unseen.landing_id, {stage} AS stage
    FROM unseen JOIN golden.persons AS golden USING (person_id) LEFT JOIN known USING (person_id)
    GROUP BY unseen.landing_id, unseen.system
)
SELECT unseen.landing_id, unseen.person_id, unseen.attribute, unseen.system, unseen.record, unseen.base_id AS source_id,
       unseen.effective_from, unseen.after,
       CASE WHEN stamp_tells THEN coalesce(unseen.changed_at, unseen.observed_at) ELSE unseen.observed_at END AS landed_at,
       -- A stamp is the record's: this value may have come before the change that it speaks of, but after the last snapshot.
       coalesce(unseen.previous_observed_at, unseen.changed_at, unseen.observed_at) AS earliest,
       unseen.observed_at AS detected_at,
       CASE WHEN stamp_tells THEN unseen.changed_by END AS changed_by
FROM unseen JOIN staged USING (landing_id)
JOIN landing_authority AS authority ON authority.attribute = unseen.attribute AND authority.stage = staged.stage
WHERE authority.system <> unseen.system
"""

# The first rule that hits decides (METRICS.md, M1).
_INSERT = """
INSERT INTO reconcile.landings
WITH attributed AS (
    SELECT n.*, d.cause,
           CASE WHEN w.ours THEN 1
                WHEN s.account IS NOT NULL THEN 2
                WHEN nullif(trim(n.changed_by), '') IS NOT NULL THEN 3
                WHEN d.cause IS NOT NULL THEN 4
                ELSE 5 END AS rule
    FROM new_landings AS n
    LEFT JOIN landing_writes AS w USING (landing_id)
    LEFT JOIN landing_accounts AS s ON s.system = n.system AND s.account = lower(trim(n.changed_by))
    LEFT JOIN (SELECT person_id, attribute, copy_system, any_value(copy_value) AS copy_value, any_value(cause) AS cause
               FROM reconcile.discrepancies WHERE list_contains($typing, cause) GROUP BY ALL) AS d
      ON d.person_id = n.person_id AND d.attribute = n.attribute AND d.copy_system = n.system AND d.copy_value = n.after
)
SELECT landing_id, person_id, attribute, system, record, source_id, landed_at, detected_at, changed_by,
       ['orchestrator', 'integration', 'manual', 'manual_probable', 'unknown'][rule], rule, cause, $cycle
FROM attributed
"""


@dataclass(frozen=True)
class LandingResult:
    """Landings added in this cycle."""

    added: int


def attribute_landings(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, key: bytes) -> LandingResult:
    """Add every landing not yet counted and say who brought it, by the first rule that hits. Idempotent.

    `key` is the home's key, under which the write ledger keeps the values it wrote.
    """
    con.execute(SCHEMA)
    _declare(con, stack)
    con.execute(_NEW.format(stage=_stage_then(stack)), {"since": cycle.now - LOOK_BACK})
    _drop_repeats(con, stack)
    _find_own_writes(con, key)
    con.execute(_INSERT, {"typing": [cause.value for cause in TYPING], "cycle": cycle.cycle_id})
    added = con.execute("SELECT count(*) FROM new_landings").fetchone()
    for table in ("new_landings", "landing_writes", "landing_accounts", "landing_authority"):
        con.execute(f"DROP TABLE {table}")
    return LandingResult(int(added[0]) if added else 0)


def value_hash(key: bytes, target: str, person_id: str, attribute: str, value: str) -> str:
    """HMAC-SHA-256 of a written value: recognisable later, unreadable meanwhile (a plain hash of a salary is guessed)."""
    return hmac.new(key, f"{target}\x1f{person_id}\x1f{attribute}\x1f{value}".encode(), hashlib.sha256).hexdigest()


def _stage_then(stack: Stack) -> str:
    """SQL over `unseen`, `known` and `golden`: the stage in which the value arrived, which says whose it was to state.

    That is the stage by the records known before it was seen: what is typed into the HRIS for a candidate is a copy of the
    ATS, although the person is a worker from then on; and what came from the ATS stays an original. A record that is the
    first of a person's stands for the stage of its own system. A stage's condition is not known of former days: of two
    stages of one system it is today's.
    """

    def holds(stage: str, of: str) -> str:
        systems = ", ".join(literal(system) for system in stack.stages[stage].present_in)
        return f"{of} IN ({systems})"

    def before(stage: str) -> str:
        return f"bool_or({holds(stage, 'known.system')} AND known.since < unseen.observed_at)"

    today = " ".join(f"WHEN any_value(golden.stage) = {literal(name)} THEN {before(name)}" for name in stack.stages)
    then = " ".join(f"WHEN {before(name)} THEN {literal(name)}" for name in stack.stages)
    own = " ".join(f"WHEN {holds(name, 'unseen.system')} THEN {literal(name)}" for name in stack.stages)
    return f"""CASE WHEN any_value(golden.stage) IS NULL THEN NULL
        WHEN CASE {today} END THEN any_value(golden.stage) {then} {own} ELSE any_value(golden.stage) END"""


def _find_own_writes(con: duckdb.DuckDBPyConnection, key: bytes) -> None:
    """Landings that we ourselves wrote: same target, person, attribute and value, inside the handoff's window."""
    con.execute("CREATE OR REPLACE TEMP TABLE landing_writes (landing_id VARCHAR PRIMARY KEY, ours BOOLEAN)")
    candidates = con.execute(
        """SELECT n.landing_id, n.system, n.person_id, n.attribute, n.after, w.value_hash
           FROM new_landings AS n JOIN reconcile.write_ledger AS w
             ON w.target = n.system AND w.person_id = n.person_id AND w.attribute = n.attribute
            AND n.detected_at >= w.acknowledged_at AND n.earliest <= w.window_ends_at"""
    ).fetchall()
    ours = {row[0] for row in candidates if hmac.compare_digest(row[5], value_hash(key, *row[1:5]))}
    if ours:
        con.executemany("INSERT INTO landing_writes VALUES (?, true)", [[identifier] for identifier in sorted(ours)])


def _declare(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """The stack file's part of the question: who decides what in which stage, and which accounts are integrations."""
    con.execute("CREATE OR REPLACE TEMP TABLE landing_authority (attribute VARCHAR, stage VARCHAR, system VARCHAR)")
    authority = [
        (name, stage, rule.system)
        for name, attribute in stack.attributes.items()
        if attribute.compare
        for stage, rule in stack.authority.get(attribute.data_type, {}).items()
        if name in stack.systems[rule.system].mapped()
    ]
    if authority:
        con.executemany("INSERT INTO landing_authority VALUES (?, ?, ?)", authority)
    con.execute("CREATE OR REPLACE TEMP TABLE landing_accounts (system VARCHAR, account VARCHAR)")
    accounts = [
        (name, account.lower()) for name, system in stack.systems.items() for account in system.service_accounts
    ]
    if accounts:
        con.executemany("INSERT INTO landing_accounts VALUES (?, ?)", accounts)


def _drop_repeats(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """A new effective-dated row that repeats the row before it changed nothing: no-ops do not count."""
    for name, system in stack.systems.items():
        for record_name, record in system.records.items():
            if record.effective is None or not has_table(con, "history", f"{name}.{record_name}"):
                continue
            for attribute in record.fields:
                con.execute(
                    f"""DELETE FROM new_landings WHERE system = ? AND record = ? AND attribute = ? AND after IS NOT DISTINCT FROM (
                            SELECT arg_max(CAST(h.{ident(attribute)} AS VARCHAR), h.effective_from)
                            FROM {record_table("history", name, record_name)} AS h
                            WHERE h.parent_id = new_landings.source_id AND h.effective_from < new_landings.effective_from)""",
                    [name, record_name, attribute],
                )
