"""Failures that take days: an ended employment that goes on being paid, a case nobody takes up, stores that grow."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta

from hrorch_pipelines.clock import local_date
from hrorch_pipelines.drill import hands
from hrorch_pipelines.drill.rounds import READ_EVERY, compared, read
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.monitoring.keeping import FEWEST_DAYS, MEASURED_EVERY
from hrorch_pipelines.monitoring.run import EVERY as LOOKED_EVERY
from hrorch_pipelines.monitoring.run import evaluate
from hrorch_pipelines.monitoring.terms import Watch
from hrorch_pipelines.sandbox.store import Document

ENTERED_LATE = timedelta(days=3)
"""So long after the last day somebody enters it in the HRIS."""
AN_HOUR = 1_000_000
"""Bytes by which the store grows in an hour."""
_DAY = timedelta(days=1)


def kinds() -> list[Kind]:
    """The kinds of this module."""
    return [
        Kind("ghost", "payroll goes on paying somebody who left", frozenset({Watch.GHOST}), _left, "payroll", silent=True,
             limit=10 * _DAY),
        Kind("overdue", "nobody takes up a case", frozenset({Watch.OVERDUE}), _case, silent=True, limit=10 * _DAY),
        Kind("growth", "a store grows and grows (the limit is raised to what is free)", frozenset({Watch.GROWTH}), _growing,
             silent=True, limit=(FEWEST_DAYS + 1) * _DAY),
    ]  # fmt: skip


def _left(here: Scenario) -> None:
    """HR enters somebody's last day, days late, and in payroll nobody does anything.

    Systems are read and compared when it has been entered, and again from when its days of grace are nearly over: in between
    nothing changes. The entry comes just after a reading, so that it takes as long as it can.
    """
    employee = _paid(here)
    last_day = local_date(here.now - ENTERED_LATE, here.stack.organization.time_zone)
    row = {"employeeId": employee.id, "date": (last_day + _DAY).isoformat(), "employmentStatus": "Terminated"}
    hands.enter(here, "hris", "employmentStatus", row, parent=employee.id)
    hands.rewrite(here, "hris", employee, {"terminationDate": last_day.isoformat(), "status": "Inactive"})
    own = here.stack.presence["payroll"].grace
    grace = here.stack.comparison.grace if own is None else own
    here.once(here.now + READ_EVERY - LOOKED_EVERY, _cycle)
    here.each(READ_EVERY, _cycle, first=here.now + grace - LOOKED_EVERY)


def _paid(here: Scenario) -> Document:
    """Somebody whom both systems hold as employed: the HRIS's record."""
    in_payroll = {
        one.body["employee_code"]
        for one in here.systems.records["payroll"].store.each("employees")
        if not one.body["terminated"]
    }
    return next(
        one
        for one in here.systems.records["hris"].store.each("employees")
        if one.body["status"] == "Active"
        and not one.body["terminationDate"]
        and one.body["employeeNumber"] in in_payroll
    )


def _cycle(here: Scenario) -> None:
    read(here.workplace, ["hris", "payroll"])
    compared(here.workplace, here.ledger)


def _case(here: Scenario) -> None:
    """Payroll loses a last name; the gate holds the record, a cycle makes a case of it, and nobody answers."""
    employee = here.systems.records["payroll"].store.page("employees", limit=1)[0]
    hands.rewrite(here, "payroll", employee, {"last_name": ""})
    read(here.workplace, ["payroll"])
    compared(here.workplace, here.ledger)


def _growing(here: Scenario) -> None:
    """A file of the home grows by the hour, and the monitor measures the home as it always does.

    To be seen, a quarter of that pace is enough: what is free changes by itself, and the first day is cut.
    """
    a_day = AN_HOUR * (_DAY / timedelta(hours=1))
    free = shutil.disk_usage(here.home.root).free
    here.watched(disk_full=timedelta(days=min(4 * free / a_day, timedelta.max.days)))
    here.each(MEASURED_EVERY, _grow)


def _grow(here: Scenario) -> None:
    with (here.home.root / "drill-growth").open("ab") as file:
        file.write(os.urandom(AN_HOUR))
    evaluate(here.ledger, here.stack)
