"""Errors of the ledger, and how a database's own errors become them. Drivers quote values: their words are not passed on."""

from __future__ import annotations

import errno
import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.errors import HrorchError

_WITHHELD = "The database's own message is withheld: it may quote values."
_SQLITE_NAMES = re.compile(
    r"^(no such (table|column|index)\b.*|table \S+ has no column named \S+|(UNIQUE|NOT NULL|PRIMARY KEY) constraint failed: [\w., ]+)$"
)
"""SQLite's messages that hold names of ours and nothing else."""


class LedgerError(HrorchError):
    """The ledger refused. `code` is the kind of failure, `detail` names tables and columns at most, never a value."""

    def __init__(self, code: str, detail: str | None = None) -> None:
        self.code = code
        self.detail = detail
        named = f" ({detail})" if detail else ""
        super().__init__(
            f"The ledger refused: {code}{named}. {_WITHHELD}",
            remedy="run the step again: nothing of it was kept; if it fails again, report the code named above",
        )


class LedgerUnreachable(LedgerError):  # noqa: N818
    """There is no ledger where the address points. `place` is the address without its password."""

    def __init__(self, place: str, why: str) -> None:
        self.place = place
        self.why = why
        HrorchError.__init__(
            self,
            f"The ledger at {place} cannot be opened: {why}.",
            remedy="check HRORCH_LEDGER_URL and that the database server runs and lets this user in; "
            "without HRORCH_LEDGER_URL the ledger is a file in the run-time folder",
        )
        self.code, self.detail = "unreachable", why


class LedgerBusy(LedgerError):  # noqa: N818
    """Another writer kept the ledger longer than we were ready to wait; `waited` in seconds."""

    def __init__(self, waited: float) -> None:
        self.waited = waited
        HrorchError.__init__(
            self,
            f"The ledger was in use by another writer for {waited:.0f} s; nothing of this step was kept.",
            remedy="run the step again; if it goes on, find the process that keeps a ledger transaction open and end it",
        )
        self.code, self.detail = "busy", None


class LedgerFull(LedgerError):  # noqa: N818
    """No room is left to write."""

    def __init__(self) -> None:
        HrorchError.__init__(
            self,
            "The disk of the ledger is full; nothing of this step was kept, and what was kept before is whole.",
            remedy="make room on the disk (or give the database more), then run the step again",
        )
        self.code, self.detail = "full", None


class LedgerReadOnly(LedgerError):  # noqa: N818
    """The ledger can be read but not written."""

    def __init__(self) -> None:
        HrorchError.__init__(
            self,
            "The ledger cannot be written: it, its disk or this transaction is read-only; nothing of this step was kept.",
            remedy="make the run-time folder (or the database) writable for this user, then run the step again",
        )
        self.code, self.detail = "read_only", None


class LedgerTooNew(LedgerError):  # noqa: N818
    """The ledger was made by a later version of this program; `revision` is its own."""

    def __init__(self, revision: str) -> None:
        self.revision = revision
        HrorchError.__init__(
            self,
            f"The ledger is of revision {revision}, which this version of HRORCH does not know; it was left as it is.",
            remedy="use the version of HRORCH that made it, or a later one",
        )
        self.code, self.detail = "too_new", revision


class NotALedger(LedgerError):  # noqa: N818
    """What is there is something else's; it was left as it is."""

    def __init__(self, place: str, why: str) -> None:
        self.place = place
        HrorchError.__init__(
            self,
            f"What is at {place} is no ledger: {why}. It was left as it is.",
            remedy="point HRORCH_LEDGER_URL at a ledger, or at an empty database, or move the file away",
        )
        self.code, self.detail = "not_a_ledger", why


@contextmanager
def ledger_errors(patience: float) -> Iterator[None]:
    """Turn SQLAlchemy's and the drivers' errors into ours. `patience`: seconds that were waited for a lock."""
    try:
        yield
    except (sa.exc.SQLAlchemyError, sqlite3.Error) as error:
        raise told(error, patience) from None


def told(error: Exception, patience: float) -> LedgerError:
    """The same error without the driver's words, except where these are names only."""
    original: Any = getattr(error, "orig", None) or error
    if isinstance(original, sqlite3.Error):
        return _of_sqlite(original, patience)
    state = getattr(original, "sqlstate", None)
    if state is None and isinstance(error, sa.exc.DBAPIError) and error.connection_invalidated:
        return LedgerError("connection_lost")
    return _of_postgresql(original, state, patience) if state else LedgerError(type(original).__name__)


def reason_of(error: OSError) -> str:
    """Why the operating system refused, in its own code, without the path."""
    return errno.errorcode.get(error.errno or 0, "EIO")


def _of_sqlite(error: sqlite3.Error, patience: float) -> LedgerError:
    name = getattr(error, "sqlite_errorname", None) or type(error).__name__
    family = "_".join(name.split("_")[:2])
    by_family = {
        "SQLITE_BUSY": lambda: LedgerBusy(patience),
        "SQLITE_LOCKED": lambda: LedgerBusy(patience),
        "SQLITE_FULL": LedgerFull,
        "SQLITE_READONLY": LedgerReadOnly,
    }
    if family in by_family:
        return by_family[family]()
    words = str(error)
    return LedgerError(name.lower(), words if _SQLITE_NAMES.match(words) else None)


def _of_postgresql(error: Any, state: str, patience: float) -> LedgerError:
    if state in {"55P03", "57014", "40P01"}:  # lock not available, statement cancelled, deadlock
        return LedgerBusy(patience)
    if state in {"53100", "53200"}:
        return LedgerFull()
    if state == "25006":
        return LedgerReadOnly()
    # Class 42 is about the statement, whose words are ours; class 23 names the constraint apart from the values.
    if state.startswith("42"):
        return LedgerError(state, str(error).splitlines()[0])
    diagnosis = getattr(error, "diag", None)
    names = [getattr(diagnosis, part, None) for part in ("table_name", "column_name", "constraint_name")]
    return LedgerError(state, ", ".join(name for name in names if name) or None)
