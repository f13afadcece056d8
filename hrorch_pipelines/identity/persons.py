"""Writes the outcome of a pass: persons, links, edges and events. Nothing is decided here."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.identity.counts import count
from hrorch_pipelines.identity.errors import LinksDoNotAddUp
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.identity.schema import setting
from hrorch_pipelines.storage.cycles import Cycle


def write(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle) -> dict[str, int]:
    """Turn clusters into persons. Returns counts: new_persons, linked (records joined to an existing or another's person), merged."""
    _edges(con, cycle)
    _how(con)
    new = _new_persons(con, plan, cycle)
    merged = _merges(con, cycle)
    linked = _links(con, cycle)
    return {"new_persons": new, "merged": merged, "linked": linked}


def add_up(con: duckdb.DuckDBPyConnection) -> None:
    """Check that every record has exactly one link and every link a record. Raises LinksDoNotAddUp.

    Sums of hashes are compared, not row counts alone: an engine can count rows that its scans no longer find.
    """
    records, links = (
        con.execute(f"SELECT count(*), coalesce(sum(hash(system, source_id)::HUGEINT), 0) FROM {rows}").fetchall()[0]
        for rows in ("identity.traits WHERE NOT gone", "identity.links")
    )
    if records != links:
        raise LinksDoNotAddUp(records[0], links[0])


def _edges(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> None:
    """Store evidence; what is already there unchanged stays as it is."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_edge_ids AS
        SELECT 'e-' || left(sha256(concat_ws(chr(31), left_system, left_id, right_system, right_id, basis)), 24) AS edge_id, *
        FROM w_edges"""
    )
    con.execute(
        """
        DELETE FROM identity.edges WHERE edge_id IN (
            SELECT e.edge_id FROM identity.edges e JOIN w_edge_ids w USING (edge_id)
            WHERE (e.zone, e.evidence, e.probability) IS DISTINCT FROM (w.zone, w.evidence, w.probability))"""
    )
    con.execute(
        """
        INSERT INTO identity.edges
        SELECT edge_id, left_system, left_id, right_system, right_id, method, basis, probability, evidence, zone, ?
        FROM w_edge_ids ANTI JOIN identity.edges USING (edge_id)""",
        [cycle.now],
    )


def _how(con: duckdb.DuckDBPyConnection) -> None:
    """Make `w_how(system, source_id, method, probability, edge_id)`: the strongest evidence that holds each record in its cluster."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_how AS
        WITH ends AS (
            SELECT right_system AS system, right_id AS source_id, tier, method, probability, edge_id FROM w_edge_ids WHERE zone = 'link'
            UNION ALL SELECT left_system, left_id, tier, method, probability, edge_id FROM w_edge_ids WHERE zone = 'link')
        SELECT system, source_id, arg_min({'method': method, 'probability': probability, 'edge_id': edge_id}, (tier, edge_id)) AS how
        FROM ends GROUP BY system, source_id"""
    )


