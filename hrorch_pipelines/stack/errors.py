"""Errors of the stack file: always all faults at once, each with its place and remedy."""

from __future__ import annotations

from dataclasses import dataclass

from hrorch_pipelines.errors import HrorchError


@dataclass(frozen=True)
class Fault:
    """One thing wrong in the stack file."""

    file: str
    line: int
    where: str
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.where}: {self.what}\n    {self.remedy}"


class StackFaults(HrorchError, ValueError):
    """The stack file cannot be used; `faults` lists every reason."""

    def __init__(self, faults: list[Fault]) -> None:
        self.faults = faults
        lines = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(
            f"The stack file has {len(faults)} fault{'s' if len(faults) != 1 else ''}:\n{lines}",
            remedy="mend the lines named above, then run `hrorch check` again",
        )
