"""The working picture of one pass: which cluster each record belongs to while evidence is weighed.

A cluster is a person (`p-…`) or a record not yet given one (`n…`). Only `persons` turns clusters into persons.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.counts import count_rows
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.storage.catalog import drop_temporary, temporary
from hrorch_pipelines.storage.sql import ident

_VIEW = """
CREATE OR REPLACE TEMP VIEW w_member AS
WITH standing AS (
    SELECT system, source_id, person_id AS cluster FROM identity.links
    UNION ALL SELECT system, source_id, person_id FROM identity.former_links)
SELECT s.system, s.source_id, coalesce(m.target, s.cluster) AS cluster
FROM standing s LEFT JOIN w_moved m ON m.cluster = s.cluster
UNION ALL SELECT system, source_id, cluster FROM w_new"""

_EDGES = """
CREATE OR REPLACE TEMP TABLE w_edges (
    tier INTEGER, method VARCHAR, basis VARCHAR, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR,
    right_id VARCHAR, probability DOUBLE, evidence VARCHAR, zone VARCHAR);
CREATE OR REPLACE TEMP TABLE w_wanted (
    kind VARCHAR, tier INTEGER, left_system VARCHAR, left_id VARCHAR, right_system VARCHAR, right_id VARCHAR,
    probability DOUBLE, why VARCHAR, evidence VARCHAR)"""


def begin(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Give every record without a person a cluster of its own, in the order systems are declared."""
    order = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(plan.systems))
    con.execute("CREATE OR REPLACE TEMP TABLE w_moved (cluster VARCHAR, target VARCHAR)")
    con.execute("CREATE OR REPLACE TEMP TABLE w_grown (cluster VARCHAR)")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_new AS
        SELECT system, source_id, 'n' || row_number() OVER (ORDER BY CASE system {order} END, source_id) AS cluster
        FROM (SELECT system, source_id FROM w_changed WHERE state <> 'gone'
              UNION SELECT system, source_id FROM identity.pending SEMI JOIN identity.traits t USING (system, source_id)
                    WHERE (system, source_id) IN (SELECT (system, source_id) FROM identity.traits WHERE NOT gone))
        ANTI JOIN (FROM w_standing WHERE NOT former) USING (system, source_id)"""
    )
    con.execute(_VIEW)
    con.execute(_EDGES)


def merge(con: duckdb.DuckDBPyConnection, moves: str) -> int:
    """Join clusters. `moves` names a table (cluster, component); persons come before new ones, older before younger."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_step AS
        WITH ranked AS (
            SELECT m.cluster, m.component, p.person_id IS NULL AS is_new, p.created_at
            FROM {ident(moves)} m LEFT JOIN identity.persons p ON p.person_id = m.cluster),
        chosen AS (
            SELECT component, arg_min(cluster, (is_new, created_at, cluster)) AS target FROM ranked GROUP BY component)
        SELECT r.cluster, c.target FROM ranked r JOIN chosen c USING (component) WHERE r.cluster <> c.target"""
    )
    return redirect(con)


def redirect(con: duckdb.DuckDBPyConnection) -> int:
    """Apply `w_step(cluster, target)` to the picture; return how many clusters vanished."""
    vanished = count_rows(con, "w_step")
    if not vanished:
        return 0
    con.execute("INSERT INTO w_grown SELECT DISTINCT target FROM w_step")
    con.execute("UPDATE w_moved SET target = s.target FROM w_step s WHERE s.cluster = w_moved.target")
    con.execute("INSERT INTO w_moved SELECT cluster, target FROM w_step WHERE starts_with(cluster, 'p-')")
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_new_next AS
        SELECT n.system, n.source_id, coalesce(s.target, n.cluster) AS cluster FROM w_new n LEFT JOIN w_step s USING (cluster)"""
    )
    con.execute("DROP VIEW w_member")
    con.execute("DROP TABLE w_new")
    con.execute("ALTER TABLE w_new_next RENAME TO w_new")
    con.execute(_VIEW)
    return vanished


def people(con: duckdb.DuckDBPyConnection, plan: Plan, scope: str, table: str) -> None:
    """Make `table`: the traits and cluster of the records in `scope` (system, source_id), with the roots of their names."""
    own = [f"t.{ident(name)}" for name in (plan.first, plan.preferred) if name]
    roots = (
        " || ".join([f"[{', '.join(own)}]::VARCHAR[]", *(f"coalesce(n{i}.formal, [])" for i, _ in enumerate(own))])
        if own
        else "[]::VARCHAR[]"
    )
    joins = " ".join(f"LEFT JOIN w_nickname n{i} ON n{i}.nickname = {column}" for i, column in enumerate(own))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {ident(table)} AS
        WITH wanted AS (SELECT DISTINCT system, source_id FROM {ident(scope)}),
        found AS (SELECT t.* FROM identity.traits t SEMI JOIN wanted USING (system, source_id)),
        placed AS (SELECT m.* FROM w_member m SEMI JOIN wanted USING (system, source_id))
        SELECT t.*, m.cluster, list_filter({roots}, lambda x: x IS NOT NULL) AS name_roots
        FROM found t JOIN placed m USING (system, source_id) {joins}"""
    )


def load_nicknames(con: duckdb.DuckDBPyConnection, plan: Plan) -> None:
    """Make `w_nickname(nickname, formal[])`, folded as names are."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_nickname AS
        SELECT folded_name(pair.nickname) AS nickname, list(DISTINCT folded_name(pair.name)) AS formal
        FROM (SELECT unnest($names::STRUCT(name VARCHAR, nickname VARCHAR)[]) AS pair) GROUP BY 1""",
        {"names": [{"name": name, "nickname": nickname} for name, nickname in plan.nicknames]},
    )


def settled(con: duckdb.DuckDBPyConnection) -> None:
    """Once persons are written, the picture is what the tables say."""
    con.execute("DELETE FROM w_moved")
    con.execute("DELETE FROM w_new")


def clear(con: duckdb.DuckDBPyConnection) -> None:
    """Drop the working tables: they hold people's data, and a connection may live long."""
    drop_temporary(con, *(name for name in temporary(con) if name.startswith("w_")))
