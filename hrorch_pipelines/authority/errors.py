"""Errors of this room: a condition of the stack file that the engine cannot use, and records that were never accepted."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class AuthorityFault(HrorchError, ValueError):  # noqa: N818
    """A condition (`stages.worker.when`, `presence.payroll.must`, …) does not bind; `key` is its place in the stack file."""

    def __init__(self, key: str, why: str) -> None:
        self.key = key
        self.why = why
        super().__init__(
            f"{key}: {why}",
            remedy="write one SQL condition over the columns named in docs/stack-file.md; `as_of` is the day of the cycle",
        )


class RecordsNotAccepted(HrorchError):  # noqa: N818
    """A system has a snapshot in the cycle, and `accepted` has no table of one of its record types."""

    def __init__(self, system: str, record: str) -> None:
        self.system = system
        self.record = record
        super().__init__(
            f"{system}.{record} has not been through its gate: nothing is accepted, so nothing can be compared.",
            remedy="run the whole cycle (`hrorch run`), or the stage before this one",
        )
