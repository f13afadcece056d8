"""What can go wrong when somebody works on a case. Messages name the case, never a value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.stack.nearest import did_you_mean


class CaseError(HrorchError):
    """Something about one case. `case_id` is the one that was asked for."""

    def __init__(self, case_id: str, what: str, *, remedy: str) -> None:
        super().__init__(what, remedy=remedy)
        self.case_id = case_id


class UnknownCaseError(CaseError):
    """No case goes by that id."""

    def __init__(self, case_id: str) -> None:
        super().__init__(case_id, f"There is no case `{case_id}`.", remedy="see `hrorch exceptions list` for the ids")


class AmbiguousCaseError(CaseError):
    """Several cases begin like that."""

    def __init__(self, case_id: str, cases: int) -> None:
        super().__init__(case_id, f"{cases} cases begin with `{case_id}`.", remedy="give more of the id")
        self.cases = cases


class MoveNotAllowedError(CaseError):
    """The case stands where this cannot be done to it, for instance because it is closed."""

    def __init__(self, case_id: str, move: str, state: str, allowed: Iterable[str]) -> None:
        self.move, self.state, self.allowed = move, state, tuple(allowed)
        closed = state == "confirmed"
        remedy = (
            "nothing: it is closed, and opens again by itself when it is seen again"
            if closed
            else f"this is for cases that are {', '.join(self.allowed)}; see `hrorch exceptions show {case_id}`"
        )
        words = state.replace("_", " ")
        super().__init__(case_id, f"Case {case_id} cannot be taken to `{move}`: it is {words}.", remedy=remedy)


class ReasonNeededError(CaseError):
    """This is only done with a reason, since somebody will ask."""

    def __init__(self, case_id: str, move: str) -> None:
        super().__init__(
            case_id, f"No reason was given for `{move}` of case {case_id}.", remedy="say why: `--reason …`"
        )


class ExpiryError(CaseError):
    """A waiver or an override without an end, or with one that has passed."""

    def __init__(self, case_id: str, *, passed: bool) -> None:
        what = "lies in the past" if passed else "is missing"
        super().__init__(
            case_id,
            f"The day until which case {case_id} is let be {what}.",
            remedy="give a day to come: `--until 2027-01-31`",
        )
        self.passed = passed


class UnknownReviewerError(HrorchError):
    """Somebody acts, or is given a case, whom the stack file does not name."""

    def __init__(self, given: str, known: Iterable[str]) -> None:
        self.given, self.known = given, tuple(known)
        super().__init__(
            f"The stack file does not name a `{given}`.",
            remedy=f"{did_you_mean(given, sorted(self.known))}give one of its people: {', '.join(self.known)}",
        )


class NotResolvableError(CaseError):
    """This way of resolving does not fit the case. `why` and `remedy` say which one does."""

    def __init__(self, case_id: str, why: str, *, remedy: str) -> None:
        super().__init__(case_id, f"Case {case_id} cannot be resolved like this: {why}.", remedy=remedy)


class ValueNotUnderstoodError(HrorchError):
    """A value that was entered is not one of the attribute's type. The value is not repeated."""

    def __init__(self, attribute: str, kind: str) -> None:
        self.attribute, self.kind = attribute, kind
        super().__init__(
            f"What was entered for `{attribute}` is not a {kind}.",
            remedy="write dates as 2026-01-31, numbers as 1234.50 (pay per year), yes and no as true and false",
        )


class UnknownOverrideError(HrorchError):
    """No override goes by that id, or it has ended."""

    def __init__(self, override_id: str) -> None:
        self.override_id = override_id
        super().__init__(
            f"There is no override `{override_id}` in force.",
            remedy="see `hrorch exceptions show CASE` for its override",
        )


class CountsDisagreeError(HrorchError):
    """Rows of the sources and what became of them do not add up: something would be lost."""

    def __init__(self, found: int, single: int, folded: int, left: Mapping[str, int]) -> None:
        self.found, self.single, self.folded, self.left = found, single, folded, dict(left)
        parts = ", ".join([f"{single} cases", f"{folded} folded", *(f"{n} {why}" for why, n in left.items())])
        super().__init__(
            f"{found} rows were found, and {parts} do not make as many. No case was written.",
            remedy="this is a fault of the program: report it with these figures; nothing was lost, run it again",
        )
