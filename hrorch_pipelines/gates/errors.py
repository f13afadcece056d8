"""Errors of the gates. None of them ever holds a person's value."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.errors import HrorchError


@dataclass(frozen=True)
class Refusal:
    """Why one system's snapshot may not be used, and who can change that."""

    system: str
    snapshot_id: str
    reason: str
    reviewer: str
    deputy: str | None
    action: str

    def __str__(self) -> str:
        who = f"{self.reviewer} (deputy: {self.deputy})" if self.deputy else self.reviewer
        return f"snapshot {self.snapshot_id} of {self.system}: {self.reason}. For {who}: {self.action}"


class GateRefused(HrorchError):  # noqa: N818
    """A stage asked for gate receipts and at least one system of the cycle has none that counts."""

    def __init__(self, refusals: list[Refusal]) -> None:
        self.refusals = tuple(refusals)
        lines = "\n".join(f"  {refusal}" for refusal in refusals)
        super().__init__(
            f"The gate refused {len(refusals)} snapshot{'s' if len(refusals) != 1 else ''}; nothing downstream may use them:\n{lines}",
            remedy="mend what is named above in the system, or the rule in the stack file, then extract and run the cycle "
            "again; until then run the cycle without these snapshots, on the last ones that passed",
        )


class CountsDisagree(HrorchError, AssertionError):  # noqa: N818
    """A gate lost or invented a record: what went in is not what came out. A fault of the program."""

    def __init__(self, system: str, record: str, counts: str) -> None:
        self.system = system
        self.record = record
        super().__init__(
            f"The gate of {system}.{record} does not add up: {counts}. Nothing was written.",
            remedy="this is a fault of the program: report it with the figures above",
        )
