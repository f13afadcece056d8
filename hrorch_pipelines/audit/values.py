"""The sealed values of entries: are they still those the envelopes commit to? Erased and expired ones are not asked for."""

from __future__ import annotations

import json
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.verdict import Fault, Kind
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values
from hrorch_pipelines.storage.sealed import ErasedError, Seals, UnsealableError

_CHUNK = 5_000


def check_values(con: sa.Connection, seals: Seals, since: int = 1) -> tuple[int, list[Fault]]:
    """Open every sealed value from an entry on; returns how many there were, and what does not fit its envelope."""
    sealed = audit_values.c
    query = (
        sa.select(sealed.sequence, sealed.person_id, sealed.before_sealed, sealed.after_sealed, audit_log.c.envelope)
        .outerjoin_from(audit_values, audit_log, audit_log.c.sequence == sealed.sequence)
        .where(sealed.sequence >= since)
        .order_by(sealed.sequence)
    )
    opened, faults = 0, []
    for rows in con.execute(query).partitions(_CHUNK):
        for row in rows:
            opened += (row.before_sealed is not None) + (row.after_sealed is not None)
            wrong = _wrong(row, seals)
            if wrong:
                faults.append(Fault(Kind.VALUE, row.sequence, wrong))
    return opened, faults


def _wrong(row: Any, seals: Seals) -> str | None:
    if row.envelope is None:
        return "sealed values without an entry"
    try:
        content = json.loads(row.envelope)
        if content.get("person_id") != row.person_id:
            return "its sealed values are another person's"
        for side, sealed in (("before", row.before_sealed), ("after", row.after_sealed)):
            if sealed is not None and seals.mark(row.person_id, seals.open(row.person_id, sealed)) != content.get(side):
                return f"its sealed value ({side}) is not the one it commits to"
    except UnsealableError:
        return "its sealed value cannot be opened under the person's key"
    except ErasedError:
        return None  # nobody can read it any more, us included
    except (ValueError, AttributeError):
        return "its envelope is not readable"
    return None
