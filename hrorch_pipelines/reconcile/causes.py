"""How a wrong value came to be wrong: each disagreeing cell gets the most specific cause that explains it.

The fingerprints themselves are in `fingerprints_*`; their order, and why it is this one, in docs/causes.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from hrorch_pipelines.reconcile.fingerprints import ORDER, Fingerprint
from hrorch_pipelines.reconcile.fingerprints_dates import DATES
from hrorch_pipelines.reconcile.fingerprints_history import find_early, find_entry_dates, find_former, settle_row_slips
from hrorch_pipelines.reconcile.fingerprints_numbers import NUMBERS, load_rates
from hrorch_pipelines.reconcile.fingerprints_text import TEXTS, find_mojibake, load_nicknames
from hrorch_pipelines.reconcile.terms import Cause, State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle

_WORK = """
CREATE OR REPLACE TEMP TABLE cause_work AS
WITH open_rows AS (
    SELECT discrepancy_id, person_id, attribute, state, authority_system, authority_source_id, copy_system,
           copy_source_id, authority_value AS a, copy_value AS c
    FROM reconcile.discrepancies
    WHERE cause IS NULL AND state IN ('disagree', 'missing_record', 'ghost')
), typed AS (
    SELECT open_rows.*, kinds.kind
    FROM open_rows LEFT JOIN cause_kinds AS kinds USING (attribute)
)
SELECT *,
       CASE WHEN kind IN ('pay', 'money', 'decimal', 'integer') THEN TRY_CAST(a AS DOUBLE) END AS an,
       CASE WHEN kind IN ('pay', 'money', 'decimal', 'integer') THEN TRY_CAST(c AS DOUBLE) END AS cn,
       CASE WHEN kind IN ('date', 'timestamp') THEN TRY_CAST(a AS DATE) END AS ad,
       CASE WHEN kind IN ('date', 'timestamp') THEN TRY_CAST(c AS DATE) END AS cd,
       NULL::DOUBLE AS fte,
       NULL::DOUBLE AS per_year
FROM typed
"""

_CHOSEN = """
UPDATE reconcile.discrepancies AS target
SET cause = chosen.cause, cause_detail = chosen.detail
FROM (
    SELECT discrepancy_id, arg_min(cause, rank) AS cause, arg_min(detail, rank) AS detail
    FROM cause_hits GROUP BY discrepancy_id
) AS chosen
WHERE target.discrepancy_id = chosen.discrepancy_id AND target.cause IS NULL
"""

_TRIVIAL: tuple[Fingerprint, ...] = (
    Fingerprint(
        Cause.MISSING_RECORD, f"state = '{State.MISSING_RECORD}'", "'the system has no live record of this person'"
    ),
    Fingerprint(Cause.GHOST, f"state = '{State.GHOST}'", "'the record is live and must not be'"),
    Fingerprint(Cause.MISSING_VALUE, "a IS NOT NULL AND c IS NULL", "'the copy is empty'"),
    Fingerprint(Cause.EXTRA_VALUE, "a IS NULL AND c IS NOT NULL", "'the authority is empty'"),
    Fingerprint(Cause.OTHER, "TRUE", "'no known pattern'"),
)


@dataclass(frozen=True)
class CauseResult:
    """How many cells each cause explains, among those looked at in this cycle."""

    by_cause: Mapping[str, int]


def explain_causes(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> CauseResult:
    """Fill `cause` and `cause_detail` of every counted discrepancy that has none yet. Details are words, never values.

    Only another person's value is looked for again in rows that had no better cause before: it depends on everybody.
    Rows in flight or scheduled have none: nothing went wrong there so far.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE cause_kinds (attribute VARCHAR, kind VARCHAR)")
    con.executemany("INSERT INTO cause_kinds VALUES (?, ?)", [(n, a.type.value) for n, a in stack.attributes.items()])
    con.execute(_WORK)
    con.execute(
        "CREATE OR REPLACE TEMP TABLE cause_hits (discrepancy_id VARCHAR, rank INTEGER, cause VARCHAR, detail VARCHAR)"
    )
    if con.execute("SELECT 1 FROM cause_work LIMIT 1").fetchone():
        _add_context(con, stack)
        load_rates(con, stack)
        load_nicknames(con, stack)
        for fingerprint in (*_TRIVIAL, *NUMBERS, *DATES, *TEXTS):
            _record(con, fingerprint)
        find_mojibake(con)
        find_former(con, stack, cycle)
        find_early(con, stack, cycle)
        find_entry_dates(con, stack)
        con.execute(_CHOSEN)
    settle_row_slips(con, stack)
    counts = con.execute(
        "SELECT cause, count(*) FROM reconcile.discrepancies SEMI JOIN cause_work USING (discrepancy_id) GROUP BY cause"
    ).fetchall()
    for table in ("cause_work", "cause_hits", "cause_kinds"):
        con.execute(f"DROP TABLE {table}")
    return CauseResult(dict(counts))


def _record(con: duckdb.DuckDBPyConnection, fingerprint: Fingerprint) -> None:
    """A hit is recorded for every row where the condition is true; a NULL condition is no evidence."""
    con.execute(
        f"INSERT INTO cause_hits SELECT discrepancy_id, ?, ?, {fingerprint.detail} FROM cause_work "
        f"WHERE {fingerprint.condition}",
        [ORDER.index(fingerprint.cause), fingerprint.cause.value],
    )


def _add_context(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Working time of the person, and what the copy's own amount is per: a person typed the raw number, not our yearly one."""
    if "fte" in stack.attributes:
        con.execute(
            "UPDATE cause_work SET fte = golden.fte FROM golden.persons AS golden WHERE golden.person_id = cause_work.person_id"
        )
    for system in stack.systems:
        if "pay_unit" in stack.systems[system].mapped():
            con.execute(
                f"""UPDATE cause_work SET per_year = CASE cells.pay_unit
                        WHEN 'year' THEN 1 WHEN 'month' THEN 12 WHEN 'semimonth' THEN 24 WHEN 'biweek' THEN 26
                        WHEN 'week' THEN 52 WHEN 'day' THEN 260 WHEN 'hour' THEN 2080 END
                    FROM cells."{system}" AS cells
                    WHERE cause_work.copy_system = ? AND cells.person_id = cause_work.person_id AND cause_work.kind = 'pay'""",
                [system],
            )
