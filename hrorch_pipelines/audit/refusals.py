"""Errors of erasure, retention and subject access. None names a value: persons by id, attributes by name."""

from __future__ import annotations

from collections.abc import Sequence

from hrorch_pipelines.errors import HrorchError


class UnknownSubjectError(HrorchError):
    """Nobody is known by what was given."""

    def __init__(self) -> None:
        super().__init__(
            "Nobody is known by this id.",
            remedy="give a person id as `hrorch explain` shows it, or `system:source_id`; erased persons are not known any more",
        )


class AmbiguousSubjectError(HrorchError):
    """What was given stands for several persons."""

    def __init__(self, found: int) -> None:
        self.found = found
        super().__init__(f"{found} persons have ids that begin like this.", remedy="give more of the person id")


class LegalHoldError(HrorchError):
    """The person's data must be kept: a legal hold beats erasure and retention (29 CFR 1602.14)."""

    def __init__(self, entry: str) -> None:
        self.entry = entry
        super().__init__(
            f"Nothing was erased: the stack file's `legal_hold` names this person (as {entry}).",
            remedy="ask whoever set the hold; once it is lifted, take the entry out of `legal_hold` and erase again",
        )


class RetentionRunningError(HrorchError):
    """Some attributes have a retention that has not passed."""

    def __init__(self, attributes: Sequence[str]) -> None:
        self.attributes = tuple(attributes)
        super().__init__(
            f"Nothing was erased: the retention of {len(self.attributes)} attributes has not passed ({', '.join(self.attributes)}).",
            remedy="wait, or erase with `--despite-retention` if no law asks you to keep them (29 CFR 1602.14: one year)",
        )


class WriteUnderWayError(HrorchError):
    """A correction of this person is being sent at this moment."""

    def __init__(self, target: str) -> None:
        self.target = target
        super().__init__(
            f"Nothing was erased: a correction of this person is on its way to {target}, and its outcome is not known.",
            remedy="wait until it is confirmed (`hrorch corrections list`), then erase again",
        )


class ReasonNamesPersonError(HrorchError):
    """The reason given for an erasure holds one of the person's own values, and the audit log can never forget it."""

    def __init__(self) -> None:
        super().__init__(
            "Nothing was erased: the reason holds one of the person's own values, and it is written into the audit log.",
            remedy="name the request instead, by its ticket number for instance",
        )
