"""What is written down about a snapshot: how it was read, what is in it, whether it is believed. Never a person's value."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

FILE_NAME = "manifest.json"


class _Written(BaseModel):
    """A part of the manifest: never changed once written; unknown keys refused, so that a damaged one is noticed."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class TrustFault(_Written):
    """One reason not to believe a snapshot."""

    code: str
    record: str | None = Field(description="The record type; None when it concerns the system as a whole.")
    what: str
    remedy: str
    acceptable: bool = Field(
        False,
        description="A person who knows that the change is real may accept it (a mass departure); a broken read never.",
    )


class Note(_Written):
    """Something the read noticed that does not make it wrong."""

    code: str
    detail: str


class RecordFacts(_Written):
    """One record type of a snapshot: its file, how it was read, and what the next snapshot is compared with."""

    file: str
    rows: int
    read_rows: int = Field(description="Source records this read brought; in a window only the changed ones.")
    left_out: int = Field(description="Records the mapping's `where` left out.")
    childless: int = Field(0, description="Source records whose list to explode is empty.")
    mode: Literal["full", "window"]
    complete_at: datetime = Field(description="When this record type was last read whole.")
    pages: int
    requests: int
    claimed_rows: int | None
    removed: int = Field(0, description="Window: ids the system listed as deleted.")
    content_hash: str = Field(description="Of all record hashes, whatever their order.")
    columns: dict[str, str] = Field(alias="schema", description="Column → SQL type.")
    source_columns: tuple[str, ...] = Field(description="Columns of a flat source that the mapping uses and found.")
    mapping_hash: str = Field(description="Of the whole declaration; when it changes, the next read is a full one.")
    shape_hash: str = Field(
        description="Of what makes a record one record (key, parent, dates); when it changes, all is new."
    )
    field_hashes: dict[str, str] = Field(description="Attribute → hash of how it is mapped.")
    answered: dict[str, int] = Field(description="Attribute → cells that were not empty (present, hidden or faulty).")
    fault_cells: dict[str, int] = Field(description="Attribute → cells that could not be converted.")
    keyless: int = Field(description="Rows without a key.")
    repeated: int = Field(description="Rows that repeat another one, key and content.")
    keys_before: int = Field(0, description="Distinct keys in the last good snapshot.")
    keys_kept: int = Field(0, description="How many of those are here.")
    encoding: str | None = None
    delimiter: str | None = None
    notes: tuple[Note, ...] = ()


class Acceptance(_Written):
    """Who vouched for a snapshot that the rules had refused."""

    by: str
    reason: str
    at: datetime


class Forgotten(_Written):
    """What was taken out of a stored snapshot later: an erasure, or a retention that had passed. The counts above follow it."""

    at: datetime
    rows: int
    blanked: int = Field(description="Rows in which values were blanked; these cells count as hidden.")


class Manifest(_Written):
    """A snapshot's own record of itself, `manifest.json` beside its Parquet files."""

    version: Literal[1] = 1
    snapshot_id: str
    system: str
    owner: str
    started_at: datetime
    observed_at: datetime
    trusted: bool
    faults: tuple[TrustFault, ...] = ()
    records: dict[str, RecordFacts] = Field(default_factory=dict)
    previous: str | None = Field(None, description="The last good snapshot when this one was taken.")
    stack_hash: str
    accepted: Acceptance | None = None
    forgotten: tuple[Forgotten, ...] = ()


def snapshot_id(system: str, observed_at: datetime) -> str:
    """`<system>-<observed_at>`; ids of one system sort by time. `observed_at` is in UTC."""
    return f"{system}-{observed_at:%Y%m%dT%H%M%S%fZ}"


def system_of(snapshot_id: str) -> str:
    """The system an id names; a system's own name may hold hyphens."""
    return snapshot_id.rpartition("-")[0]


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json` into a folder that nobody reads yet."""
    text = manifest.model_dump_json(indent=1, by_alias=True)
    handle = os.open(folder / FILE_NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a snapshot folder. Raises pydantic.ValidationError when it was damaged."""
    return Manifest.model_validate_json((folder / FILE_NAME).read_bytes())