def _new_persons(con: duckdb.DuckDBPyConnection, plan: Plan, cycle: Cycle) -> int:
    """Found a person for each cluster that has none. The id is a keyed hash of the founding record, so a rerun finds the same.

    `generation` counts the persons a record founded before (its id was reused), so that no person id is ever used twice.
    """
    order = " ".join(f"WHEN '{name}' THEN {number}" for number, name in enumerate(plan.systems))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_founder AS
        WITH first_records AS (
            SELECT cluster, arg_min({{'system': system, 'source_id': source_id}}, (CASE system {order} END, source_id)) AS founder
            FROM w_new WHERE starts_with(cluster, 'n') GROUP BY cluster),
        generations AS (
            SELECT system, source_id, count(*) AS n FROM identity.events WHERE kind = 'created'
              AND (system, source_id) IN (SELECT (founder.system, founder.source_id) FROM first_records) GROUP BY ALL)
        SELECT f.cluster, f.founder.system AS system, f.founder.source_id AS source_id,
               'p-' || left(sha256(concat_ws(chr(31), $salt, f.founder.system, f.founder.source_id, coalesce(g.n, 0))), 26) AS person_id
        FROM first_records f
        LEFT JOIN generations g ON g.system = f.founder.system AND g.source_id = f.founder.source_id""",
        {"salt": setting(con, "salt")},
    )
    con.execute("INSERT INTO identity.persons SELECT person_id, ?, NULL FROM w_founder", [cycle.now])
    con.execute(
        """
        INSERT INTO identity.events
        SELECT uuid()::VARCHAR, 'created', person_id, NULL, system, source_id, ?, 'first record seen', NULL FROM w_founder""",
        [cycle.now],
    )
    return count(con, "SELECT count(*) FROM w_founder")


def _merges(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """Write merged persons: one event per merge, one 'linked' event per record that moved, so that it can be undone."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_merge AS
        SELECT uuid()::VARCHAR AS event_id, m.cluster AS loser, m.target AS winner FROM w_moved m"""
    )
    con.execute(
        """
        INSERT INTO identity.events
        SELECT event_id, 'merged', winner, loser, NULL, NULL, ?, 'evidence joined two persons', NULL FROM w_merge""",
        [cycle.now],
    )
    con.execute(
        """
        INSERT INTO identity.events
        SELECT uuid()::VARCHAR, 'linked', w.winner, w.loser, l.system, l.source_id, ?, 'moved by a merge', w.event_id
        FROM identity.links l JOIN w_merge w ON w.loser = l.person_id""",
        [cycle.now],
    )
    con.execute("UPDATE identity.persons SET merged_into = w.winner FROM w_merge w WHERE w.loser = persons.person_id")
    con.execute(
        "UPDATE identity.former_links SET person_id = w.winner FROM w_merge w WHERE w.loser = former_links.person_id"
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_relinked AS
        SELECT l.system, l.source_id, w.winner AS person_id, h.how, l.method, l.probability, l.edge_id, l.person_id AS before
        FROM identity.links l JOIN w_merge w ON w.loser = l.person_id LEFT JOIN w_how h USING (system, source_id)"""
    )
    con.execute("DELETE FROM identity.links WHERE person_id IN (SELECT loser FROM w_merge)")
    con.execute(
        """
        INSERT INTO identity.links
        SELECT system, source_id, person_id, coalesce(how.method, method), coalesce(how.probability, probability),
               coalesce(how.edge_id, edge_id), ?, ? FROM w_relinked""",
        [cycle.now, cycle.cycle_id],
    )
    con.execute(
        "INSERT INTO cycles.touched_persons SELECT DISTINCT ?, p FROM (SELECT loser AS p FROM w_merge UNION SELECT winner FROM w_merge)",
        [cycle.cycle_id],
    )
    return count(con, "SELECT count(*) FROM w_merge")


def _links(con: duckdb.DuckDBPyConnection, cycle: Cycle) -> int:
    """Link every new record; founders by method 'new'."""
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_linked AS
        SELECT n.system, n.source_id, coalesce(f.person_id, n.cluster) AS person_id,
               f.source_id IS NOT NULL AND f.system = n.system AND f.source_id = n.source_id AS founder, h.how
        FROM w_new n LEFT JOIN w_founder f USING (cluster) LEFT JOIN w_how h ON h.system = n.system AND h.source_id = n.source_id"""
    )
    con.execute(
        """
        INSERT INTO identity.links
        SELECT system, source_id, person_id, CASE WHEN founder THEN 'new' ELSE coalesce(how.method, 'seed') END,
               CASE WHEN NOT founder THEN how.probability END, CASE WHEN NOT founder THEN how.edge_id END, ?, ?
        FROM w_linked""",
        [cycle.now, cycle.cycle_id],
    )
    con.execute(
        """
        INSERT INTO identity.events
        SELECT uuid()::VARCHAR, 'linked', person_id, NULL, system, source_id, ?, coalesce(how.method, 'seed'), NULL
        FROM w_linked WHERE NOT founder""",
        [cycle.now],
    )
    return count(con, "SELECT count(*) FILTER (WHERE NOT founder) FROM w_linked")
