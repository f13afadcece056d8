"""Fingerprints that need more than the two values: what the authority said before or will say, and what others have."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.fingerprints import ORDER
from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, record_table

DISTINCTIVE = 2
"""A value held by more persons than this says nothing about whose it is."""

_INCOMPARABLE = {AttributeType.PERSON, AttributeType.SECRET, AttributeType.BOOLEAN, AttributeType.CODE}


def find_former(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """The copy equals what the authority said earlier: a change that never crossed. For a name: a former name."""
    for attribute, system, record in _open_attributes(con, stack):
        cause = (
            Cause.NICKNAME_OR_FORMER_NAME
            if stack.attributes[attribute].type is AttributeType.NAME
            else Cause.STALE_VALUE
        )
        dated = stack.systems[system].records[record].effective is not None
        superseded = "h.effective_from <= $as_of" if dated else "h.valid_to IS NOT NULL"
        con.execute(
            f"""INSERT INTO cause_hits
                SELECT DISTINCT w.discrepancy_id, $rank, $cause, 'equals an earlier value of the authority'
                FROM cause_work AS w
                JOIN {record_table("history", system, record)} AS h
                  ON h.parent_id = w.authority_source_id AND CAST(h.{ident(attribute)} AS VARCHAR) = w.c
                WHERE w.attribute = $attribute AND w.authority_system = $system AND w.a <> w.c AND {superseded}""",
            {
                "rank": ORDER.index(cause),
                "cause": cause.value,
                "attribute": attribute,
                "system": system,
                **({"as_of": cycle.as_of} if dated else {}),
            },
        )


def find_early(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle) -> None:
    """The copy already holds what the authority says from a later day on."""
    for attribute, system, record in _open_attributes(con, stack):
        if stack.systems[system].records[record].effective is None:
            continue
        con.execute(
            f"""INSERT INTO cause_hits
                SELECT DISTINCT w.discrepancy_id, $rank, $cause, 'equals the value the authority has from a later day on'
                FROM cause_work AS w
                JOIN {record_table("history", system, record)} AS h
                  ON h.parent_id = w.authority_source_id AND CAST(h.{ident(attribute)} AS VARCHAR) = w.c
                WHERE w.attribute = $attribute AND w.authority_system = $system
                  AND h.valid_to IS NULL AND h.effective_from > $as_of""",
            {
                "rank": ORDER.index(Cause.APPLIED_EARLY),
                "cause": Cause.APPLIED_EARLY.value,
                "attribute": attribute,
                "system": system,
                "as_of": cycle.as_of,
            },
        )


def find_entry_dates(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """The copy's date is the day on which somebody entered the record, in the authority or in the copy."""
    zone = stack.organization.time_zone
    for attribute, system, record in _open_attributes(con, stack):
        if stack.attributes[attribute].type is not AttributeType.DATE:
            continue
        sources = [(system, record, "authority_source_id")]
        sources += [
            (copy, stack.systems[copy].mapped()[attribute], "copy_source_id")
            for copy in stack.systems_with(attribute)
            if copy != system
        ]
        for source, source_record, key in sources:
            con.execute(
                f"""INSERT INTO cause_hits
                    SELECT DISTINCT w.discrepancy_id, $rank, $cause, 'equals the day the record was entered'
                    FROM cause_work AS w
                    JOIN {record_table("history", source, source_record)} AS h ON h.parent_id = w.{key}
                    WHERE w.attribute = $attribute AND w.authority_system = $system AND ($source IN (w.authority_system, w.copy_system))
                      AND w.cd = CAST(h.source_updated_at AT TIME ZONE $zone AS DATE)""",
                {
                    "rank": ORDER.index(Cause.ENTRY_DATE_AS_EFFECTIVE),
                    "cause": Cause.ENTRY_DATE_AS_EFFECTIVE.value,
                    "attribute": attribute,
                    "system": system,
                    "source": source,
                    "zone": zone,
                },
            )


def settle_row_slips(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """The copy holds another person's value, and few hold that value: somebody slipped a row.

    Whose value it is depends on everybody, so every row without a better cause is asked anew, not only those of the persons
    looked at; otherwise a cycle over the touched persons would end elsewhere than one over all.
    """
    con.execute(
        """CREATE OR REPLACE TEMP TABLE slip_work AS
           SELECT discrepancy_id, person_id, attribute, copy_value AS c FROM reconcile.discrepancies
           WHERE cause IN (?, ?) AND authority_value <> copy_value""",
        [Cause.ROW_SLIP.value, Cause.OTHER.value],
    )
    con.execute("CREATE OR REPLACE TEMP TABLE slipped (discrepancy_id VARCHAR)")
    for (attribute,) in con.execute("SELECT DISTINCT attribute FROM slip_work").fetchall():
        if attribute in stack.attributes and stack.attributes[attribute].type not in _INCOMPARABLE:
            _find_row_slips(con, attribute)
    con.execute(
        """WITH told AS (
               SELECT discrepancy_id,
                      CASE WHEN discrepancy_id IN (FROM slipped) THEN $slip ELSE $other END AS cause,
                      CASE WHEN discrepancy_id IN (FROM slipped) THEN 'equals another person''s value' ELSE 'no known pattern' END AS detail
               FROM slip_work)
           UPDATE reconcile.discrepancies AS target SET cause = told.cause, cause_detail = told.detail
           FROM told WHERE target.discrepancy_id = told.discrepancy_id AND target.cause <> told.cause""",
        {"slip": Cause.ROW_SLIP.value, "other": Cause.OTHER.value},
    )
    con.execute("DROP TABLE slip_work; DROP TABLE slipped")


def _find_row_slips(con: duckdb.DuckDBPyConnection, attribute: str) -> None:
    value = f"CAST({ident(attribute)} AS VARCHAR)"
    con.execute(
        f"""INSERT INTO slipped
            WITH holders AS (
                SELECT {value} AS held, count(*) AS persons, any_value(person_id) AS someone
                FROM golden.persons WHERE {value} IN (SELECT c FROM slip_work WHERE attribute = $attribute)
                GROUP BY held
            )
            SELECT w.discrepancy_id FROM slip_work AS w JOIN holders ON holders.held = w.c
            WHERE w.attribute = $attribute AND persons <= $few AND NOT (persons = 1 AND someone = w.person_id)""",
        {"attribute": attribute, "few": DISTINCTIVE},
    )


def _open_attributes(con: duckdb.DuckDBPyConnection, stack: Stack) -> list[tuple[str, str, str]]:
    """(attribute, authority system, its record type) of the rows at work, where equality of texts means something."""
    rows = con.execute(
        "SELECT DISTINCT attribute, authority_system FROM cause_work WHERE a IS NOT NULL AND c IS NOT NULL ORDER BY ALL"
    ).fetchall()
    return [
        (attribute, system, stack.systems[system].mapped()[attribute])
        for attribute, system in rows
        if system in stack.systems
        and attribute in stack.systems[system].mapped()
        and stack.attributes[attribute].type not in {AttributeType.PERSON, AttributeType.SECRET}
    ]
