"""Which rules were in force when: a stack file that differs from the last one logged is an entry of its own."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import SERVICE, Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import notes
from hrorch_pipelines.storage.sealed import Seals

LOADED = "stack_loaded"


def log_stack_load(ledger: Ledger, stack: Stack, now: datetime, actor: Actor = SERVICE) -> bool:
    """Log the stack file unless it is the one logged last. True when it was new. Cheap when it is not: one read."""
    with ledger.read() as con:
        if _last(con) == stack.content_hash:
            return False
    with ledger.write() as con:
        before = _last(con)
        if before == stack.content_hash:
            return False
        entry = Entry(
            Action.STACK_LOADED,
            actor,
            detail={
                "before": before,
                "systems": len(stack.systems),
                "attributes": len(stack.attributes),
                "mode": stack.corrections.mode,
            },
        )
        append(con, Seals(con, ledger.home.key(), now), [entry], now, stack.content_hash)
        con.execute(sa.delete(notes).where(notes.c.name == LOADED))
        con.execute(notes.insert().values(name=LOADED, value=stack.content_hash, at=now))
    return True


def _last(con: sa.Connection) -> str | None:
    return con.execute(sa.select(notes.c.value).where(notes.c.name == LOADED)).scalar()
