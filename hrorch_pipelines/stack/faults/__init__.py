"""Cross-checks between the parts of a stack file: everything no single part can know. SQL is bound by `check`, not here."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.acting import check_acting
from hrorch_pipelines.stack.faults.alerts import check_alerts
from hrorch_pipelines.stack.faults.authority import check_authority, check_stages
from hrorch_pipelines.stack.faults.calendar import check_calendar
from hrorch_pipelines.stack.faults.connections import check_connections
from hrorch_pipelines.stack.faults.creates import check_creates
from hrorch_pipelines.stack.faults.expectations import check_expectations
from hrorch_pipelines.stack.faults.fields import check_attributes, check_fields
from hrorch_pipelines.stack.faults.finding import Declared, Finding
from hrorch_pipelines.stack.faults.gates import check_gates
from hrorch_pipelines.stack.faults.handoffs import check_handoffs
from hrorch_pipelines.stack.faults.handoffs_letters import check_letters
from hrorch_pipelines.stack.faults.handoffs_waiting import check_waiting
from hrorch_pipelines.stack.faults.matching import check_matching
from hrorch_pipelines.stack.faults.people import check_people
from hrorch_pipelines.stack.faults.reads import check_reads
from hrorch_pipelines.stack.faults.records import check_records
from hrorch_pipelines.stack.faults.webhooks import check_webhooks
from hrorch_pipelines.stack.faults.writes import check_writes
from hrorch_pipelines.stack.models import Stack

__all__ = ["Declared", "Finding", "cross_check"]

_CHECKS = (
    check_people,
    check_calendar,
    check_connections,
    check_records,
    check_reads,
    check_fields,
    check_attributes,
    check_stages,
    check_authority,
    check_gates,
    check_expectations,
    check_matching,
    check_writes,
    check_creates,
    check_webhooks,
    check_acting,
    check_handoffs,
    check_waiting,
    check_letters,
    check_alerts,
)


def cross_check(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Every finding of every check; faults and notes."""
    for check in _CHECKS:
        yield from check(stack, declared)
