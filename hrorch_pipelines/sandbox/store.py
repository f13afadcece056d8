"""What one sandbox system remembers: its documents and who changed them, in a SQLite file per system.

The world's time is in `world_clock`. No vendor's protocol (see `servers/`) and no invention of people (see `world`) here.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from hrorch_pipelines.sandbox.stamps import moment, stamp, version_of

__all__ = ["SYSTEMS", "Body", "Document", "Event", "Row", "Store", "VersionConflict", "moment", "stamp", "version_of"]

SYSTEMS = ("ats", "hris", "payroll", "check", "onboarding", "directory")
Body = dict[str, Any]
Row = tuple[str, str, str | None, str, str, str | None, Body]
"""For `Store.load`: collection, id, parent id, version, updated_at (`stamp`), updated_by, body."""

_TABLES = """
CREATE TABLE IF NOT EXISTS documents (
    collection TEXT NOT NULL, id TEXT NOT NULL, parent TEXT, seq INTEGER NOT NULL, version TEXT NOT NULL,
    updated_at TEXT NOT NULL, updated_by TEXT, deleted INTEGER NOT NULL DEFAULT 0, body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS documents_seq ON documents (collection, seq);
CREATE TABLE IF NOT EXISTS events (
    event INTEGER PRIMARY KEY, collection TEXT NOT NULL, id TEXT NOT NULL, action TEXT NOT NULL,
    at TEXT NOT NULL, by TEXT, fields TEXT NOT NULL);
"""
_INDEXES = """
CREATE UNIQUE INDEX IF NOT EXISTS documents_key ON documents (collection, id);
CREATE INDEX IF NOT EXISTS documents_parent ON documents (collection, parent, seq);
CREATE INDEX IF NOT EXISTS documents_updated ON documents (collection, updated_at);
"""
_as_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode
_COLUMNS = "collection, id, parent, seq, version, updated_at, updated_by, deleted, body"


@dataclass(frozen=True)
class Document:
    """One record as its system holds it. `seq` is the order of creation: sort by it where the vendor sorts by id."""

    collection: str
    id: str
    parent: str | None
    seq: int
    version: str
    updated_at: str
    updated_by: str | None
    deleted: bool
    body: Body


@dataclass(frozen=True)
class Event:
    """Who changed what: names of top-level fields, never values."""

    event: int
    collection: str
    id: str
    action: Literal["created", "updated", "deleted"]
    at: str
    by: str | None
    fields: tuple[str, ...]


class Store:
    """The documents of one system. Safe to use from several threads and processes (WAL; a connection per thread)."""

    def __init__(self, folder: Path, system: str, *, indexed: bool = True) -> None:
        """Open, or make, the store of a system. Not `indexed`: for a great `load` into a new store; then `index`."""
        self.path = folder / f"{system}.db"
        folder.mkdir(parents=True, exist_ok=True)
        self._local = threading.local()
        with self._write() as con:
            for statement in _TABLES.split(";\n"):
                con.execute(statement)
        if indexed:
            self.index()

    def index(self) -> None:
        """Make the indexes that all but `load` needs. Harmless when they are there."""
        with self._write() as con:
            for statement in _INDEXES.split(";\n"):
                con.execute(statement)

    def get(self, collection: str, key: str) -> Document | None:
        """One document, deleted or not; None when there never was one."""
        rows = self._rows(self._connection(), "collection = ? AND id = ?", [collection, key], "")
        return next(rows, None)

    def page(
        self,
        collection: str,
        *,
        limit: int = -1,
        offset: int = 0,
        after: int | None = None,
        descending: bool = False,
        parent: str | None = None,
        since: str | None = None,
        until: str | None = None,
        deleted: bool = False,
    ) -> list[Document]:
        """Documents in the order of creation.

        `after` continues behind a `seq` (a stable cursor), `offset` counts rows (drifts, as vendors' do); `since` and
        `until` (from `stamp`, both inclusive) ask for what changed in a closed window; `deleted` includes deleted ones.
        """
        where, values = _conditions(collection, parent, since, until, deleted)
        if after is not None:
            where += f" AND seq {'<' if descending else '>'} ?"
            values.append(after)
        order = f"ORDER BY seq {'DESC' if descending else 'ASC'} LIMIT ? OFFSET ?"
        return list(self._rows(self._connection(), where, [*values, limit, offset], order))

    def each(self, collection: str, *, deleted: bool = False) -> Iterator[Document]:
        """All documents of a collection, streamed."""
        where, values = _conditions(collection, None, None, None, deleted)
        return self._rows(self._connection(), where, values, "ORDER BY seq")

    def count(
        self,
        collection: str,
        *,
        parent: str | None = None,
        since: str | None = None,
        until: str | None = None,
        deleted: bool = False,
    ) -> int:
        """How many documents `page` would give without a limit."""
        where, values = _conditions(collection, parent, since, until, deleted)
        found = self._connection().execute(f"SELECT count(*) FROM documents WHERE {where}", values).fetchone()
        return int(found[0])

    def put(
        self,
        collection: str,
        key: str,
        body: Body,
        *,
        at: datetime,
        by: str | None,
        parent: str | None = None,
        version: str | None = None,
        expected: str | None = None,
    ) -> Document:
        """Create or replace a document, with a new version and an event.

        `expected` is compare-and-set: the version it must still have. Raises VersionConflict otherwise. A body's own
        version field is the caller's business (`version` says which token to use).
        """
        with self._write() as con:
            old = next(self._rows(con, "collection = ? AND id = ?", [collection, key], ""), None)
            if expected is not None and (old is None or old.version != expected):
                raise VersionConflict(collection, key)
            token = version or version_of(
                collection, key, old.version if old else "", stamp(at), json.dumps(body, sort_keys=True)
            )
            fields = sorted(
                name
                for name in {**body, **(old.body if old else {})}
                if old is None or old.body.get(name) != body.get(name)
            )
            top = con.execute(
                "SELECT coalesce(max(seq), 0) FROM documents WHERE collection = ?", [collection]
            ).fetchone()[0]
            document = Document(
                collection,
                key,
                parent if parent is not None else (old.parent if old else None),
                old.seq if old else top + 1,
                token,
                stamp(at),
                by,
                False,
                body,
            )
            self._insert(con, [document])
            self._tell(con, document, "updated" if old else "created", fields)
        return document

    def delete(self, collection: str, key: str, *, at: datetime, by: str | None) -> bool:
        """Mark a document deleted (it stays readable by id). False when it is not there or already deleted."""
        with self._write() as con:
            old = next(self._rows(con, "collection = ? AND id = ? AND deleted = 0", [collection, key], ""), None)
            if old is None:
                return False
            gone = Document(
                collection, key, old.parent, old.seq, version_of(old.version, "deleted"), stamp(at), by, True, old.body
            )
            self._insert(con, [gone])
            self._tell(con, gone, "deleted", [])
        return True

    def load(self, rows: Iterable[Row]) -> int:
        """Add many documents in one transaction, in the order given, without events (they are the past); count them."""
        with self._write() as con:
            tops = dict(con.execute("SELECT collection, max(seq) FROM documents GROUP BY collection").fetchall())

            def numbered() -> Iterator[tuple[object, ...]]:
                for collection, key, parent, version, at, by, body in rows:
                    tops[collection] = seq = tops.get(collection, 0) + 1
                    yield collection, key, parent, seq, version, at, by, 0, _as_json(body)

            return con.executemany(
                f"INSERT INTO documents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", numbered()
            ).rowcount

    def events(self, *, after: int = 0, collection: str | None = None, limit: int = -1) -> list[Event]:
        """Who changed what since event number `after`, oldest first."""
        where, values = ("AND collection = ?", [collection]) if collection else ("", [])
        rows = self._connection().execute(
            "SELECT event, collection, id, action, at, by, fields FROM events "
            f"WHERE event > ? {where} ORDER BY event LIMIT ?",
            [after, *values, limit],
        )
        return [Event(row[0], row[1], row[2], row[3], row[4], row[5], tuple(json.loads(row[6]))) for row in rows]

    def close(self) -> None:
        """Close this thread's connection."""
        if (con := getattr(self._local, "con", None)) is not None:
            con.close()
            self._local.con = None

    def _connection(self) -> sqlite3.Connection:
        con: sqlite3.Connection | None = getattr(self._local, "con", None)
        if con is None:
            con = sqlite3.connect(self.path, timeout=15, isolation_level=None)
            con.execute("PRAGMA journal_mode = WAL")
            con.execute("PRAGMA synchronous = NORMAL")
            self._local.con = con
        return con

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        con = self._connection()
        con.execute("BEGIN IMMEDIATE")
        try:
            yield con
        except BaseException:
            con.execute("ROLLBACK")
            raise
        con.execute("COMMIT")

    @staticmethod
    def _rows(con: sqlite3.Connection, where: str, values: list[Any], order: str) -> Iterator[Document]:
        for row in con.execute(f"SELECT {_COLUMNS} FROM documents WHERE {where} {order}", values):
            yield _document(row)

    @staticmethod
    def _insert(con: sqlite3.Connection, documents: list[Document]) -> None:
        con.executemany(
            f"INSERT OR REPLACE INTO documents ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (d.collection, d.id, d.parent, d.seq, d.version, d.updated_at, d.updated_by, int(d.deleted),
                 _as_json(d.body))
                for d in documents
            ],
        )  # fmt: skip

    @staticmethod
    def _tell(con: sqlite3.Connection, document: Document, action: str, fields: list[str]) -> None:
        con.execute(
            "INSERT INTO events (collection, id, action, at, by, fields) VALUES (?, ?, ?, ?, ?, ?)",
            [document.collection, document.id, action, document.updated_at, document.updated_by, json.dumps(fields)],
        )


class VersionConflict(Exception):  # noqa: N818  (servers answer it in the vendor's words; no person ever sees it)
    """The document changed since it was read."""

    def __init__(self, collection: str, key: str) -> None:
        super().__init__(f"{collection} {key}: not the version expected")
        self.collection = collection
        self.key = key


def _document(row: Any) -> Document:
    collection, key, parent, seq, version, at, by, deleted, body = row
    return Document(collection, key, parent, seq, version, at, by, bool(deleted), json.loads(body))


def _conditions(
    collection: str, parent: str | None, since: str | None, until: str | None, deleted: bool
) -> tuple[str, list[Any]]:
    where, values = ["collection = ?"], [collection]
    for condition, value in (("parent = ?", parent), ("updated_at >= ?", since), ("updated_at <= ?", until)):
        if value is not None:
            where.append(condition)
            values.append(value)
    if not deleted:
        where.append("deleted = 0")
    return " AND ".join(where), values
