"""Looks for texts in every byte of a folder: plain, wide, packed, and in SQLite rows that spill over several pages."""

from __future__ import annotations

import gzip
import re
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing
from pathlib import Path

_GZIP = b"\x1f\x8b"
_SQLITE = b"SQLite format 3\x00"


def places_that_hold(folder: Path, texts: Collection[str], *, except_for: Collection[str] = ()) -> list[str]:
    """Files below a folder that hold one of the texts, whatever their letter case."""
    wanted = re.compile(b"|".join(re.escape(form) for text in texts for form in _forms(text)), re.IGNORECASE)
    return [
        str(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.suffix not in except_for
        and any(wanted.search(content) for content in _contents(path))
    ]


def _forms(text: str) -> Iterator[bytes]:
    for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
        yield text.encode(encoding)


def _contents(path: Path) -> Iterator[bytes]:
    raw = path.read_bytes()
    yield raw
    if raw.startswith(_GZIP):
        yield gzip.decompress(raw)
    if raw.startswith(_SQLITE):
        yield from _cells(path)


def _cells(path: Path) -> Iterator[bytes]:
    """Every text and blob of a SQLite file, as it is stored."""
    with closing(sqlite3.connect(path)) as con:
        con.text_factory = bytes
        tables = [name.decode() for (name,) in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in con.execute(f'SELECT * FROM "{table}"'):
                yield b"\n".join(cell for cell in row if isinstance(cell, bytes))
