"""Since when something is so in the world, by the sources' own moments: of columns of the state, and of a whole condition.

NULL where nobody can say: a value that stood in the system's first snapshot, of a record that carries no day of its own.
"""

from __future__ import annotations

from collections.abc import Iterable

import duckdb

from hrorch_pipelines.handoffs.columns import sources
from hrorch_pipelines.handoffs.conditions import ParsedHandoff
from hrorch_pipelines.handoffs.expressions import CLOCKS
from hrorch_pipelines.handoffs.local_day import midnight
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.sql import ident, literal, record_table

HORIZON = 60
"""Days that a condition over `today` is looked at backwards."""


def moments(con: duckdb.DuckDBPyConnection, stack: Stack, columns: Iterable[str], people: str) -> str:
    """A SELECT of `person_id, moment`, one row per person: the latest moment at which any of these columns changed at its source.

    `people`: a SELECT of `person_id` from `handoff_state`. A value is as old as the newest change known of it; else, in an
    effective-dated record, as the first day of the row with which it came (midnight where the person is); else unknown.
    Needs `handoff_state`.
    """
    parts = []
    for _, stages, system, attribute in sources(stack, columns):
        within = f"WHERE s.stage IN ({', '.join(literal(stage) for stage in stages)})" if stages is not None else ""
        moment, joined = _of_cell(con, stack, system, attribute) if attribute else _of_record(con, stack, system)
        parts.append(
            f"""SELECT s.person_id, {moment} AS moment FROM handoff_state s SEMI JOIN asked USING (person_id)
                JOIN golden.wide g ON g.person_id = s.person_id
                JOIN {ident("cells", system)} c ON c.person_id = s.person_id {joined} {within}"""
        )
    every = " UNION ALL ".join(dict.fromkeys(parts)) or _NOBODY
    return f"""WITH asked AS MATERIALIZED (SELECT DISTINCT person_id FROM ({people})), found AS ({every})
               SELECT a.person_id, max(f.moment) AS moment FROM asked a LEFT JOIN found f USING (person_id) GROUP BY a.person_id"""


def true_from(con: duckdb.DuckDBPyConnection, stack: Stack, handoff: ParsedHandoff, people: str) -> str:
    """A SELECT of `person_id, moment`: since when `when` is true of people of whom it is true now. NULL: nobody can say.

    What changed last at its source; where `when` reads the calendar, not before the day on which it became true with the
    values of today. `people`: as for `moments`.
    """
    values = moments(con, stack, handoff.when.columns - CLOCKS, people)
    if not handoff.when.columns & CLOCKS:
        return values
    return f"""
        WITH of_values AS ({values}),
        earlier AS (
            SELECT s.* REPLACE (s.today - back.days::INTEGER AS today, s."now" - to_days(back.days::INTEGER) AS "now"), back.days
            FROM handoff_state s SEMI JOIN of_values USING (person_id) CROSS JOIN range(1, {HORIZON + 1}) back (days)),
        not_yet AS (SELECT person_id, min(days) AS days FROM earlier WHERE NOT {handoff.condition} GROUP BY person_id)
        SELECT v.person_id, greatest(v.moment, {midnight(stack, "g", "s.today - (n.days - 1)::INTEGER")}) AS moment
        FROM of_values v JOIN handoff_state s USING (person_id) JOIN golden.wide g ON g.person_id = v.person_id
        LEFT JOIN not_yet n ON n.person_id = v.person_id"""


def first_day(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, attribute: str, alias: str) -> str:
    """A LEFT JOIN that gives rows `c` (cells) with `s.today` the days, as `<alias>.day`, with which a value came: the source's
    own word, also where no snapshot saw it come. The latest counts. Empty for a record without days. Needs the CTE `asked`."""
    record = stack.systems[system].mapped()[attribute]
    if stack.systems[system].records[record].effective is None or not has_table(con, "accepted", f"{system}.{record}"):
        return ""
    owner, value = "coalesce(r.parent_id, r.source_id)", f"r.{ident(attribute)}"
    return f"""LEFT JOIN (
        SELECT DISTINCT owner, starts AS day FROM (
            SELECT {owner} AS owner, r.effective_from AS starts,
                   {value} IS DISTINCT FROM lag({value}) OVER (
                       PARTITION BY {owner}
                       ORDER BY r.effective_from NULLS FIRST, r."sequence" NULLS FIRST, r.source_updated_at NULLS FIRST,
                                r.record_key, r.occurrence) AS came
            FROM {record_table("accepted", system, record)} r
            SEMI JOIN (SELECT source_id FROM {ident("cells", system)} SEMI JOIN asked USING (person_id)) mine
                ON mine.source_id = {owner}
            WHERE NOT coalesce(r.deleted, false))
        WHERE came AND starts IS NOT NULL) {alias} ON {alias}.owner = c.source_id AND {alias}.day <= s.today"""


_NOBODY = "SELECT NULL::VARCHAR AS person_id, NULL::TIMESTAMPTZ AS moment WHERE false"


def _of_cell(con: duckdb.DuckDBPyConnection, stack: Stack, system: str, attribute: str) -> tuple[str, str]:
    """SQL of the moment of one cell, and what has to be joined for it."""
    changed = f"list_filter(c.changed, lambda cell: cell.attribute = {literal(attribute)})[1].at"
    record = stack.systems[system].mapped().get(attribute)
    if record is None:  # an authority that does not have the field: nothing there ever changed
        return "NULL::TIMESTAMPTZ", ""
    if not first_day(con, stack, system, attribute, "first_day"):
        return changed, ""
    came = first_day(con, stack, system, attribute, "first_day")
    return f"greatest({changed}, {midnight(stack, 'g', 'first_day.day')})", came


def _of_record(con: duckdb.DuckDBPyConnection, stack: Stack, system: str) -> tuple[str, str]:
    """The same for the record itself: when it came."""
    if not has_table(con, "history", "changes"):
        return "NULL::TIMESTAMPTZ", ""
    base = stack.systems[system].base_record
    made = f"""LEFT JOIN (
        SELECT source_id, max(coalesce(changed_at, observed_at)) AS moment FROM history.changes
        WHERE system = {literal(system)} AND record = {literal(base)} AND kind = 'created' GROUP BY source_id) made
        ON made.source_id = c.source_id"""
    return "made.moment", made
