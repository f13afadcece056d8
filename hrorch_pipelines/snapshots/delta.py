"""Which rows of a new snapshot differ from those held, and both sides of them. What becomes of them is in `history`.

A row that says what a held one says needs no looking up: 64 bits of each are enough to set it aside. Only what is left is
joined by its keys, so the outcome is the same however many that are.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.storage.sql import literal

FEW = 0.1
"""Up to this share of rows are fetched whole before they are joined; more would be copied twice."""

_SAYS = "hash(record_hash, occurrence)"
"""What a row says, in 64 bits: the hash of its canonical columns, its key among them, and its number within the key."""
_MARKS = (1 << 20) - 1


def find_delta(con: duckdb.DuckDBPyConnection, table: str, file: Path) -> None:
    """Make the temporary tables `delta(version, row_id, kind)` and `before`, and the view `after`.

    `version` is the rowid held in `table`, `row_id` the row in the file; `before` has the differing rows that are held, with
    their `version`, `after` those of the file, with their `kind`. While nothing is held, `after` is the file itself: a first
    snapshot is not copied twice.
    """
    source = f"(SELECT * EXCLUDE (raw) FROM read_parquet({literal(str(file))}))"
    held = f"(SELECT rowid AS version, * FROM {table} WHERE valid_to IS NULL)"
    if not con.execute(f"SELECT 1 FROM {held} LIMIT 1").fetchone():
        con.execute(_delta(source, held))
        con.execute(
            f"CREATE TEMP VIEW after AS SELECT 'created' AS kind, * FROM {source} WHERE NOT coalesce(deleted, FALSE)"
        )
        con.execute(f"CREATE TEMP TABLE before AS SELECT * FROM {held} LIMIT 0")
        return
    if _set_apart(con, source, held):
        con.execute(f"CREATE TEMP TABLE after_apart AS SELECT * FROM {source} WHERE row_id IN (FROM apart_rows)")
        con.execute(
            f"CREATE TEMP TABLE before_apart AS SELECT rowid AS version, * FROM {table} WHERE rowid IN (FROM apart_versions)"
        )
        source, held = "after_apart", "before_apart"
    con.execute(_delta(source, held))
    con.execute(
        f"CREATE TEMP TABLE after_rows AS SELECT delta.kind, incoming.* FROM {source} AS incoming "
        "JOIN delta ON delta.row_id = incoming.row_id"
    )
    con.execute("CREATE TEMP VIEW after AS SELECT * FROM after_rows")
    con.execute(
        f"CREATE TEMP TABLE before AS SELECT held.* FROM {held} AS held JOIN delta ON delta.version = held.version"
    )


def forget_delta(con: duckdb.DuckDBPyConnection) -> None:
    """Drop what `find_delta` made: it holds people's data, and a connection may live long."""
    con.execute("DROP VIEW IF EXISTS temp.after")
    for name in ("delta", "before", "after_rows", "after_apart", "before_apart", "apart_rows", "apart_versions"):
        con.execute(f"DROP TABLE IF EXISTS temp.{name}")


def _delta(source: str, held: str) -> str:
    """What differs, by hash. Needs both sides whole, or both less rows that say the same."""
    return f"""
        CREATE TEMP TABLE delta AS
        WITH incoming AS (
            SELECT record_key, occurrence, record_hash, row_id, coalesce(deleted, FALSE) AS deleted FROM {source}
        ),
        held AS (SELECT record_key, occurrence, record_hash, version FROM {held})
        SELECT held.version, incoming.row_id,
               CASE WHEN held.version IS NULL THEN 'created'
                    WHEN incoming.row_id IS NULL OR incoming.deleted THEN 'removed'
                    ELSE 'updated' END AS kind
        FROM incoming
        FULL JOIN held
          ON incoming.record_key IS NOT DISTINCT FROM held.record_key AND incoming.occurrence = held.occurrence
        WHERE CASE WHEN held.version IS NULL THEN NOT incoming.deleted
                   WHEN incoming.row_id IS NULL THEN TRUE
                   ELSE incoming.deleted OR incoming.record_hash <> held.record_hash END
        """


def _set_apart(con: duckdb.DuckDBPyConnection, source: str, held: str) -> bool:
    """Make `apart_rows(row_id)` and `apart_versions(version)` of all rows that the other side has no equal of.

    False when they are not few, or when 64 bits do not tell the rows of a side apart. A row that is marked as deleted has
    no equal, whatever it says.
    """
    import numpy as np
    import pyarrow as pa

    new = con.execute(f"SELECT row_id, {_SAYS} AS says FROM {source} WHERE NOT coalesce(deleted, FALSE)").fetchnumpy()
    old = con.execute(f"SELECT version, {_SAYS} AS says FROM {held}").fetchnumpy()
    sides = [np.sort(side["says"]) for side in (new, old)]
    if any(bool((side[1:] == side[:-1]).any()) for side in sides):
        return False
    both = np.sort(np.concatenate(sides))
    begins = np.concatenate(([True], both[1:] != both[:-1], [True]))
    lone = both[begins[1:] & begins[:-1]]
    deleted = con.execute(f"SELECT row_id FROM {source} WHERE coalesce(deleted, FALSE)").fetchnumpy()["row_id"]
    if len(lone) + len(deleted) > FEW * len(old["says"]):
        return False
    rows = np.concatenate((new["row_id"][_among(new["says"], lone)], deleted))
    versions = old["version"][_among(old["says"], lone)]
    for table, name, ids in (("apart_rows", "row_id", rows), ("apart_versions", "version", versions)):
        con.register("r_apart", pa.table({name: ids}))
        con.execute(f"CREATE TEMP TABLE {table} AS FROM r_apart")
        con.unregister("r_apart")
    return True


def _among(says: Any, lone: Any) -> Any:
    """Places in `says` of the few values in `lone`. Twenty bits rule most others out: a search in all would cost more."""
    import numpy as np

    marked = np.zeros(_MARKS + 1, dtype=bool)
    marked[lone & _MARKS] = True
    places = np.flatnonzero(marked[says & _MARKS])
    return places[np.isin(says[places], lone)]
