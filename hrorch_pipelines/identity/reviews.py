"""Questions for named reviewers: opened once per pair, closed when data or a decision answers them. No values in them."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.agreement import SUCCESSIVE, contradicts, hard_contradictions
from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.membership import people
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.sql import literal

ACTIONS = {
    "unconfirmed_key": "Compare both records. One person: decide 'same' and correct the values that contradict. Two: decide "
    "'different' and correct the key in the record that is wrong",
    "shared_key": "Find out whose value it is and give the other records their own; or decide the pair",
    "conflict": "Compare the records and decide which belong together",
    "probable": "Compare both records and decide 'same' or 'different'",
    "duplicate": "If it is one person, merge the two records in the system and end one; else decide 'different'",
    "id_reused": "Confirm who this id stands for now; if it is still the same person, undo the split",
    "duplicate_id": "Give each person one record and one id in this system",
}


def want_record_reviews(con: duckdb.DuckDBPyConnection) -> None:
    """Ask about ids that were reused and ids that stand on several rows. The pair is the record with itself."""
    con.execute(
        """
        INSERT INTO w_wanted
        SELECT 'id_reused', 0, system, source_id, system, source_id, NULL,
               CASE WHEN certain THEN 'the id now stands for somebody else; the record was given a new person'
                    ELSE 'the name behind this id changed altogether, and nothing else tells whether the person did' END, NULL
        FROM w_reuse
        UNION ALL
        SELECT 'duplicate_id', 0, system, source_id, system, source_id, NULL, 'one id stands on several differing rows', NULL
        FROM identity.traits SEMI JOIN w_active USING (system, source_id) WHERE copies > 1 AND NOT gone"""
    )


def settle(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle) -> tuple[int, int]:
    """Bring open reviews in line with what this pass wants to ask; return how many were opened and closed."""
    _carry_open_ones(con)
    _drop_answered(con, plan)
    _one_per_pair_of_persons(con)
    return _open(con, plan, cycle), _close(con, cycle)


def _carry_open_ones(con: duckdb.DuckDBPyConnection) -> None:
    """Open questions whose records were not looked at again stay asked, unless the persons behind them changed."""
    con.execute(
        """
        INSERT INTO w_wanted
        WITH open_reviews AS (SELECT * FROM identity.reviews WHERE closed_at IS NULL),
        ends AS (
            SELECT left_system AS system, left_id AS source_id FROM open_reviews
            UNION SELECT right_system, right_id FROM open_reviews),
        looked_at AS (SELECT DISTINCT system, source_id FROM w_active SEMI JOIN ends USING (system, source_id))
        SELECT kind, 9, left_system, left_id, right_system, right_id, probability, why, evidence
        FROM open_reviews
        WHERE ((left_system, left_id) NOT IN (SELECT (system, source_id) FROM looked_at)
               AND (right_system, right_id) NOT IN (SELECT (system, source_id) FROM looked_at))
           OR (kind = 'id_reused' AND (left_system, left_id) NOT IN (SELECT (system, source_id) FROM w_reuse))"""
    )


def _drop_answered(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Keep in `w_ask` what is still open once this pass is over.

    Answered is a pair that is one person by now, that a reviewer decided, or whose persons two systems independently keep
    apart (each has its own record in both). With one system in common a question remains only when neither first name,
    birth date nor national id deny it, and a mere probability is no longer asked about.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_scope AS
        SELECT left_system AS system, left_id AS source_id FROM w_wanted UNION SELECT right_system, right_id FROM w_wanted"""
    )
    people(con, plan, "w_scope", "w_people")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_ask AS
        WITH asked AS (
            SELECT w.*, l.cluster AS left_cluster, r.cluster AS right_cluster,
                   {contradicts(plan, plan.first)} OR {hard_contradictions(plan)} > 0 AS denied, {SUCCESSIVE} AS successive
            FROM w_wanted w
            JOIN w_people l ON l.system = w.left_system AND l.source_id = w.left_id AND NOT l.gone
            JOIN w_people r ON r.system = w.right_system AND r.source_id = w.right_id AND NOT r.gone),
        involved AS (SELECT left_cluster AS cluster FROM asked UNION SELECT right_cluster FROM asked),
        present AS (
            SELECT DISTINCT m.cluster, m.system FROM w_member m SEMI JOIN involved USING (cluster)
            JOIN identity.traits t USING (system, source_id) WHERE NOT t.gone AND NOT t.ended),
        common AS (
            SELECT a.left_cluster, a.right_cluster, count(*) AS systems
            FROM (SELECT DISTINCT left_cluster, right_cluster FROM asked) a
            JOIN present l ON l.cluster = a.left_cluster JOIN present r ON r.cluster = a.right_cluster AND r.system = l.system
            GROUP BY ALL)
        SELECT a.* FROM asked a
        LEFT JOIN common c USING (left_cluster, right_cluster)
        LEFT JOIN identity.verdicts v ON v.left_system = a.left_system AND v.left_id = a.left_id
             AND v.right_system = a.right_system AND v.right_id = a.right_id
        WHERE CASE
            WHEN a.kind IN ('id_reused', 'duplicate_id') THEN v.verdict IS NULL
            WHEN a.left_cluster = a.right_cluster THEN FALSE
            WHEN v.verdict = 'different' THEN FALSE
            WHEN v.verdict = 'same' THEN a.kind = 'conflict'
            WHEN coalesce(c.systems, 0) >= 2 THEN FALSE
            WHEN coalesce(c.systems, 0) = 1 AND a.kind NOT IN ('shared_key', 'duplicate') THEN NOT a.denied AND a.kind <> 'probable'
            ELSE TRUE END"""
    )


def _one_per_pair_of_persons(con: duckdb.DuckDBPyConnection) -> None:
    """One question per pair of persons (and kind of record question); one already open is kept rather than asked anew."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_question AS
        WITH known AS (
            SELECT a.*, o.review_id IS NULL AS is_new,
                   'r-' || left(sha256(a.left_system || chr(31) || a.left_id || chr(31) || a.right_system || chr(31) || a.right_id
                               || CASE WHEN a.kind IN ('id_reused', 'duplicate_id') THEN a.kind ELSE '' END), 24) AS pair_id
            FROM w_ask a LEFT JOIN (SELECT * FROM identity.reviews WHERE closed_at IS NULL) o
              ON o.left_system = a.left_system AND o.left_id = a.left_id AND o.right_system = a.right_system AND o.right_id = a.right_id)
        SELECT * FROM known
        QUALIFY row_number() OVER (
            PARTITION BY least(left_cluster, right_cluster), greatest(left_cluster, right_cluster),
                         CASE WHEN kind IN ('id_reused', 'duplicate_id') THEN kind || left_system || left_id END
            ORDER BY is_new, tier, probability DESC NULLS LAST, left_system, left_id, right_system, right_id) = 1"""
    )


def _open(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle) -> int:
    actions = " ".join(f"WHEN {literal(kind)} THEN {literal(action)}" for kind, action in ACTIONS.items())
    who = " ".join(
        f"WHEN {literal(system)} THEN {literal(reviewer)}" for system, (reviewer, _) in plan.reviewers.items()
    )
    deputies = " ".join(
        f"WHEN {literal(system)} THEN {literal(deputy)}" for system, (_, deputy) in plan.reviewers.items() if deputy
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_opened AS
        SELECT q.pair_id || '-' || (SELECT count(*) FROM identity.reviews e WHERE starts_with(e.review_id, q.pair_id)) AS review_id,
               q.kind, q.left_system, q.left_id, q.right_system, q.right_id, q.probability, q.why,
               CASE q.kind {actions} END AS action, CASE q.left_system {who} END AS reviewer,
               {f"CASE q.left_system {deputies} END" if deputies else "NULL"} AS deputy,
               $now::TIMESTAMPTZ AS opened_at, NULL::TIMESTAMPTZ AS closed_at, NULL AS outcome, q.evidence
        FROM w_question q WHERE q.is_new""",
        {"now": cycle.now},
    )
    con.execute("INSERT INTO identity.reviews BY NAME SELECT * FROM w_opened")
    return count(con, "SELECT count(*) FROM w_opened")


