"""Tries an outlet once, for `hrorch check`: whether it answers, knows us, and is what the stack file takes it for."""

from __future__ import annotations

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.outlets import MailOutlet
from hrorch_pipelines.systems.rate import RateLimit


def reach(stack: Stack, outlet: str, clock: Clock) -> None:
    """Sign in at an outlet and leave again; sends nothing. Raises WriteFault with the remedy."""
    declared = stack.outlets[outlet]
    if isinstance(declared, MailOutlet):
        from hrorch_pipelines.systems.making.smtp_line import MailLine

        line = MailLine(declared)
        try:
            line.open()
        finally:
            line.close()
        return
    from hrorch_pipelines.systems.making.caldav_requests import CalendarRequests

    requests = CalendarRequests(declared, clock, RateLimit(declared.rate))
    try:
        requests.check()
    finally:
        requests.close()
