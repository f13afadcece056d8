"""What the product found, as plain rows for `score`. Reads the product's tables like any report; the labels are elsewhere."""

from __future__ import annotations

from typing import Any

import duckdb

_QUERIES = {
    "discrepancy": """
        SELECT 'discrepancy' AS kind, copy_system AS system, copy_source_id AS source_id, attribute, cause
        FROM reconcile.discrepancies WHERE state = 'disagree'""",
    "missing_record": """
        SELECT DISTINCT 'missing_record' AS kind, copy_system AS system, links.source_id
        FROM reconcile.discrepancies JOIN identity.links USING (person_id)
        WHERE state = 'missing_record' AND links.system = $employer""",
    "ghost": """
        SELECT 'ghost' AS kind, copy_system AS system, copy_source_id AS source_id
        FROM reconcile.discrepancies WHERE state = 'ghost'""",
    "quarantine": """
        SELECT DISTINCT 'quarantine' AS kind, system, record, source_id, rule_id AS rule, attribute
        FROM gates.quarantine WHERE closed_at IS NULL AND severity = 'error'""",
    "review": """
        SELECT 'review' AS kind, left_system AS system, left_id AS source_id, right_system AS other_system, right_id AS other_id
        FROM identity.reviews WHERE closed_at IS NULL""",
    "link": "SELECT 'link' AS kind, system, source_id, person_id FROM identity.links",
}


def findings(con: duckdb.DuckDBPyConnection, employer: str = "hris") -> list[dict[str, Any]]:
    """Every discrepancy, missing record, ghost, quarantined record, review and link of the last cycle.

    A missing record is named by the id that `employer` has for the person, for want of one in the system that lacks them.
    """
    rows: list[dict[str, Any]] = []
    for kind, query in _QUERIES.items():
        parameters = {"employer": employer} if kind == "missing_record" else {}
        result = con.execute(query, parameters)
        names = [column[0] for column in result.description or ()]
        rows += [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    return rows