def _close(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """Close what is no longer asked: one person by now, a record gone, or the data speak."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_closed AS
        WITH ends AS (
            SELECT left_system AS system, left_id AS source_id FROM identity.reviews WHERE closed_at IS NULL
            UNION SELECT right_system, right_id FROM identity.reviews WHERE closed_at IS NULL),
        standing AS (SELECT system, source_id FROM identity.traits SEMI JOIN ends USING (system, source_id) WHERE NOT gone),
        placed AS (SELECT m.* FROM w_member m SEMI JOIN standing USING (system, source_id))
        SELECT r.review_id, CASE
            WHEN l.source_id IS NULL OR x.source_id IS NULL THEN 'gone'
            WHEN l.cluster = x.cluster AND r.kind NOT IN ('id_reused', 'duplicate_id') THEN 'same'
            ELSE 'resolved_by_data' END AS outcome
        FROM identity.reviews r
        LEFT JOIN placed l ON l.system = r.left_system AND l.source_id = r.left_id
        LEFT JOIN placed x ON x.system = r.right_system AND x.source_id = r.right_id
        WHERE r.closed_at IS NULL AND r.review_id NOT IN (SELECT review_id FROM w_opened)
          AND (r.left_system, r.left_id, r.right_system, r.right_id) NOT IN (
              SELECT (left_system, left_id, right_system, right_id) FROM w_question)"""
    )
    con.execute(
        "UPDATE identity.reviews SET closed_at = ?, outcome = c.outcome FROM w_closed c WHERE c.review_id = reviews.review_id",
        [cycle.now],
    )
    return count(con, "SELECT count(*) FROM w_closed")
