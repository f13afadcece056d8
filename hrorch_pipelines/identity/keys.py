"""Deterministic keys: which records share a key value, and what that is worth. Joining clusters is done in `joining`."""

from __future__ import annotations

import json

import duckdb

from hrorch_pipelines.identity.agreement import SUCCESSIVE, evidence, hard_contradictions, level
from hrorch_pipelines.identity.counts import count_rows
from hrorch_pipelines.identity.membership import people
from hrorch_pipelines.identity.plan import Plan
from hrorch_pipelines.stack.rules import MatchKey
from hrorch_pipelines.storage.sql import ident


def key_name(key: MatchKey) -> str:
    """How a key is called in edges and reviews."""
    return "+".join(key.attributes)


def key_value(key: MatchKey, alias: str) -> str:
    """SQL: one text per key value; a length before each part keeps `ab`+`c` apart from `a`+`bc`. NULL when a part is."""
    columns = [f"{alias}.{ident(name)}::VARCHAR" for name in key.attributes]
    return (
        columns[0] if len(columns) == 1 else " || ".join(f"length({column}) || ':' || {column}" for column in columns)
    )


def key_present(key: MatchKey, alias: str) -> str:
    """SQL: every part of the key is there."""
    return " AND ".join(f"{alias}.{ident(name)} IS NOT NULL" for name in key.attributes)


def gather(con: duckdb.DuckDBPyConnection, plan: Plan, key: MatchKey, *, everybody: bool) -> None:
    """Make `w_group(value, system, source_id, cluster, gone, <what confirms or denies>)`: values in two clusters or more.

    Looked at are the values that active records hold, or held before: a value becomes usable when the second record that
    carried it goes away.
    """
    value, present = key_value(key, "t"), key_present(key, "t")
    carried = "".join(f", t.{ident(name)}" for name in _looked_at(plan, key))
    scope, members = "", "w_member"
    if not everybody:
        members = "(FROM w_member WHERE source_id IN (SELECT source_id FROM holders))"
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE w_value AS
            SELECT {value} AS value FROM w_awake t WHERE {present}
            UNION SELECT {value} FROM w_before t JOIN w_changed USING (system, source_id) WHERE {present}"""
        )
        scope = f"AND {value} IN (SELECT value FROM w_value)"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_group AS
        WITH holders AS MATERIALIZED (
            SELECT {value} AS value, t.system, t.source_id, t.gone{carried} FROM identity.traits t WHERE {present} {scope}),
        placed AS (SELECT h.*, m.cluster FROM holders h JOIN {members} m USING (system, source_id)),
        split_values AS (SELECT value FROM placed GROUP BY value HAVING min(cluster) <> max(cluster))
        SELECT placed.* FROM placed SEMI JOIN split_values USING (value)"""
    )


def take_plain_groups(con: duckdb.DuckDBPyConnection, plan: Plan, key: MatchKey, tier: int) -> None:
    """Settle the common case by aggregates alone, and leave the rest in `w_group`.

    Plain is a value whose holders are all new, each from another system, on which a confirming attribute is the same
    everywhere (or none is there to compare), and which neither birth date nor national id deny. Makes
    `w_plain(cluster, component)` and writes one edge per record to the group's first record.
    """
    confirm = [ident(name) for name in key.confirm]
    same = " OR ".join(f"(count({c}) = count(*) AND min({c}) = max({c}))" for c in confirm) or "FALSE"
    nothing = " AND ".join(f"count({c}) <= 1" for c in confirm) or "TRUE"
    denies = [ident(name) for name in (plan.birth_date, plan.national_id) if name]
    undenied = " AND ".join(f"(count({c}) = 0 OR min({c}) = max({c}))" for c in denies) or "TRUE"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_plain_value AS
        SELECT value, min(cluster) AS component, arg_min(system, cluster) AS system, arg_min(source_id, cluster) AS source_id,
               coalesce({same}, FALSE) AS compared
        FROM w_group
        GROUP BY value
        HAVING bool_and(starts_with(cluster, 'n')) AND NOT bool_or(gone)
           AND count(DISTINCT cluster) = count(*) AND count(DISTINCT system) = count(*)
           AND ({same} OR ({nothing})) AND {undenied}"""
    )
    con.execute(
        """
        DELETE FROM w_plain_value WHERE value IN (
            SELECT g.value FROM w_group g SEMI JOIN w_grown USING (cluster)
            UNION
            SELECT g.value FROM w_group g
            JOIN (SELECT left_system AS system, left_id AS source_id FROM identity.decisions
                  UNION SELECT right_system, right_id FROM identity.decisions) USING (system, source_id))"""
    )
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE w_plain AS
        SELECT g.system, g.source_id, g.cluster, p.component, p.system AS first_system, p.source_id AS first_id, p.compared
        FROM w_group g JOIN w_plain_value p USING (value)"""
    )
    con.execute(
        f"""
        INSERT INTO w_edges
        SELECT {tier}, 'key', $basis, CASE WHEN ordered THEN first_system ELSE system END,
               CASE WHEN ordered THEN first_id ELSE source_id END, CASE WHEN ordered THEN system ELSE first_system END,
               CASE WHEN ordered THEN source_id ELSE first_id END, NULL, CASE WHEN compared THEN $confirmed ELSE $alone END, 'link'
        FROM (SELECT *, first_system < system AS ordered FROM w_plain WHERE cluster <> component)""",
        {"basis": key_name(key), "confirmed": _plain_evidence(key, "exact"), "alone": _plain_evidence(key, "missing")},
    )
    if count_rows(con, "w_plain"):
        con.execute(
            "CREATE OR REPLACE TEMP TABLE w_group AS SELECT * FROM w_group ANTI JOIN w_plain_value USING (value)"
        )


