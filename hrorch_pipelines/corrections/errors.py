"""What may go wrong with corrections, each with its remedy. No message holds a person's value."""

from __future__ import annotations

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.errors import HrorchError


class MovedOnError(HrorchError):
    """A correction is no longer in the state that was looked at, or may not go from there to the one asked for."""

    def __init__(self, correction_id: str, was: State, to: State) -> None:
        self.correction_id, self.was, self.to = correction_id, was, to
        super().__init__(
            f"Correction {correction_id} cannot go from {was.value} to {to.value}: it has moved on or is done.",
            remedy="look at it again (`hrorch corrections show`); what was asked for has not been done",
        )


class LeaseLostError(HrorchError):
    """Another process took over pushing this target, because this one was too slow to say that it lives."""

    def __init__(self, system: str) -> None:
        self.system = system
        super().__init__(
            f"Another push of {system} took over; this one stopped.",
            remedy="nothing: what was under way is decided by reading the target again",
        )


class CountsDisagreeError(HrorchError):
    """A discrepancy was neither planned nor refused: a fault of the program, so nothing is written."""

    def __init__(self, looked_at: int, planned: int, refused: int) -> None:
        self.looked_at, self.planned, self.refused = looked_at, planned, refused
        super().__init__(
            f"Of {looked_at} discrepancies {planned} were planned and {refused} refused; these do not add up.",
            remedy="report it with these figures; nothing was planned",
        )
