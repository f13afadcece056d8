"""What may go wrong with corrections, each with its remedy. No message holds a person's value."""

from __future__ import annotations

from datetime import datetime

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.errors import HrorchError


class MovedOnError(HrorchError):
    """A correction, or an action of a handoff, is no longer in the state that was looked at, or may not go where it was asked to."""

    def __init__(self, correction_id: str, was: State, to: State, noun: str = "Correction") -> None:
        self.correction_id, self.was, self.to = correction_id, was, to
        where = "handoffs" if noun == "Action" else "corrections"
        super().__init__(
            f"{noun} {correction_id} cannot go from {was.value} to {to.value}: it has moved on or is done.",
            remedy=f"look at it again (`hrorch {where} show`); what was asked for has not been done",
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


class UnknownCorrectionError(HrorchError):
    """No correction has this id."""

    def __init__(self, correction_id: str) -> None:
        self.correction_id = correction_id
        super().__init__(
            f"There is no correction `{correction_id}`.", remedy="`hrorch corrections list` shows them with their ids"
        )


class AmbiguousCorrectionError(HrorchError):
    """Several corrections begin like that."""

    def __init__(self, given: str, corrections: int) -> None:
        self.given, self.corrections = given, corrections
        super().__init__(f"{corrections} corrections begin with `{given}`.", remedy="give more of the id")


class NotUndecidedError(HrorchError):
    """A decision about a correction that has moved on. `state` is where it stands, `why` how it came there."""

    def __init__(self, correction_id: str, state: State, why: str | None, at: datetime, wanted: str) -> None:
        self.correction_id, self.state, self.why, self.at = correction_id, state, why, at
        reason = f" ({why})" if why else ""
        super().__init__(
            f"Correction {correction_id} cannot be {wanted}: it is {state.value} since {at:%Y-%m-%d %H:%M} UTC{reason}.",
            remedy=_MOVED.get(state, "look at it with `hrorch corrections show`; nothing was changed"),
        )


_MOVED = {
    State.FROZEN: "its segment is over budget: `hrorch corrections release` by the segment's owner comes first",
    State.WITHDRAWN: "the values moved on; decide about the correction that took its place (`hrorch corrections list`)",
    State.READY: "nothing is left to approve; reject it if it must not be sent",
}


class NotAnApproverError(HrorchError):
    """Somebody decides who may not."""

    def __init__(self, by: str, allowed: list[str], what: str) -> None:
        self.by, self.allowed = by, allowed
        super().__init__(f"`{by}` may not {what}.", remedy=f"ask one of {', '.join(allowed)}")


class OwnProposalError(HrorchError):
    """Whoever proposes a change does not approve it."""

    def __init__(self, correction_id: str, by: str) -> None:
        self.correction_id, self.by = correction_id, by
        super().__init__(
            f"`{by}` proposed correction {correction_id} and so cannot approve it.",
            remedy="let somebody else look at it and approve or reject it",
        )


class ReasonNeededError(HrorchError):
    """A decision that somebody will ask about later has no reason."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"To {what}, a reason is needed.", remedy="say why in a sentence (`--reason`); it stays in the log"
        )


class NothingFrozenError(HrorchError):
    """There is nothing to release."""

    def __init__(self, kind: str, target: str) -> None:
        self.kind, self.target = kind, target
        super().__init__(
            f"No correction of the kind `{kind}` is frozen for {target}.",
            remedy="`hrorch corrections list --state frozen` shows what is",
        )


class CannotProposeError(HrorchError):
    """A value was entered for a place that corrections do not write, or that something else is under way for."""

    def __init__(self, target: str, attribute: str, why: str, remedy: str) -> None:
        self.target, self.attribute = target, attribute
        super().__init__(f"{attribute} in {target} cannot be corrected: {why}.", remedy=remedy)
