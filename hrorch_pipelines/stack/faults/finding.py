"""What a cross-check finds, and what it may assume to be declared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Finding:
    """Something wrong (or, as a `note`, worth knowing) at a path of the stack file."""

    path: Path
    what: str
    remedy: str = ""
    note: bool = False


@dataclass(frozen=True)
class Declared:
    """Every name the file declares, whether or not its declaration is right. `broken` paths are not in the models."""

    people: frozenset[str]
    systems: frozenset[str]
    attributes: frozenset[str]
    stages: frozenset[str]
    records: Mapping[str, frozenset[str]]
    broken: frozenset[Path] = field(default_factory=frozenset)

    def whole(self, *sections: str) -> bool:
        """Whether nothing of these sections is broken, so that something missing there is really missing."""
        return not any(path[0] in sections for path in self.broken)
