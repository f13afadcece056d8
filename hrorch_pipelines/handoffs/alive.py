"""The sign of life of the pass: when somebody last asked what should exist. A pass that finds nothing to do gives it too."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import heartbeats

LOOKED = "handoffs"


def sign(ledger: Ledger, now: datetime) -> None:
    """Note that a pass has looked at everything."""
    with ledger.write() as con:
        if con.execute(sa.update(heartbeats).where(heartbeats.c.name == LOOKED).values(at=now)).rowcount == 0:
            con.execute(heartbeats.insert().values(name=LOOKED, at=now))
