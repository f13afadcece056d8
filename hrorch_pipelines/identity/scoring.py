"""Gives candidate pairs a probability with Splink, and caps it where a contradiction speaks louder than any likelihood."""

from __future__ import annotations

import json
import logging
from typing import Any

import duckdb

from hrorch_pipelines.identity import model
from hrorch_pipelines.identity.agreement import SUCCESSIVE, agrees, contradicts, hard_contradictions, level
from hrorch_pipelines.identity.counts import count, count_rows
from hrorch_pipelines.identity.membership import people
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.stack.terms import AttributeType
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import ident, literal

_SAMPLE = 40_000
AGREE_AT_LEAST = 3
"""Attributes that must agree before a probability alone may link two records: a name is not a person."""


def score(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle, tier: int) -> int:
    """Weigh `w_candidate`; make `w_pair` with probability and zone, and note pairs to ask about. Return the pairs scored."""
    scored = count(con, "SELECT count(*) FROM w_candidate")
    con.execute("CREATE OR REPLACE TEMP TABLE w_score (pair BIGINT, probability DOUBLE, evidence VARCHAR)")
    if scored:
        con.execute(
            """
            CREATE OR REPLACE TEMP TABLE w_numbered AS
            SELECT row_number() OVER (ORDER BY left_system, left_id, right_system, right_id) AS pair, * FROM w_candidate"""
        )
        _predict(con, plan, _settings(con, plan, cycle))
    else:
        con.execute("CREATE OR REPLACE TEMP TABLE w_numbered AS SELECT 0::BIGINT AS pair, * FROM w_candidate")
    _zones(con, plan)
    con.execute(
        """
        INSERT INTO w_wanted
        SELECT CASE WHEN one_system THEN 'duplicate' ELSE 'probable' END, $tier, left_system, left_id, right_system, right_id, probability,
               CASE WHEN one_system THEN 'one system seems to hold this person twice at the same time'
                    WHEN capped IS NOT NULL THEN 'likely by name, but ' || capped
                    ELSE 'the likelihood is too small to link and too great to leave apart' END, evidence
        FROM w_pair WHERE zone = 'review'""",
        {"tier": tier},
    )
    con.execute(
        """
        INSERT INTO w_edges
        SELECT $tier, 'probabilistic', 'probabilistic', left_system, left_id, right_system, right_id, probability, evidence, zone
        FROM w_pair WHERE zone <> 'apart'""",
        {"tier": tier},
    )
    return scored


def _zones(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make `w_pair`. Within one system only what is as sure as a link is worth asking about: a system rarely holds one person twice."""
    agreeing = " + ".join(f"({agrees(plan, name)})::INTEGER" for name in plan.compared)
    other_number = " OR ".join(f"({level(plan, name)}) = 'differs'" for name in plan.identifying) or "FALSE"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_pair AS
        WITH seen AS (
            SELECT n.left_system, n.left_id, n.right_system, n.right_id, l.cluster AS left_cluster, r.cluster AS right_cluster,
                   s.probability, s.evidence, l.system = r.system AS one_system, {SUCCESSIVE} AS successive,
                   {contradicts(plan, plan.first)} AS other_first_name,
                   {hard_contradictions(plan)} AS denials,
                   CASE WHEN {contradicts(plan, plan.national_id)} THEN 'the national ids differ'
                        WHEN {contradicts(plan, plan.birth_date)} THEN 'the birth dates differ'
                        WHEN {other_number} THEN 'another identifying number differs'
                        WHEN {contradicts(plan, plan.first)} THEN 'the first names differ'
                        WHEN {contradicts(plan, plan.last)} THEN 'the last names differ'
                        WHEN {agreeing} < {AGREE_AT_LEAST} THEN 'too few attributes agree' END AS capped
            FROM w_numbered n JOIN w_score s USING (pair)
            JOIN w_people l ON l.system = n.left_system AND l.source_id = n.left_id
            JOIN w_people r ON r.system = n.right_system AND r.source_id = n.right_id)
        SELECT *, CASE
            WHEN denials > 1 OR (denials > 0 AND other_first_name) THEN 'apart'
            WHEN one_system AND NOT successive THEN
                CASE WHEN probability >= $high AND denials = 0 AND NOT other_first_name THEN 'review' ELSE 'apart' END
            WHEN probability >= $high AND capped IS NULL THEN 'link'
            WHEN one_system THEN 'apart'
            WHEN probability >= $low THEN 'review' ELSE 'apart' END AS zone
        FROM seen""",
        {"high": plan.high, "low": plan.low},
    )


