"""What the watches look at: the stack, the home, the ledger as of one moment, and the results published last."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.errors import NothingPublished
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.warehouse import open_published


@dataclass(frozen=True)
class Scene:
    """One look. `published` is None when no cycle has published anything yet."""

    stack: Stack
    home: Home
    ledger: sa.Connection
    published: duckdb.DuckDBPyConnection | None
    now: datetime


@contextmanager
def scene(stack: Stack, ledger: Ledger, now: datetime) -> Iterator[Scene]:
    """Open it for one pass; nothing can be changed through it."""
    try:
        published = open_published(ledger.home)
    except NothingPublished:
        published = None
    try:
        with ledger.read() as con:
            yield Scene(stack, ledger.home, con, published, now)
    finally:
        if published is not None:
            published.close()


def owner_of(stack: Stack, system: str | None = None) -> str:
    """Who owns a failure: the owner of the system or outlet, else `alerts.default_owner`, else the default reviewer, else the
    first of `people`."""
    if system is not None and system in stack.systems:
        return stack.systems[system].owner
    if system is not None and system in stack.outlets:
        return stack.outlets[system].owner
    named = stack.alerts.default_owner or stack.exceptions.default_reviewer
    return named if named in stack.people else next(iter(stack.people))


def label(stack: Stack, system: str) -> str:
    """What a system is called."""
    return (stack.systems[system].label if system in stack.systems else None) or system
