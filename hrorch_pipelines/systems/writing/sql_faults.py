"""What a database's error means for a write: surely not done, refused for good, or not known. Never the driver's text."""

from __future__ import annotations

from typing import Literal

import sqlalchemy as sa

from hrorch_pipelines.systems.writing.protocol import Outcome, WriteFault

_FOR_GOOD = ("22", "23", "42", "44", "P0")
"""SQLSTATE classes that blame the statement or its data (data exception, constraint, access rule, check option, RAISE)."""
_SQLITE_FOR_GOOD = ("SQLITE_CONSTRAINT", "SQLITE_ERROR", "SQLITE_MISMATCH", "SQLITE_TOOBIG", "SQLITE_RANGE")
_SQLITE_WAITS = ("SQLITE_BUSY", "SQLITE_LOCKED")
_ROLLED_BACK = ("40",)
"""SQLSTATE class of transactions the server itself rolled back (deadlock, serialization)."""
_REMEDIES: dict[Outcome, str] = {
    "not_done": "nothing was changed; it is tried again by itself",
    "refused": "look up the code in the database's documentation; the value, a constraint or a right stands against it",
    "unknown": "the record is read again before anything else is sent",
}


def write_fault(error: sa.exc.SQLAlchemyError, stage: Literal["work", "commit"]) -> WriteFault:
    """The error as a fault. Before the commit nothing has happened; a commit without an answer may have."""
    code = state_of(error)
    outcome = _outcome(code, stage)
    what = "the database refused the write" if outcome == "refused" else "the database did not take the write"
    if outcome == "unknown":
        what = "the answer to the commit was lost"
    return WriteFault(_short(code), f"{what} ({code})", outcome=outcome, remedy=_REMEDIES[outcome])


def state_of(error: sa.exc.SQLAlchemyError) -> str:
    """SQLSTATE, SQLite's error name, or the class of the error: what may be told of it."""
    cause = getattr(error, "orig", None)
    state = next(
        (found for name in ("sqlstate", "pgcode", "sqlite_errorname") if (found := getattr(cause, name, None))), None
    )
    return str(state or type(cause or error).__name__)


def _outcome(code: str, stage: Literal["work", "commit"]) -> Outcome:
    sqlstate = len(code) == 5 and code.isalnum() and code.isupper() | code.isdigit()
    if code.startswith(_SQLITE_WAITS) or (sqlstate and code.startswith(_ROLLED_BACK)):
        return "not_done"
    if code.startswith(_SQLITE_FOR_GOOD) or (sqlstate and code.startswith(_FOR_GOOD)):
        return "refused"
    return "not_done" if stage == "work" else "unknown"


def _short(code: str) -> str:
    return f"sql_{code.lower()}"[:64]
