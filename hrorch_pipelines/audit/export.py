"""Hand the log to an auditor, who can prove the chain without this program: docs/audit.md says how. No values, only commitments."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TextIO

import sqlalchemy as sa

from hrorch_pipelines.audit.rows import REPEATED, read
from hrorch_pipelines.storage.durable import sync_folder
from hrorch_pipelines.storage.ledger_tables import audit_log

Form = Literal["jsonl", "csv"]


@dataclass(frozen=True)
class Exported:
    """What was written: entries from `first` to `last`, and the hash the first is linked to (zeros for entry 1)."""

    entries: int
    first: int
    last: int
    previous_hash: str


def export(
    con: sa.Connection,
    file: Path,
    form: Form,
    *,
    neutral: Callable[[str], str],
    first: int = 1,
    last: int | None = None,
) -> Exported:
    """Write entries in order, whole or not at all. `neutral` makes a text safe for spreadsheets; CSV cells go through it.

    JSON Lines: `sequence`, `hash`, `envelope` (the canonical text that was hashed). CSV: the same and the columns to filter by.
    """
    made = file.with_name(f"{file.name}.part")
    before = con.execute(sa.select(audit_log.c.hash).where(audit_log.c.sequence == first - 1)).scalar()
    count, ended = 0, first - 1
    with made.open("w", encoding="utf-8", newline="") as out:
        write = _lines(out) if form == "jsonl" else _cells(out, neutral)
        for rows in read(con, first, last):
            for row in rows:
                write(row)
            count, ended = count + len(rows), rows[-1][0]
    made.chmod(0o600)
    made.replace(file)
    sync_folder(file.parent)
    return Exported(count, first, ended, before or "0" * 64)


def _lines(out: TextIO) -> Callable[[tuple[object, ...]], None]:
    def write(row: tuple[object, ...]) -> None:
        line = {"sequence": row[0], "hash": row[3], "envelope": row[2]}
        out.write(json.dumps(line, ensure_ascii=False) + "\n")

    return write


def _cells(out: TextIO, neutral: Callable[[str], str]) -> Callable[[tuple[object, ...]], None]:
    cells = csv.writer(out)
    cells.writerow(["sequence", "at", *REPEATED, "hash", "envelope"])

    def write(row: tuple[object, ...]) -> None:
        sequence, at, envelope, digest, *repeated = row
        texts = ["" if cell is None else neutral(str(cell)) for cell in (at, *repeated, digest, envelope)]
        cells.writerow([sequence, *texts])

    return write
