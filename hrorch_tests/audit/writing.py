"""Logs to prove things about, and the hands that spoil them."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.verdict import Verdict
from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_pipelines.storage.sealed import Seals


def write(ledger: Ledger, entries: Sequence[Entry]) -> int:
    with ledger.write() as con:
        now = ledger.clock.now()
        return append(con, Seals(con, ledger.home.key(), now), entries, now, "stack-1")


def some(count: int, start: int = 1) -> list[Entry]:
    return [
        Entry(
            Action.CONFIRMED,
            person_id=f"p{number % 3}",
            system="payroll",
            attribute="pay_amount",
            before=f"{number}.00",
            after=f"{number + 1}.00",
            case_id="c1" if number % 2 else None,
            detail={"attempts": number},
        )
        for number in range(start, start + count)
    ]


def verdict(ledger: Ledger, **options: object) -> Verdict:
    with ledger.read() as con:
        return verify(con, **options)  # type: ignore[arg-type]


def rows(ledger: Ledger) -> list[dict[str, object]]:
    with ledger.read() as con:
        return [dict(row) for row in con.execute(sa.select(audit_log).order_by(audit_log.c.sequence)).mappings()]


def spoil(ledger: Ledger, statement: str, **values: object) -> None:
    """Somebody with the database in hand."""
    with ledger.write() as con:
        con.execute(sa.text(statement), values)
