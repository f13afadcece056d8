"""Whose midnight a date turns at: `lifecycle.time_zones`, as SQL over a person's decided values."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident, literal


def today(stack: Stack, now: datetime, person: str) -> str:
    """SQL of the calendar date of `now` where the person is; `person`: the alias of a row with the decided values."""
    return _by_zone(stack, person, lambda zone: f"DATE '{local_date(now, zone).isoformat()}'")


def midnight(stack: Stack, person: str, day: str) -> str:
    """SQL of the moment at which a day (SQL of a DATE) begins where the person is. TIMESTAMPTZ."""
    return f"timezone({zone_of(stack, person)}, ({day})::TIMESTAMP)"


def zone_of(stack: Stack, person: str) -> str:
    """SQL of the IANA name of the person's time zone."""
    return _by_zone(stack, person, literal)


def _by_zone(stack: Stack, person: str, of: Callable[[str], str]) -> str:
    declared = stack.lifecycle.time_zones
    elsewhere = of(stack.organization.time_zone)
    if declared is None or not declared.values:
        return elsewhere
    branches = " ".join(f"WHEN {literal(value)} THEN {of(zone)}" for value, zone in declared.values.items())
    return f"CASE {person}.{ident(declared.attribute)} {branches} ELSE {elsewhere} END"
