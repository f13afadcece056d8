"""What writing did to a world, judged without asking the product: against a twin without faults, and one left alone.

All three live through the same days. A value that differs from the one left alone was changed by somebody; it was put
right when it equals the twin's, and spoilt when it does not. How the product sees it is in `findings`.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.cohort import records_apart
from hrorch_pipelines.sandbox.store import SYSTEMS, Store
from hrorch_pipelines.sandbox.world import generate, remembered

_COLLECTIONS = {
    "ats": ("candidates", "offers"),
    "hris": ("employees", "jobInfo", "compensation", "employmentStatus"),
    "payroll": ("employees",),
    "check": ("candidates", "reports"),
    "onboarding": ("newhires", "tasks"),
    "directory": ("users",),
}
_BOOKKEEPING = {
    "version",
    "meta",
    "uuid",
    "job_uuid",
    "current_compensation_uuid",
    "updatedAt",
    "updatedBy",
    "updated_at",
    "formatted",
    "displayName",
}
"""Kept by the systems themselves, not values of a person that anybody enters."""

Place = tuple[str, str, str, str]
"""System, collection, id, path."""


@dataclass(frozen=True)
class Judgement:
    """Values by what became of them. `repaired`: were wrong, are right. `spoilt`: changed to what is not true.

    `left`: wrong before and still as they were.
    """

    repaired: tuple[Place, ...] = ()
    spoilt: tuple[Place, ...] = ()
    left: tuple[Place, ...] = field(default=(), repr=False)


class Twins:
    """Two worlds beside the one that is written to. Make them when that world is new; let them live on with it."""

    def __init__(self, world: Path, folder: Path) -> None:
        self._world = world
        self._true, self._alone = folder / "true", folder / "alone"
        made = remembered(world)
        generate(self._true, made.people, made.seed, made.epoch, faults=False)
        shutil.copytree(world, self._alone)

    def advance(self, days: int) -> None:
        """The same days pass here."""
        advance(self._true, days)
        advance(self._alone, days)

    def judge(self) -> Judgement:
        """Compare every value of every document of the three worlds; a cohort's are judged elsewhere."""
        apart = records_apart(self._world)
        found: dict[str, list[Place]] = {"repaired": [], "spoilt": [], "left": []}
        for system in SYSTEMS:
            now, alone, true = (_leaves(folder, system) for folder in (self._world, self._alone, self._true))
            for place in now.keys() | alone.keys():
                here, there, right = (leaves.get(place) for leaves in (now, alone, true))
                if here == right == there or place[:3] in apart:
                    continue
                fate = "left" if here == there else "repaired" if here == right else "spoilt"
                found[fate].append(place)
        return Judgement(**{fate: tuple(sorted(places)) for fate, places in found.items()})


def _leaves(folder: Path, system: str) -> dict[Place, str | None]:
    """Every value of every living document of a system, in a form in which spelling does not count."""
    store = Store(folder, system)
    try:
        return {
            (system, collection, document.id, path): _plain(value)
            for collection in _COLLECTIONS[system]
            for document in store.each(collection)
            for path, value in _walk(document.body, "")
        }
    finally:
        store.close()


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for name, part in value.items():
            if name not in _BOOKKEEPING:
                yield from _walk(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for number, part in enumerate(value):
            # Rows of a dated list are known by their date: one more row moves no other.
            name = part.get("effective_date", number) if isinstance(part, dict) else number
            yield from _walk(part, f"{path}[{name}]")
    else:
        yield path, value


def _plain(value: Any) -> str | None:
    """Empty is empty, numbers by value, telephone numbers by their digits; the rest as written."""
    if value is None or value == "":
        return None
    text = str(value).strip()
    if re.fullmatch(r"-?\d+\.\d+", text):
        return text.rstrip("0").rstrip(".")
    return re.sub(r"[ ().-]", "", text) if re.fullmatch(r"\+?[\d ().-]{9,}", text) else text
