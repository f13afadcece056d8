"""Who must be in a copy system and is not, and who is there and must not be; and since when. Leaves `verdicts`.

How a verdict becomes states of cells is in `states`.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import duckdb

from hrorch_pipelines.authority.conditions import Condition, presence_condition
from hrorch_pipelines.authority.stages import rule_of
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.catalog import has_table
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal, record_table

SCOPE = "SEMI JOIN compare_scope USING (person_id)"


def judge_presence(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, *, full: bool) -> None:
    """Make `verdicts(person_id, verdict)`, only of persons whose presence is wrong; young ones fall due in `cells.due`.

    missing: `must` holds and there is no live record (none, or one whose `live` is false; not one whose `live` is unknown).
    ghost: `must_not` holds and the record is live. Either is young (`…_young`) until the grace period has passed since the
    latest of: the first day (missing) or the day after the last one (ghost), and the last change of any attribute that the
    condition names. missing_held: a record that never passed its gate carries one of the person's keys.
    A system that was never read is not judged: an empty answer is unknown.
    """
    con.execute("CREATE OR REPLACE TEMP TABLE verdicts (person_id VARCHAR, verdict VARCHAR)")
    must, must_not = (presence_condition(stack, system, part) for part in ("must", "must_not"))
    if system not in cycle.sources or not (must or must_not):
        return
    values: dict[str, Any] = {"as_of": cycle.as_of}
    attributes = ", ".join(ident(name) for name in stack.attributes)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE presence_found AS
        WITH people AS (
            SELECT person_id, stage, {attributes}, $as_of::DATE AS as_of FROM {"golden.wide" if full else "scoped_golden"}
            WHERE stage IS NOT NULL),
        judged AS (
            SELECT *, coalesce({must.sql if must else "false"}, false) AS must,
                   coalesce({must_not.sql if must_not else "false"}, false) AS must_not
            FROM people)
        SELECT j.person_id, j.stage, CASE WHEN j.must THEN 'missing' ELSE 'ghost' END AS verdict,
               CASE WHEN j.must THEN {_day(stack, "start_date")} ELSE {_day(stack, "end_date")} + 1 END AS day
        FROM judged j LEFT JOIN {ident("cells", system)} c USING (person_id)
        WHERE j.must AND (c.person_id IS NULL OR NOT c.live) OR j.must_not AND c.live
        """,
        values,
    )
    _find_since(con, stack, must, must_not)
    own = stack.presence[system].grace
    grace = stack.comparison.grace if own is None else own
    _conclude(con, stack, cycle, system, grace)


def _day(stack: Stack, attribute: str) -> str:
    declared = stack.attributes.get(attribute)
    return f"j.{ident(attribute)}" if declared and declared.type is AttributeType.DATE else "NULL::DATE"


def _find_since(
    con: duckdb.DuckDBPyConnection, stack: Stack, must: Condition | None, must_not: Condition | None
) -> None:
    con.execute("CREATE OR REPLACE TEMP TABLE presence_changes (person_id VARCHAR, moment TIMESTAMPTZ)")
    named = {
        verdict: sorted(condition.columns & set(stack.attributes)) if condition else []
        for verdict, condition in (("missing", must), ("ghost", must_not))
    }
    for system in stack.systems:
        rules = sorted(
            (verdict, stage, attribute)
            for verdict, attributes in named.items()
            for attribute in attributes
            for stage in stack.stages
            if (rule := rule_of(stack, attribute, stage)) and rule.system == system
        )
        if not rules:
            continue
        listed = ", ".join(
            f"({literal(verdict)}, {literal(stage)}, {literal(attribute)})" for verdict, stage, attribute in rules
        )
        con.execute(
            f"""INSERT INTO presence_changes
                WITH named (verdict, stage, attribute) AS (VALUES {listed}),
                changes AS (
                    SELECT f.person_id, f.verdict, f.stage, unnest(c.changed, recursive := true)
                    FROM presence_found f JOIN {ident("cells", system)} c USING (person_id) WHERE len(c.changed) > 0)
                SELECT person_id, max("at") FROM changes SEMI JOIN named USING (verdict, stage, attribute) GROUP BY person_id"""
        )


def _conclude(con: duckdb.DuckDBPyConnection, stack: Stack, cycle: Cycle, system: str, grace: timedelta) -> None:
    con.execute(
        """CREATE OR REPLACE TEMP TABLE presence_dated AS
           WITH changed AS (SELECT person_id, max(moment) AS moment FROM presence_changes GROUP BY person_id)
           SELECT f.person_id, f.verdict, greatest(timezone($zone, f.day::TIMESTAMP), c.moment) + to_seconds($grace) AS until
           FROM presence_found f LEFT JOIN changed c USING (person_id)""",
        {"zone": stack.organization.time_zone, "grace": grace.total_seconds()},
    )
    con.execute("CREATE OR REPLACE TEMP TABLE presence_shadows (person_id VARCHAR)")
    _find_shadows(con, stack, system)
    con.execute(
        """INSERT INTO verdicts
           SELECT d.person_id, CASE WHEN d.verdict = 'missing' AND s.person_id IS NOT NULL THEN 'missing_held'
                                    WHEN d.until > $now THEN d.verdict || '_young' ELSE d.verdict END
           FROM presence_dated d LEFT JOIN (SELECT DISTINCT person_id FROM presence_shadows) s USING (person_id)""",
        {"now": cycle.now},
    )
    con.execute(
        "INSERT INTO cells.due SELECT person_id, 'reconcile', until, NULL FROM presence_dated WHERE until > ?",
        [cycle.now],
    )
    for name in ("found", "changes", "dated", "shadows"):
        con.execute(f"DROP TABLE presence_{name}")


def _find_shadows(con: duckdb.DuckDBPyConnection, stack: Stack, system: str) -> None:
    """Missing persons whose key is on a base record that waits in quarantine and was never accepted, hence never linked."""
    base = stack.systems[system].base_record
    if not (has_table(con, "gates", "quarantine") and has_table(con, "history", f"{system}.{base}")):
        return
    fields = stack.systems[system].records[base].fields
    for key in stack.matching.keys:
        if not set(key.attributes) <= set(fields):
            continue
        same = " AND ".join(f"h.{ident(name)} = g.{ident(name)}" for name in key.attributes)
        con.execute(
            f"""
            INSERT INTO presence_shadows
            WITH waiting AS (
                SELECT DISTINCT record_key, occurrence FROM gates.quarantine
                WHERE closed_at IS NULL AND severity = 'error' AND system = $system AND record = $record),
            held AS (
                SELECT h.* FROM {record_table("history", system, base)} h SEMI JOIN waiting w USING (record_key, occurrence)
                WHERE h.valid_to IS NULL),
            never_passed AS (
                SELECT h.* FROM held h ANTI JOIN {record_table("accepted", system, base)} a USING (record_key, occurrence)),
            missing AS (SELECT g.* FROM golden.wide g SEMI JOIN presence_found f ON f.person_id = g.person_id AND f.verdict = 'missing')
            SELECT DISTINCT g.person_id FROM never_passed h JOIN missing g ON {same}
            """,
            {"system": system, "record": base},
        )
