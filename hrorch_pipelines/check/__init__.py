"""`hrorch check` as plain data: is the stack file right, does its SQL bind, does every system answer. Printing is the CLI's."""

from __future__ import annotations

from pathlib import Path

from hrorch_pipelines.check.bindings import binding_faults
from hrorch_pipelines.check.connections import SHORT, try_connections
from hrorch_pipelines.check.report import CheckReport, ConnectionResult
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.errors import StackFaults
from hrorch_pipelines.stack.load import load_with_notes

__all__ = ["CheckReport", "ConnectionResult", "check_stack"]


def check_stack(path: Path, clock: Clock, *, connect: bool = True, patience: float = SHORT) -> CheckReport:
    """Check a stack file, and unless `connect` is False, try each of its systems in turn, `patience` seconds each.

    Never raises for a bad file or an unreachable system: both are in the report.
    """
    try:
        loaded = load_with_notes(path)
    except StackFaults as wrong:
        return CheckReport(faults=tuple(wrong.faults))
    faults = sorted(map(loaded.fault, binding_faults(loaded.stack)), key=lambda fault: (fault.file, fault.line))
    tried = try_connections(loaded.stack, clock, patience) if connect else []
    return CheckReport(tuple(faults), loaded.notes, tuple(tried))
