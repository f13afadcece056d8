"""Errors of the stack file: always all faults at once, each with its place and remedy; notes inform and stop nothing."""

from __future__ import annotations

from collections.abc import Sequence
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
        return f"{self.file}:{self.line}: {f'{self.where}: ' if self.where else ''}{self.what}\n    {self.remedy}"


@dataclass(frozen=True)
class Note:
    """Something worth knowing about the stack file; nothing is stopped by it."""

    file: str
    line: int
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {f'{self.where}: ' if self.where else ''}{self.what}"


class StackFaults(HrorchError, ValueError):  # noqa: N818  (faults, as in the rest of the house)
    """The stack file cannot be used; `faults` lists every reason, in the order of the file."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = list(faults)
        lines = "\n".join(f"  {fault}" for fault in self.faults)
        super().__init__(
            f"The stack file has {len(self.faults)} fault{'s' if len(self.faults) != 1 else ''}:\n{lines}",
            remedy="mend the lines named above, then run `hrorch check` again",
        )
