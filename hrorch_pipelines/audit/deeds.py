"""Entries about what a named person did at the command line: values revealed or handed out, questions answered, snapshots accepted."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.sealed import Seals

Detail = Mapping[str, str | int | float | bool | None]


def log_deed(
    ledger: Ledger,
    stack: Stack,
    action: Action,
    by: str,
    now: datetime,
    *,
    person_id: str | None = None,
    system: str | None = None,
    attribute: str | None = None,
    snapshot_id: str | None = None,
    detail: Detail | None = None,
) -> int:
    """Log one deed of a person of the stack file in a transaction of its own; returns its sequence.

    Call it before the values are shown: what could not be logged is not shown. `detail` holds ids, counts and words of ours.
    """
    with ledger.write() as con:
        return log_deed_in(
            con,
            ledger,
            stack,
            Entry(
                action,
                Actor("person", by),
                person_id=person_id,
                system=system,
                attribute=attribute,
                snapshot_id=snapshot_id,
                detail=detail or {},
            ),
            now,
        )


def log_deed_in(con: sa.Connection, ledger: Ledger, stack: Stack, entry: Entry, now: datetime) -> int:
    """The same inside the caller's transaction."""
    return append(con, Seals(con, ledger.home.key(), now), [entry], now, stack.content_hash)
