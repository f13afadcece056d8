"""The truth about planted faults, one JSON line each. The product never reads it; only `score` and tests do."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

DRAGGED = ("discrepancy", "missing_record", "ghost", "quarantine", "review")
Expect = Literal["discrepancy", "missing_record", "ghost", "quarantine", "review", "link", "apart", "none"]


@dataclass(frozen=True)
class Label:
    """One planted fault, or (expect `none`) one that only looks like a fault.

    `source_id` is the base record's id in `system`, as findings name it: for a discrepancy the copy's; for a missing
    record (and its control) the HRIS's, for want of another; for a quarantined row of a table the row's own. `other_*` is
    the second record of link, apart and review. `touches` lists (system, id) of every record of the people involved: what
    a record-level fault drags along there (findings of the kinds in `drags`) is its consequence, not a false finding.
    """

    label_id: str
    kind: str
    expect: Expect
    system: str
    record: str
    source_id: str
    people: tuple[int, ...]
    attribute: str | None = None
    cause: str | None = None
    rule: str | None = None
    other_system: str | None = None
    other_id: str | None = None
    decidable: bool = True
    cause_decidable: bool = True
    reason: str = ""
    touches: tuple[tuple[str, str], ...] = ()
    drags: tuple[str, ...] = DRAGGED
    until: str | None = None  # set by `advance` when the people's records moved on: no longer to be scored


def write_labels(path: Path, labels: Iterable[Label]) -> None:
    """Write a label file, replacing what was there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(asdict(label), ensure_ascii=False) + "\n" for label in labels)
    path.write_text(text, encoding="utf-8")


def read_labels(path: Path) -> list[Label]:
    """Read a label file."""
    found = []
    for line in path.read_text(encoding="utf-8").splitlines():
        raw = json.loads(line)
        raw["people"], raw["drags"] = tuple(raw["people"]), tuple(raw["drags"])
        raw["touches"] = tuple((system, key) for system, key in raw["touches"])
        found.append(Label(**raw))
    return found
