"""Errors of this room."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class HandoffFault(HrorchError, ValueError):  # noqa: N818
    """SQL of a handoff that the engine cannot use; `path` is its place in the stack file."""

    def __init__(self, path: tuple[str | int, ...], why: str, remedy: str) -> None:
        self.path = path
        self.why = why
        super().__init__(f"{'.'.join(map(str, path))}: {why}", remedy=remedy)


class StateOutOfDateError(HrorchError):
    """The warehouse was filled under another stack file: what a handoff looks at is not in it yet."""

    def __init__(self, missing: str) -> None:
        super().__init__(
            f"The last cycle knew nothing of {missing}, so no handoff can be judged.",
            remedy="run a cycle with the stack file as it is now: `hrorch run`",
        )


class StepMovedOnError(HrorchError):
    """A step is no longer in the state that was looked at, or may not go from there to the one asked for."""

    def __init__(self, step_id: str, was: str, to: str) -> None:
        self.step_id, self.was, self.to = step_id, was, to
        super().__init__(
            f"Step {step_id} cannot go from {was} to {to}: it has moved on.",
            remedy="look at it again (`hrorch handoffs show`); nothing of what was asked for has been done",
        )


class HandoffCountsError(HrorchError):
    """What a pass looked at is not what it accounts for: a fault of the program."""

    def __init__(self, handoff: str, evaluated: int, accounted: int) -> None:
        self.handoff, self.evaluated, self.accounted = handoff, evaluated, accounted
        super().__init__(
            f"Of {evaluated} cases of the handoff `{handoff}` that were looked at, {accounted} are accounted for.",
            remedy="report it with these figures; what was written so far stands, each step by itself",
        )


class UnknownStepError(HrorchError):
    """No step has this id, or several begin with it."""

    def __init__(self, step_id: str, found: int = 0) -> None:
        self.step_id = step_id
        what = f"Several steps begin with `{step_id}`." if found else f"There is no step `{step_id}`."
        super().__init__(what, remedy="`hrorch handoffs list` shows them with their ids")


class UnknownActionError(HrorchError):
    """No action has this id."""

    def __init__(self, action_id: str) -> None:
        self.action_id = action_id
        super().__init__(f"There is no action `{action_id}`.", remedy="`hrorch handoffs show` tells a step's actions")


class ActionDecidedError(HrorchError):
    """A decision about an action that has moved on."""

    def __init__(self, action_id: str, state: str, why: str | None, wanted: str) -> None:
        self.action_id, self.state, self.why = action_id, state, why
        reason = f" ({why})" if why else ""
        super().__init__(
            f"Action {action_id} cannot be {wanted}: it is {state}{reason}.",
            remedy="look at its step (`hrorch handoffs show`); a frozen one is released by its segment's owner. Nothing was changed",
        )
