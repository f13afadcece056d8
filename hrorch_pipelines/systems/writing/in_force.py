"""Which of an owner's rows counts on a day: the same choice as `authority.resolve` makes in SQL, for one record in hand."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime

from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.remap import Mapped

_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


def rows_of(rows: Iterable[Mapped], owner: str) -> list[Mapped]:
    """The living rows of one base record."""
    return [row for row in rows if not row.deleted and (row.parent_id or row.source_id) == owner]


def row_in_force(rows: list[Mapped], *, effective: bool, child: bool, day: date) -> Mapped | None:
    """The row that counts on `day`; None where none does.

    Effective-dated: starts <= day < its end, an open row ends where a later one starts; of several the one that starts
    last, then the greatest sequence, then the one updated last, then the greatest key. Raises WriteFault `refused` when a
    base record that is no table is there twice.
    """
    if not effective:
        if not child and len(rows) > 1:
            raise fault("held_twice", "the system holds two records under this id", "refused")
        return max(rows, key=lambda row: (_sequence(row), starts(row), *_latest(row)), default=None)
    begun = [row for row in rows if starts(row) <= day]
    newest = max((starts(row) for row in begun), default=date.min)
    counting = [row for row in begun if (starts(row) == newest if row.effective_to is None else day < row.effective_to)]
    return max(counting, key=lambda row: (starts(row), _sequence(row), *_latest(row)), default=None)


def starts(row: Mapped) -> date:
    """First day of a row; the beginning of time where it names none."""
    return row.effective_from or date.min


def _sequence(row: Mapped) -> int:
    return -(2**63) - 1 if row.sequence is None else row.sequence


def _latest(row: Mapped) -> tuple[datetime, str]:
    return row.updated_at or _EARLIEST, f"{row.source_id or ''}@{row.effective_from or ''}"
