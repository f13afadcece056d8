"""The time in the sandbox and the few facts a world is remembered by, kept in `world.db`."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from hrorch_pipelines.sandbox.store import moment, stamp


class WorldClock:
    """The time in the sandbox, kept in `world.db`; stands still until someone moves it. A `Clock`."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / "world.db"

    def now(self) -> datetime:
        """The world's moment, UTC. Raises LookupError before the world is made."""
        return moment(self.fact("now"))

    def set(self, to: datetime) -> None:
        """Move the world's clock."""
        self.keep("now", stamp(to))

    def fact(self, name: str) -> str:
        """A remembered text, such as `now` or `seed`. Raises LookupError when there is none."""
        with self._open() as con:
            found = con.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        if found is None:
            raise LookupError(f"{self.path.name} does not know {name!r}: generate a world first")
        return str(found[0])

    def keep(self, name: str, value: str) -> None:
        """Remember a text."""
        with self._open() as con:
            con.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        con = sqlite3.connect(self.path, timeout=15)
        try:
            with con:
                con.execute("CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
                yield con
        finally:
            con.close()
