"""When a snapshot is believed: rules over how it was read and what the last good one held. Reading is in `observe`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hrorch_pipelines.snapshots.errors import SnapshotRefused
from hrorch_pipelines.snapshots.manifest import Manifest, RecordFacts, TrustFault
from hrorch_pipelines.stack.systems import Trust

ENOUGH_TO_JUDGE = 10
"""Below this many filled cells, an attribute that is empty now proves nothing."""

UNREADABLE_BEFORE, UNREADABLE_NOW = 0.10, 0.50
"""A share of unconvertible cells that rises from below the first to above the second is a change of type."""

_ACCEPT = (
    "if the change is real, let a person who knows accept the snapshot; else have the system mended and read again"
)


def judge(
    trust: Trust,
    previous: Manifest | None,
    records: Mapping[str, RecordFacts],
    base_record: str,
    read: Sequence[TrustFault] = (),
) -> list[TrustFault]:
    """Every reason not to believe a snapshot; empty means trusted.

    `records` are the facts of what was read, `read` the fatal problems of the read itself. Without a previous good
    snapshot, and for a record type that is mapped as another kind of record since, only absolute rules apply.
    """
    faults = list(read)
    told = {(fault.code, fault.record) for fault in faults}
    for name, now in records.items():
        before = previous.records.get(name) if previous else None
        found = [*_absolute(name, now, trust.min_rows if name == base_record else 0)]
        if before is not None and before.shape_hash == now.shape_hash:
            # Of a record type without attributes (terminations, invitations) there may be few, and they come and go.
            found += _volume(name, before, now, trust) if now.field_hashes or name == base_record else []
            found += [*_columns(name, before, now), *_cells(name, before, now)]
        faults += [fault for fault in found if (fault.code, fault.record) not in told]
    return faults


def require_trusted(manifest: Manifest) -> None:
    """The next stage's question to a snapshot. Raises SnapshotRefused with what is wrong, the owner and the remedy."""
    if not manifest.trusted:
        raise SnapshotRefused(manifest)


def _absolute(name: str, now: RecordFacts, min_rows: int) -> Iterator[TrustFault]:
    if now.claimed_rows is not None and now.claimed_rows != now.read_rows:
        yield TrustFault(
            code="count_mismatch",
            record=name,
            what=f"the system says {now.claimed_rows} records and handed over {now.read_rows}",
            remedy="read again; if it stays, ask the system's support why its count and its list differ",
        )
    if now.rows < min_rows:
        yield TrustFault(
            code="min_rows",
            record=name,
            what=f"{now.rows} rows, and `trust.min_rows` asks for {min_rows}",
            remedy=_ACCEPT,
            acceptable=True,
        )
    if now.mode == "full" and now.pages > 1 and now.repeated >= max(2, now.rows // now.pages // 2):
        yield TrustFault(
            code="duplicate_page",
            record=name,
            what=f"{now.repeated} of {now.rows} rows came twice in {now.pages} pages",
            remedy="read again at a quiet time; if it stays, check the paginator in the stack file",
        )


def _volume(name: str, before: RecordFacts, now: RecordFacts, trust: Trust) -> Iterator[TrustFault]:
    if before.rows and not now.rows:
        yield TrustFault(
            code="zero_rows",
            record=name,
            what=f"no rows, where the last good snapshot has {before.rows}; an empty answer never means that all were deleted",
            remedy=_ACCEPT,
            acceptable=True,
        )
        return
    if now.rows < before.rows * (1 - trust.max_row_drop):
        yield TrustFault(
            code="row_drop",
            record=name,
            what=f"{now.rows} rows, where the last good snapshot has {before.rows}; "
            f"`trust.max_row_drop` is {trust.max_row_drop:.0%}",
            remedy=_ACCEPT,
            acceptable=True,
        )
    if now.keys_before and now.keys_kept < now.keys_before * trust.key_overlap:
        yield TrustFault(
            code="key_overlap",
            record=name,
            what=f"{now.keys_kept} of the {now.keys_before} keys of the last good snapshot are here; "
            f"`trust.key_overlap` is {trust.key_overlap:.0%}",
            remedy=_ACCEPT,
            acceptable=True,
        )


def _columns(name: str, before: RecordFacts, now: RecordFacts) -> Iterator[TrustFault]:
    for column in before.source_columns:
        if column not in now.source_columns and before.mapping_hash == now.mapping_hash:
            yield TrustFault(
                code="column_gone",
                record=name,
                what=f"the source column `{column}` is gone",
                remedy="have the column put back, or give its new name in the stack file",
                acceptable=True,
            )
    for column, kind in before.columns.items():
        changed = now.columns.get(column, kind) != kind
        if changed and before.field_hashes.get(column) == now.field_hashes.get(column):
            yield TrustFault(
                code="type_changed",
                record=name,
                what=f"`{column}` was {kind} and is {now.columns[column]}",
                remedy="correct the mapping of the attribute in the stack file",
            )


def _cells(name: str, before: RecordFacts, now: RecordFacts) -> Iterator[TrustFault]:
    """A source that renames a JSON field, or turns dates into numbers, changes no column of ours: only its cells show it."""
    if not now.rows:
        return
    for attribute, filled in before.answered.items():
        if filled < ENOUGH_TO_JUDGE or before.field_hashes.get(attribute) != now.field_hashes.get(attribute):
            continue
        answered = now.answered.get(attribute, 0)
        if not answered:
            yield TrustFault(
                code="attribute_gone",
                record=name,
                what=f"`{attribute}` is empty in all {now.rows} rows, where the last good snapshot has {filled} values",
                remedy="see whether the source renamed or withheld the field; " + _ACCEPT,
                acceptable=True,
            )
        elif (
            before.fault_cells.get(attribute, 0) < filled * UNREADABLE_BEFORE
            and now.fault_cells.get(attribute, 0) > answered * UNREADABLE_NOW
        ):
            yield TrustFault(
                code="type_changed",
                record=name,
                what=f"`{attribute}` cannot be read in {now.fault_cells[attribute]} of {answered} cells any more",
                remedy="see whether the source changed the format, and declare the new one in the stack file",
                acceptable=True,
            )
