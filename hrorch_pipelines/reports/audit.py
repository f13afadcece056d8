"""Entries of the audit log as a table. What they are and how they are masked is the audit room's."""

from __future__ import annotations

from dataclasses import asdict

from hrorch_pipelines.audit.show import Listing
from hrorch_pipelines.reports.table import Column, Table

_COLUMNS = (
    Column("sequence", "No.", "integer"),
    Column("at", "When", "moment"),
    Column("actor", "Who"),
    Column("action", "What", "name"),
    Column("system", "System", rank=1),
    Column("attribute", "Attribute", "name", inside="system"),
    Column("before", "Before"),
    Column("after", "After"),
    Column("rule", "Rule", rank=2),
    Column("detail", "Detail", rank=2),
    Column("person_id", "Person", "person", rank=3),
    Column("on_behalf_of", "For", rank=4),
    Column("record", "Record", rank=5),
    Column("source_id", "Its id", rank=5),
    Column("case_id", "Case", rank=5),
    Column("correction_id", "Correction", rank=5),
    Column("snapshot_id", "Snapshot", rank=6),
    Column("run_id", "Run", rank=6),
)


def listed(listing: Listing) -> Table:
    """The listing, the oldest entry first."""
    rows = tuple(tuple(asdict(row)[column.name] for column in _COLUMNS) for row in listing.rows)
    notes = ["Rows without a number are changes that a system told; the others are entries of the log."]
    if listing.left_out:
        notes.append(f"{listing.left_out:,} earlier ones fit as well; ask for more with --limit.")
    return Table("Audit log", _COLUMNS, rows, notes=tuple(notes))