def _predict(con: duckdb.DuckDBPyConnection, plan: Plan, settings: dict[str, Any]) -> None:
    """Fill `w_score`. Each pair is a block of its own, so Splink weighs exactly our candidates."""
    from splink import Linker

    sides = [
        con.sql(
            f"""
            SELECT n.pair AS unique_id, n.pair, {_compared(plan, "p")} FROM w_numbered n
            JOIN w_people p ON p.system = n.{side}_system AND p.source_id = n.{side}_id ORDER BY n.pair"""
        ).to_arrow_table()
        for side in ("left", "right")
    ]
    database, close = model.quiet_database()
    try:
        linker = Linker(
            [
                database.register(table, table_name=name)
                for table, name in zip(sides, ("left_side", "right_side"), strict=True)
            ],
            settings,
            log_level=logging.ERROR,
        )
        kept = ", ".join(ident("gamma_" + name) for name in plan.compared)
        scores = (
            linker.inference.predict()
            .as_duckdbpyrelation()
            .select(f"unique_id_l, match_probability, {kept}")
            .to_arrow_table()
        )
    finally:
        close()
    con.register("r_score", scores)
    words = ", ".join(f"{literal(name)}, {_word(plan, name)}" for name in plan.compared)
    con.execute(
        f"INSERT INTO w_score SELECT unique_id_l, match_probability, json_object({words})::VARCHAR FROM r_score"
    )
    con.unregister("r_score")


def _word(plan: Plan, attribute: str) -> str:
    """SQL: our word for Splink's level of one attribute."""
    cases = [f"WHEN {number} THEN {literal(word)}" for number, word in model.level_names(plan, attribute).items()]
    return f"CASE {ident('gamma_' + attribute)} {' '.join(cases)} END"


def _compared(plan: Plan, alias: str) -> str:
    """Columns as Splink sees them: text, and the roots of a name beside it."""
    columns = []
    for name in plan.compared:
        columns.append(f"{alias}.{ident(name)}::VARCHAR AS {ident(name)}")
        if plan.kinds[name] is AttributeType.NAME:
            roots = (
                f"{alias}.name_roots"
                if name == plan.first
                else f"list_append({alias}.former_names, {alias}.{ident(name)})"
            )
            columns.append(f"coalesce({roots}, []::VARCHAR[]) AS {ident(name + '_roots')}")
    return ", ".join(columns)


def _settings(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle) -> dict[str, Any]:
    """The stored model, or a new one where there is none, it was only declared, or the stack outgrew it fourfold.

    A model once learned is kept, so that the same pair gets the same probability in every pass.
    """
    records = count(con, "SELECT count(*) FROM identity.traits WHERE NOT gone")
    found = con.execute(
        "SELECT settings, origin, records FROM identity.models WHERE fingerprint = ? ORDER BY trained_at DESC, records DESC LIMIT 1",
        [plan.fingerprint],
    ).fetchall()
    kept = found[0] if found else None
    stored: dict[str, Any] = json.loads(kept[0]) if kept else {}
    if kept and kept[1] != "declared" and records < 4 * kept[2]:
        return stored
    learned, origin = _learn(con, plan, records)
    if kept and origin == kept[1] == "declared":
        return stored
    con.execute(
        "INSERT INTO identity.models VALUES (?, ?, ?, ?, ?)",
        [plan.fingerprint, origin, records, cycle.now, json.dumps(learned)],
    )
    return learned


def _learn(con: duckdb.DuckDBPyConnection, plan: Plan, records: int) -> tuple[dict[str, Any], str]:
    declared: dict[str, Any] = model.settings(plan, model.SCARCE_PRIOR).create_settings_dict("duckdb")
    labelled = count(con, "SELECT count(*) - count(DISTINCT cluster) FROM w_member") >= model.ENOUGH_RECORDS
    if records < model.ENOUGH_RECORDS or not (labelled or count_rows(con, "w_candidate") >= model.ENOUGH_PAIRS):
        return declared, "declared"
    largest = count(
        con, "SELECT max(n) FROM (SELECT count(*) AS n FROM identity.traits WHERE NOT gone GROUP BY system)"
    )
    prior = min(model.SCARCE_PRIOR, 1 / max(1, largest))
    try:
        learned = model.train(plan, _training_records(con, plan, labelled), labelled, prior)
    except ValueError:
        return {**declared, "probability_two_random_records_match": prior}, "declared"
    base = model.settings(plan, prior).create_settings_dict("duckdb")
    return {**base, "comparisons": learned["comparisons"]}, "labels" if labelled else "em"


def _training_records(con: duckdb.DuckDBPyConnection, plan: Plan, labelled: bool) -> Any:
    """A sample that holds true pairs: whole persons when keys made some, else both ends of candidate pairs, plus bystanders."""
    chosen = (
        "SELECT system, source_id FROM w_member m WHERE hash(m.cluster) % 1000000 < $share"
        if labelled
        else """SELECT left_system AS system, left_id AS source_id FROM w_numbered WHERE hash(pair) % 1000000 < $share
                UNION SELECT right_system, right_id FROM w_numbered WHERE hash(pair) % 1000000 < $share"""
    )
    total = count_rows(con, "w_member") if labelled else 2 * count_rows(con, "w_numbered")
    share = min(1_000_000, 1_000_000 * _SAMPLE // max(1, total))
    bystanders = min(1_000_000, 1_000_000 * _SAMPLE // 4 // max(1, count_rows(con, "identity.traits")))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_sample AS {chosen}
        UNION SELECT system, source_id FROM identity.traits WHERE NOT gone AND hash(system, source_id) % 1000000 < $bystanders""",
        {"share": share, "bystanders": bystanders},
    )
    people(con, plan, "w_sample", "w_sampled")
    return con.sql(
        f"SELECT system || chr(31) || source_id AS unique_id, cluster, {_compared(plan, 'p')} FROM w_sampled p ORDER BY unique_id"
    ).to_arrow_table()
