"""What the benchmark of a cycle edits between two rounds: one record in two hundred of every export."""

from __future__ import annotations

from pathlib import Path

import duckdb

from hrorch_pipelines.sandbox.exports import SYSTEMS

CHANGED = 200
"""One record in this many is edited in each system: 0.5 %."""
_ALTERED = {
    "job_title": "job_title || ' II'",
    "pay_amount": "printf('%.2f', CAST(pay_amount AS DOUBLE) + 1200)",
    "work_email": "'new.' || work_email",
    "legal_last_name": "legal_last_name || '-Smith'",
    "start_date": "CAST(CAST(start_date AS DATE) + 1 AS VARCHAR)",
    "location": "'Springfield'",
}
"""What an edit does to a cell, one cell of a record: attribute → SQL."""


def edit(folder: Path, *, scattered: bool) -> None:
    """Write every export anew with one record in `CHANGED` edited: of the same persons in each system, or `scattered`."""
    mark = "hash(id)" if scattered else "hash(substr(id, 2))"  # what follows the first letter is the person's number
    con = duckdb.connect()
    for system in SYSTEMS:
        file, made = folder / f"{system}.csv", folder / f"{system}.made"
        edits = ", ".join(
            f"CASE WHEN mark % {CHANGED} = 0 AND mark // {CHANGED} % {len(_ALTERED)} = {place} THEN {sql} ELSE {name} END AS {name}"
            for place, (name, sql) in enumerate(_ALTERED.items())
        )
        con.execute(
            f"""COPY (SELECT * EXCLUDE (mark) REPLACE ({edits})
                      FROM (SELECT *, {mark} AS mark FROM read_csv('{file}', all_varchar = true)))
                TO '{made}' (FORMAT csv, HEADER)"""
        )
        made.replace(file)