def weigh_pairs(con: duckdb.DuckDBPyConnection, plan: Plan, key: MatchKey, tier: int) -> int:
    """Weigh every pair of the remaining groups; make `w_pair` with its zone and why. Return the values too common to pair."""
    name = key_name(key)
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE w_common AS SELECT value FROM w_group GROUP BY value HAVING count(*) > {plan.limits.group}"
    )
    con.execute(
        """
        INSERT INTO w_wanted
        SELECT 'shared_key', $tier, a[1].system, a[1].source_id, a[2].system, a[2].source_id, NULL,
               'one value of ' || $name || ' is carried by ' || n || ' records', NULL
        FROM (SELECT list({'system': system, 'source_id': source_id} ORDER BY system, source_id)[:2] AS a, count(*) AS n
              FROM w_group SEMI JOIN w_common USING (value) GROUP BY value)""",
        {"tier": tier, "name": name},
    )
    con.execute("DELETE FROM w_group WHERE value IN (SELECT value FROM w_common)")
    people(con, plan, "w_group", "w_people")
    confirm = [attribute for attribute in key.confirm if attribute in plan.kinds]
    levels = ", ".join(level(plan, attribute) for attribute in confirm)
    # An identifying key outweighs one denial (a mistyped birth date), shared contact data outweighs none: families share them.
    allowed = 1 if plan.proves(key) else 0
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE w_pair AS
        WITH weighed AS (
            SELECT g.value, l.system AS left_system, l.source_id AS left_id, r.system AS right_system, r.source_id AS right_id,
                   l.cluster AS left_cluster, r.cluster AS right_cluster, (l.gone OR r.gone) AS gone, NULL::DOUBLE AS probability,
                   list_filter([{levels}]::VARCHAR[], lambda x: x <> 'missing') AS compared,
                   {hard_contradictions(plan)} > {allowed} AS denied,
                   l.system = r.system AS one_system, {SUCCESSIVE} AS successive, {evidence(plan, (*key.attributes, *confirm))} AS evidence
            FROM w_group g JOIN w_group h ON g.value = h.value
            JOIN w_people l ON l.system = g.system AND l.source_id = g.source_id
            JOIN w_people r ON r.system = h.system AND r.source_id = h.source_id
            WHERE (g.system, g.source_id) < (h.system, h.source_id) AND g.cluster <> h.cluster),
        judged AS (
            SELECT *, NOT denied AND (len(compared) = 0
                      OR len(list_filter(compared, lambda x: x NOT IN ('differs', 'similar'))) > 0) AS confirmed
            FROM weighed),
        values_shared AS (
            SELECT value FROM judged WHERE one_system AND NOT gone AND NOT (successive AND confirmed) GROUP BY value)
        SELECT j.*,
               CASE WHEN gone AND NOT confirmed THEN 'apart'
                    WHEN s.value IS NOT NULL THEN CASE WHEN confirmed OR one_system THEN 'review' ELSE 'apart' END
                    WHEN confirmed THEN 'link' ELSE 'review' END AS zone,
               CASE WHEN s.value IS NOT NULL THEN 'shared_key' ELSE 'unconfirmed_key' END AS kind
        FROM judged j LEFT JOIN values_shared s USING (value)"""
    )
    con.execute(
        """
        INSERT INTO w_wanted
        SELECT kind, $tier, left_system, left_id, right_system, right_id, NULL,
               CASE kind WHEN 'shared_key' THEN 'several records of one system carry the same ' || $name
                         ELSE 'the same ' || $name || ', but what should confirm it contradicts' END, evidence
        FROM w_pair WHERE zone = 'review'""",
        {"tier": tier, "name": name},
    )
    con.execute(
        """
        INSERT INTO w_edges
        SELECT $tier, 'key', $name, left_system, left_id, right_system, right_id, NULL, evidence, zone FROM w_pair""",
        {"tier": tier, "name": name},
    )
    return count_rows(con, "w_common")


def _looked_at(plan: Plan, key: MatchKey) -> list[str]:
    """Attributes that confirm or deny a key, each once."""
    return list(dict.fromkeys([*key.confirm, *(name for name in (plan.birth_date, plan.national_id) if name)]))


def _plain_evidence(key: MatchKey, confirmed: str) -> str:
    return json.dumps({**dict.fromkeys(key.attributes, "exact"), "confirm": confirmed})
