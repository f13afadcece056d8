"""Why a statutory step cannot be noted. Messages name the case, the step and days; never a value."""

from __future__ import annotations

from datetime import date

from hrorch_pipelines.errors import HrorchError


class StatutoryStepError(HrorchError):
    """Something about one step of one case's screening."""

    def __init__(self, case_id: str, step: str, what: str, *, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.case_id, self.step = case_id, step


class NoScreeningError(HrorchError):
    """The case has no statutory steps: it is about something else, or no rule was declared when it began."""

    def __init__(self, case_id: str) -> None:
        super().__init__(
            f"Case {case_id} has no statutory steps.",
            remedy="see `hrorch screening list`; rules are declared under `screening` in the stack file",
        )
        self.case_id = case_id


class ScreeningOverError(StatutoryStepError):
    """The result is clear, or the case is closed: nothing is to be done any more."""

    def __init__(self, case_id: str, step: str) -> None:
        super().__init__(
            case_id,
            step,
            f"Case {case_id} is over: `{step}` must not be done any more.",
            remedy="nothing; if it was done nevertheless, tell the person that it is void and note it in the case's reason",
        )


class OutOfOrderError(StatutoryStepError):
    """Another step comes first, this one is done already, or there is none of that name. `expected`: the next one."""

    def __init__(self, case_id: str, step: str, expected: str | None, known: tuple[str, ...]) -> None:
        if step not in known:
            what = f"The rule of case {case_id} has no step `{step}`."
        elif expected is None:
            what = f"Every statutory step of case {case_id} is done."
        else:
            what = f"`{step}` of case {case_id} is done already, or not its turn: `{expected}` is next."
        super().__init__(case_id, step, what, remedy=f"the steps in their order: {', '.join(known)}")
        self.expected = expected


class TooEarlyError(StatutoryStepError):
    """The wait after the step before is not over. `not_before`: the first day on which it may be done."""

    def __init__(self, case_id: str, step: str, not_before: date) -> None:
        super().__init__(
            case_id,
            step,
            f"`{step}` of case {case_id} may not be done before {not_before}: the wait after the step before is not over.",
            remedy=f"wait until {not_before}; if it was done earlier, start again with the step before and a new wait",
        )
        self.not_before = not_before


class NotYetError(StatutoryStepError):
    """A day to come was given: only what has been done is noted."""

    def __init__(self, case_id: str, step: str, day: date) -> None:
        super().__init__(
            case_id,
            step,
            f"{day} has not come yet.",
            remedy="note a step on the day it is done, or afterwards with `--on`",
        )
        self.day = day


class BeforeItsTurnError(StatutoryStepError):
    """A step cannot have been done before the one before it."""

    def __init__(self, case_id: str, step: str, before: date) -> None:
        super().__init__(
            case_id,
            step,
            f"`{step}` of case {case_id} cannot be older than the step before, which was done on {before}.",
            remedy="give the day it was done: `--on 2026-03-09`",
        )
