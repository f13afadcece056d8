"""Leaves a system alone that fails again and again, lets one push try now and then, and tells its owner once.

Refusals are not failures: the system works, it only says no. Waiting between sends of one correction is in `pacing`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from hrorch_pipelines.corrections import pacing
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import breakers
from hrorch_pipelines.storage.sealed import Seals

OPENS_AFTER = 5
"""Failures in a row."""
FIRST_WAIT, LONGEST_WAIT = 30.0, 900.0
"""Seconds until the next probe: doubled each time it fails."""


@dataclass(frozen=True)
class Pause:
    """Until when nothing is sent, and why."""

    until: datetime
    why: str


def pause(con: sa.Connection, system: str, now: datetime) -> Pause | None:
    """Whether to leave a system alone now; changes nothing."""
    row = _row(con, system)
    if row is None or row.retry_at is None or row.retry_at <= now:
        return None
    if row.state == "closed":
        return Pause(row.retry_at, f"{system} asked us to wait until {row.retry_at:%H:%M:%S} UTC.")
    return Pause(
        row.retry_at,
        f"{system} failed {row.failures} times in a row ({row.fault}); it is tried again after {row.retry_at:%H:%M:%S} UTC.",
    )


def probe(con: sa.Connection, system: str, now: datetime) -> None:
    """A push begins although the last ones failed: the next answer decides."""
    con.execute(
        sa.update(breakers)
        .where(breakers.c.system == system, breakers.c.state == "open")
        .values(state="half_open", changed_at=now)
    )


def asked_to_wait(con: sa.Connection, system: str, until: datetime, now: datetime) -> None:
    """The system said when to come back (Retry-After): it works, and nobody is told."""
    if _row(con, system) is None:
        con.execute(breakers.insert().values(system=system, state="closed", failures=0, changed_at=now, retry_at=until))
    else:
        con.execute(sa.update(breakers).where(breakers.c.system == system).values(retry_at=until, changed_at=now))


def failed(con: sa.Connection, seals: Seals, stack: Stack, system: str, fault: str, now: datetime) -> Pause | None:
    """Count a failure of the system itself; the Pause when that opens the breaker (again)."""
    row = _row(con, system)
    failures = 1 + (row.failures if row else 0)
    opens = failures >= OPENS_AFTER or (row is not None and row.state != "closed")
    until = now + timedelta(
        seconds=pacing.grown(max(1, failures - OPENS_AFTER + 1), first=FIRST_WAIT, longest=LONGEST_WAIT)
    )
    values = {
        "state": "open" if opens else "closed",
        "failures": failures,
        "changed_at": now,
        "retry_at": until if opens else None,
        "fault": fault,
    }
    if row is None:
        con.execute(breakers.insert().values(system=system, **values))
    else:
        con.execute(sa.update(breakers).where(breakers.c.system == system).values(**values))
    if not opens:
        return None
    cases.report(con, seals, stack, [finding(stack, system, fault)], now)
    return pause(con, system, now)


def worked(con: sa.Connection, seals: Seals, stack: Stack, system: str, now: datetime) -> None:
    """The system answered: close, and settle the case if there was one."""
    row = _row(con, system)
    if row is None or (row.failures == 0 and row.state == "closed"):
        return
    con.execute(
        sa.update(breakers)
        .where(breakers.c.system == system)
        .values(state="closed", failures=0, changed_at=now, retry_at=None, fault=None)
    )
    if row.state != "closed":
        known = cases.case_id(finding(stack, system, row.fault or ""))
        cases.settle(con, seals, stack, [known], now, f"{system} answers again")


def finding(stack: Stack, system: str, fault: str) -> cases.Finding:
    """The case of a system, or an outlet, that cannot be written to."""
    declared = stack.systems.get(system)
    label = (declared.label or system) if declared else system
    return cases.Finding(
        source="correction",
        rule="breaker",
        what=f"Nothing can be sent to {label}: it failed {OPENS_AFTER} times in a row ({fault}).",
        action="See whether it is down or has locked us out. Nothing is lost: what is to be sent waits and goes on by itself.",
        system=system,
        reviewer=declared.owner if declared else stack.outlets[system].owner,
        cause=fault,
    )


def _row(con: sa.Connection, system: str) -> sa.Row[tuple[object, ...]] | None:
    return con.execute(sa.select(breakers).where(breakers.c.system == system)).one_or_none()
