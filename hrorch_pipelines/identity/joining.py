"""Joins clusters along evidence of one strength, all of a chain or nothing of it: where a chain leads to two records that
cannot be one person, nothing is joined and the pairs are asked about.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.agreement import SUCCESSIVE, contradicts, hard_contradictions, strangers
from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.membership import merge, people
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.identity.terms import Method


def join(con: duckdb.DuckDBPyConnection, plan: Plan, tier: int, method: Method) -> int:
    """Join the clusters that pairs of zone 'link' in `w_pair` connect; return how many clusters vanished.

    `w_pair` needs left/right system, id and cluster, zone, probability and evidence. The outcome does not depend on the
    order of pairs: chains are connected components, and each is joined as a whole or not at all.
    """
    if not count(con, "SELECT count(*) FROM w_pair WHERE zone = 'link'"):
        return 0
    _components(con)
    _find_conflicts(con, plan, method)
    con.execute(
        """
        INSERT INTO w_wanted
        SELECT 'conflict', $tier, left_system, left_id, right_system, right_id, probability,
               'the evidence leads to records that cannot be one person', evidence
        FROM w_pair JOIN w_component c ON c.cluster = left_cluster JOIN w_refused USING (component) WHERE zone = 'link'""",
        {"tier": tier},
    )
    con.execute(
        """
        UPDATE w_edges SET zone = 'review' FROM (
            SELECT left_system, left_id, right_system, right_id FROM w_pair
            JOIN w_component c ON c.cluster = left_cluster JOIN w_refused USING (component)) x
        WHERE tier = ? AND zone = 'link' AND w_edges.left_system = x.left_system AND w_edges.left_id = x.left_id
          AND w_edges.right_system = x.right_system AND w_edges.right_id = x.right_id""",
        [tier],
    )
    con.execute(
        "CREATE OR REPLACE TEMP TABLE w_joined AS SELECT cluster, component FROM w_component ANTI JOIN w_refused USING (component)"
    )
    return merge(con, "w_joined")


def _components(con: duckdb.DuckDBPyConnection) -> None:
    """Make `w_component(cluster, component)` of the link pairs, by SciPy's connected components."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_number AS
        SELECT cluster, row_number() OVER (ORDER BY cluster) - 1 AS number
        FROM (SELECT left_cluster AS cluster FROM w_pair WHERE zone = 'link' UNION SELECT right_cluster FROM w_pair WHERE zone = 'link')"""
    )
    found = con.execute(
        """
        SELECT a.number AS a, b.number AS b FROM w_pair p
        JOIN w_number a ON a.cluster = p.left_cluster JOIN w_number b ON b.cluster = p.right_cluster WHERE p.zone = 'link'"""
    ).fetchnumpy()
    size = count(con, "SELECT count(*) FROM w_number")
    import numpy as np
    import pyarrow as pa
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    graph = coo_matrix((np.ones(len(found["a"]), dtype=np.int8), (found["a"], found["b"])), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    con.register("r_label", pa.table({"number": np.arange(size), "component": labels.astype(np.int64)}))
    con.execute(
        "CREATE OR REPLACE TEMP TABLE w_component AS SELECT cluster, component FROM w_number JOIN r_label USING (number)"
    )
    con.unregister("r_label")


def _find_conflicts(con: duckdb.DuckDBPyConnection, plan: Plan, method: Method) -> None:
    """Make `w_refused(component)`: chains that would put two records together that cannot be one person.

    A reviewer's 'different' always refuses; a reviewer's 'same' outweighs everything else. Otherwise refused are: two
    records of one system that are not successive spells, a pair whose key was not confirmed, strangers, and what birth
    date, national id or first name deny when the evidence is a probability.
    """
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_joining AS
        SELECT c.component, m.cluster, m.system, m.source_id FROM w_component c JOIN w_member m USING (cluster)"""
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_refused AS
        SELECT component FROM w_joining GROUP BY component HAVING count(*) > {plan.limits.component}"""
    )
    con.execute("DELETE FROM w_joining WHERE component IN (SELECT component FROM w_refused)")
    con.execute(
        """
        INSERT INTO w_refused
        SELECT DISTINCT a.component FROM identity.verdicts v
        JOIN w_joining a ON a.system = v.left_system AND a.source_id = v.left_id
        JOIN w_joining b ON b.system = v.right_system AND b.source_id = v.right_id AND b.component = a.component
        WHERE v.verdict = 'different'"""
    )
    if method is Method.DECISION:
        return
    people(con, plan, "w_joining", "w_people")
    unlikely = f"{hard_contradictions(plan)} > 0 OR {contradicts(plan, plan.first)}"
    denied = strangers(plan) if method is Method.KEY else unlikely
    con.execute(
        f"""
        INSERT INTO w_refused
        SELECT DISTINCT a.component
        FROM w_joining a JOIN w_joining b ON a.component = b.component AND a.cluster <> b.cluster
        JOIN w_people l ON l.system = a.system AND l.source_id = a.source_id
        JOIN w_people r ON r.system = b.system AND r.source_id = b.source_id
        LEFT JOIN identity.verdicts v ON v.left_system = a.system AND v.left_id = a.source_id
             AND v.right_system = b.system AND v.right_id = b.source_id AND v.verdict = 'same'
        WHERE (a.system, a.source_id) < (b.system, b.source_id) AND v.verdict IS NULL
          AND ((a.system = b.system AND NOT {SUCCESSIVE}) OR ({denied}))"""
    )
    if method is Method.KEY:
        con.execute(
            """
            INSERT INTO w_refused
            SELECT DISTINCT a.component FROM w_pair p
            JOIN w_component a ON a.cluster = p.left_cluster
            JOIN w_component b ON b.cluster = p.right_cluster AND b.component = a.component
            WHERE p.zone = 'review'"""
        )


def pairs_from_verdicts(con: duckdb.DuckDBPyConnection) -> None:
    """Make `w_pair` of the pairs a reviewer judged the same and that stand apart."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_pair AS
        SELECT v.left_system, v.left_id, v.right_system, v.right_id, l.cluster AS left_cluster, r.cluster AS right_cluster,
               NULL::DOUBLE AS probability, '{"decision": "same"}' AS evidence, 'link' AS zone
        FROM identity.verdicts v
        JOIN w_member l ON l.system = v.left_system AND l.source_id = v.left_id
        JOIN w_member r ON r.system = v.right_system AND r.source_id = v.right_id
        WHERE v.verdict = 'same' AND l.cluster <> r.cluster"""
    )
    con.execute(
        """
        INSERT INTO w_edges
        SELECT 0, 'decision', 'decision', left_system, left_id, right_system, right_id, NULL, evidence, zone FROM w_pair"""
    )
