"""How long to wait before trying again, and how many requests a target has had lately, over processes.

The limit itself is kept inside the target (`systems.rate`); when a system is left alone altogether is in `breaker`.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

import sqlalchemy as sa
import tenacity

from hrorch_pipelines.storage.ledger_tables import notes
from hrorch_pipelines.systems.rate import RateLimit

FIRST_WAIT, LONGEST_WAIT = 5.0, 1800.0
"""Seconds between two sends of one correction: doubled each time, with jitter."""
SHORT_NAP = 2.0
"""Seconds; a target that asks for more is left alone until then instead of being waited for."""


@runtime_checkable
class Paced(Protocol):
    """A target that keeps to a number of requests."""

    rate: RateLimit


def next_try(attempt: int, now: datetime, after: float | None = None) -> datetime:
    """When to try again after the `attempt`-th failure: what the target asked for (Retry-After), else backoff with jitter."""
    if after is not None:
        return now + timedelta(seconds=after + grown(1, first=0.25, longest=0.25))
    return now + timedelta(seconds=grown(attempt, first=FIRST_WAIT, longest=LONGEST_WAIT))


def grown(attempt: int, *, first: float, longest: float) -> float:
    """Seconds: `first` doubled per attempt up to `longest`, plus up to a quarter of `first` so that nobody marches in step."""
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = max(1, min(attempt, 60))
    return (tenacity.wait_exponential(multiplier=first, max=longest) + tenacity.wait_random(0, first / 4))(state)


def recall(con: sa.Connection, system: str, target: object, now: datetime) -> None:
    """Let a target know what other processes asked of its system lately: the limit is the system's, not a process's."""
    if not isinstance(target, Paced) or target.rate.rate is None:
        return
    kept = con.execute(sa.select(notes.c.value, notes.c.at).where(notes.c.name == _name(system))).one_or_none()
    if kept is not None:
        passed = max(0.0, (now - kept.at).total_seconds())
        target.rate.remember([age + passed for age in json.loads(kept.value)])


def keep(con: sa.Connection, system: str, target: object, now: datetime) -> None:
    """Note for the next process how long ago the last requests were."""
    if not isinstance(target, Paced) or target.rate.rate is None:
        return
    con.execute(sa.delete(notes).where(notes.c.name == _name(system)))
    con.execute(notes.insert().values(name=_name(system), value=json.dumps(target.rate.ages()), at=now))


def _name(system: str) -> str:
    return f"requests {system}"[:64]
