"""Records of persons who were erased, remembered as keyed hashes, so that the next snapshot does not bring them back.

`<home>/erased/<system>`: one HMAC-SHA-256 per line, of the system and its own id. It tells nothing without the home's key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import duckdb

from hrorch_pipelines.storage.durable import sync_folder
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import literal

Record = tuple[str, str]
"""(system, the system's own id of the base record)."""

_BLOCK = 64
"""Block size of SHA-256 in bytes (RFC 2104)."""


def remember(home: Home, records: Iterable[Record]) -> int:
    """Keep these records out from now on. Returns how many were not remembered before."""
    return _change(home, records, add=True)


def forget(home: Home, records: Iterable[Record]) -> int:
    """Let these records in again. Returns how many had been kept out."""
    return _change(home, records, add=False)


def is_kept_out(home: Home, record: Record) -> bool:
    """Whether a record is kept out."""
    return _mark(home.key(), *record) in _read(_file(home, record[0]))


def leave_out(con: duckdb.DuckDBPyConnection, home: Home, system: str, file: Path) -> int:
    """Write a record's Parquet file anew without the rows of erased persons, child rows included. Returns how many went."""
    marks = _read(_file(home, system))
    if not marks:
        return 0
    key = home.key().ljust(_BLOCK, b"\0")
    bound: dict[str, object] = {
        "inner": bytes(byte ^ 0x36 for byte in key) + f"{system}\x1f".encode(),
        "outer": bytes(byte ^ 0x5C for byte in key),
        "marks": sorted(marks),
    }
    rows = f"read_parquet({literal(str(file))})"
    # HMAC spelt out: DuckDB has the hash, not the construction, and a loop in Python over a million ids is slow.
    hashed = "sha256($outer::BLOB || unhex(sha256($inner::BLOB || encode({id}))))"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE kept_out AS
        WITH ids AS (SELECT source_id AS id FROM {rows} UNION SELECT parent_id FROM {rows})
        SELECT id FROM ids WHERE id IS NOT NULL AND list_contains($marks, {hashed.format(id="id")})""",
        bound,
    )
    mine = "(source_id IN (FROM kept_out) OR parent_id IN (FROM kept_out))"
    counted = con.execute(f"SELECT count(*) FROM {rows} WHERE {mine}").fetchall()[0][0]
    if counted:
        made = file.with_suffix(".kept")
        con.execute(
            f"""COPY (SELECT (row_number() OVER () - 1)::BIGINT AS row_id, * EXCLUDE (row_id)
                      FROM {rows} WHERE {mine} IS NOT TRUE)
                TO {literal(str(made))} (FORMAT parquet, COMPRESSION zstd)"""
        )
        made.replace(file)
    con.execute("DROP TABLE temp.kept_out")
    return int(counted)


def _change(home: Home, records: Iterable[Record], *, add: bool) -> int:
    changed = 0
    grouped: defaultdict[str, set[str]] = defaultdict(set)
    for system, source_id in records:
        grouped[system].add(_mark(home.key(), system, source_id))
    for system, marks in grouped.items():
        file = _file(home, system)
        before = _read(file)
        after = before | marks if add else before - marks
        changed += len(before ^ after)
        if after != before:
            _write(file, after)
    return changed


def _file(home: Home, system: str) -> Path:
    return home.root / "erased" / system


def _mark(key: bytes, system: str, source_id: str) -> str:
    return hmac.new(key, f"{system}\x1f{source_id}".encode(), hashlib.sha256).hexdigest()


def _read(file: Path) -> set[str]:
    return set(file.read_text(encoding="ascii").split()) if file.exists() else set()


def _write(file: Path, marks: set[str]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    made = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
        out.write("".join(f"{mark}\n" for mark in sorted(marks)))
        out.flush()
        os.fsync(out.fileno())
    made.replace(file)
    sync_folder(file.parent)
