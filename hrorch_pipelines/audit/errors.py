"""Errors of the audit log. None quotes a value."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class NotCanonicalError(HrorchError):
    """An entry holds something that has no canonical text: NaN, a number too large to be exact, half a character."""

    def __init__(self) -> None:
        super().__init__(
            "An audit entry cannot be written: a number in it is not exact, or a text in it is no Unicode.",
            remedy="this is a fault of the program or of a source's text: nothing was changed; report the step",
        )


class HeadError(HrorchError):
    """An exported head cannot be used. `why` says what is wrong with it."""

    def __init__(self, file: str, why: str) -> None:
        self.file = file
        self.why = why
        super().__init__(
            f"The head in {file} proves nothing: {why}.",
            remedy="use a head as `hrorch audit head` wrote it, with the public key that was kept with it",
        )


class AuditBrokenError(HrorchError):
    """The log does not verify; nothing is signed. `faults` is how many were found."""

    def __init__(self, faults: int, first: str) -> None:
        self.faults = faults
        super().__init__(
            f"The audit log has {faults} fault(s); the first: {first}.",
            remedy="see all with `hrorch audit verify`, find out who changed the ledger, restore it from a backup",
        )
