"""What two replays differ in: who is linked to whom, which system decides, which values, discrepancies and corrections."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import duckdb

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident

_KEPT = """
CREATE SCHEMA simulation;
CREATE TABLE simulation.links AS SELECT system, source_id, person_id FROM identity.links;
CREATE TABLE simulation.deciders AS SELECT person_id, attribute, system FROM golden.decisions;
CREATE TABLE simulation.discrepancies AS
    SELECT person_id, copy_system AS system, attribute, state, copy_source_id AS source_id, authority_value AS wanted, copy_value AS held
    FROM reconcile.discrepancies WHERE state IN ('disagree', 'missing_record', 'ghost');
CREATE TABLE simulation.corrections AS
    SELECT person_id, target AS system, attribute, 'correction' AS state, source_id, after AS wanted, before AS held
    FROM corr_judged WHERE reason IS NULL;
"""


@dataclass(frozen=True)
class Line:
    """One row of a difference, with values as they are: mask them before they are shown."""

    what: str
    sign: str  # + only then, - only now
    system: str
    source_id: str | None
    attribute: str | None
    wanted: str | None = field(default=None, repr=False)
    held: str | None = field(default=None, repr=False)


Counted = tuple[tuple[str, str, int, int], ...]
"""(system, attribute or state, how many more, how many fewer)."""


@dataclass(frozen=True)
class Difference:
    """Matches are pairs of records of one person. `winners`: (attribute, persons for whom another system decides, persons whose
    value is another)."""

    matches_gained: int
    matches_lost: int
    winners: tuple[tuple[str, int, int], ...]
    discrepancies: Counted
    corrections: Counted
    lines: tuple[Line, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (self.matches_gained or self.matches_lost or self.winners or self.discrepancies or self.corrections)


def keep(con: duckdb.DuckDBPyConnection) -> None:
    """Keep what will be compared, in the schema `simulation` of a replay."""
    con.execute(_KEPT)


def between(con: duckdb.DuckDBPyConnection, now: Stack, then: Stack, rows: int) -> Difference:
    """Compare the databases `side_now` and `side_then`; `rows` of each sort are listed."""
    pairs = """SELECT a.system, a.source_id, b.system AS other_system, b.source_id AS other_id
               FROM side_{side}.simulation.links a JOIN side_{side}.simulation.links b
               ON a.person_id = b.person_id AND (a.system, a.source_id) < (b.system, b.source_id)"""
    for side in ("now", "then"):
        con.execute(f"CREATE TEMP TABLE pairs_{side} AS {pairs.format(side=side)}")
    # The same person, on either side: whoever holds the same records.
    con.execute(
        """CREATE TEMP TABLE same AS SELECT DISTINCT n.person_id AS now_id, t.person_id AS then_id
           FROM side_now.simulation.links n JOIN side_then.simulation.links t USING (system, source_id)"""
    )
    lines: list[Line] = []
    gained, lost = (
        _matches(con, a, b, sign, rows, lines) for a, b, sign in (("then", "now", "+"), ("now", "then", "-"))
    )
    return Difference(
        gained,
        lost,
        _winners(con, now, then),
        _counted(con, "discrepancies", rows, lines),
        _counted(con, "corrections", rows, lines),
        tuple(lines),
    )


def _matches(con: duckdb.DuckDBPyConnection, one: str, other: str, sign: str, rows: int, lines: list[Line]) -> int:
    con.execute(f"CREATE OR REPLACE TEMP TABLE lone AS FROM pairs_{one} EXCEPT FROM pairs_{other}")
    for system, source_id, other_system, other_id in con.execute(
        f"FROM lone ORDER BY ALL LIMIT {int(rows)}"
    ).fetchall():
        lines.append(Line(f"match with {other_system}:{other_id}", sign, system, source_id, None))
    return _one(con, "SELECT count(*) FROM lone")


def _winners(con: duckdb.DuckDBPyConnection, now: Stack, then: Stack) -> tuple[tuple[str, int, int], ...]:
    deciders: dict[str, int] = dict(
        con.execute(
            """SELECT n.attribute, count(*) FROM same s JOIN side_now.simulation.deciders n ON n.person_id = s.now_id
               JOIN side_then.simulation.deciders t ON t.person_id = s.then_id AND t.attribute = n.attribute
               WHERE n.system IS DISTINCT FROM t.system GROUP BY 1"""
        ).fetchall()
    )
    found = []
    for attribute in now.attributes:
        if attribute not in then.attributes:
            continue
        column = ident(attribute)
        people = then.attributes[attribute].type.value == "person"
        # Persons are compared as persons: the ids of the two replays are not.
        own, other = f"n.{column}", f"t.{column}"
        if people:
            own, other = f"(SELECT min(then_id) FROM same WHERE now_id = n.{column})", f"t.{column}"
        changed = _one(
            con,
            f"""SELECT count(*) FROM same s JOIN side_now.golden.wide n ON n.person_id = s.now_id
                JOIN side_then.golden.wide t ON t.person_id = s.then_id
                WHERE CAST({own} AS VARCHAR) IS DISTINCT FROM CAST({other} AS VARCHAR)""",
        )
        if changed or deciders.get(attribute):
            found.append((attribute, deciders.get(attribute, 0), changed))
    return tuple(found)


def _counted(con: duckdb.DuckDBPyConnection, table: str, rows: int, lines: list[Line]) -> Counted:
    """Rows of one side that the other has not: by record and attribute; of discrepancies the state, of corrections the value."""
    key = "system, coalesce(source_id, s.then_id, '') AS place, attribute, state"
    value = "wanted" if table == "corrections" else "NULL"
    for side in ("now", "then"):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE sided_{side} AS
                SELECT {key}, {value} AS value, source_id, wanted, held FROM side_{side}.simulation.{table} d
                LEFT JOIN (SELECT {side}_id AS id, min(then_id) AS then_id FROM same GROUP BY 1) s ON s.id = d.person_id"""
        )
    same = " AND ".join(
        f"a.{name} IS NOT DISTINCT FROM b.{name}" for name in ("system", "place", "attribute", "state", "value")
    )
    for one, other in (("then", "now"), ("now", "then")):
        con.execute(
            f"""CREATE OR REPLACE TEMP TABLE only_{one} AS
                SELECT * FROM sided_{one} a WHERE NOT EXISTS (SELECT 1 FROM sided_{other} b WHERE {same})"""
        )
        found = con.execute(
            f"SELECT system, source_id, attribute, wanted, held FROM only_{one} ORDER BY ALL LIMIT {int(rows)}"
        ).fetchall()
        sign = "+" if one == "then" else "-"
        lines += [Line("correction" if table == "corrections" else "discrepancy", sign, *row) for row in found]
    counted: list[tuple[Any, ...]] = con.execute(
        """SELECT system, attribute, count(*) FILTER (more), count(*) FILTER (NOT more)
           FROM (SELECT system, attribute, true AS more FROM only_then UNION ALL SELECT system, attribute, false FROM only_now)
           GROUP BY ALL ORDER BY ALL"""
    ).fetchall()
    return tuple((system, attribute, int(more), int(fewer)) for system, attribute, more, fewer in counted)


def _one(con: duckdb.DuckDBPyConnection, query: str) -> int:
    row = con.execute(query).fetchone()
    return int(row[0]) if row else 0
