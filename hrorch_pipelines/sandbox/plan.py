"""What is to go wrong in a world: who is chosen, which documents are changed how, and the labels that say so.

`Plan` is the sheet the planters (`faults_cells`, `faults_records`, `faults_controls`) fill; it follows from the world alone.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from typing import Any

from hrorch_pipelines.sandbox.documents import documents
from hrorch_pipelines.sandbox.labels import Expect, Label
from hrorch_pipelines.sandbox.life import Life
from hrorch_pipelines.sandbox.people import BLOCK, World
from hrorch_pipelines.sandbox.store import Row
from hrorch_pipelines.sandbox.timeline import life
from hrorch_pipelines.sandbox.truth import Truth, holders, truth

SAMPLE = 6_000
"""Faults are planted among at most so many persons, taken evenly from the whole company."""

BASE_RECORD = {
    "ats": "candidate", "hris": "worker", "payroll": "worker", "check": "candidate", "onboarding": "newhire", "directory": "user",
}  # fmt: skip
"""System → the record type that stands for a person, as the presets name it."""

Edit = Callable[[list[Row]], list[Row]]
"""Changes what one system holds of one person."""


@dataclass
class Plan:
    """Faults of a world: `edits` by (person, system), and `labels`. A person has at most one fault."""

    world: World
    day: date
    edits: dict[tuple[int, str], list[Edit]] = field(default_factory=dict)
    labels: list[Label] = field(default_factory=list)
    used: set[int] = field(default_factory=set)

    @cached_property
    def rng(self) -> random.Random:
        return random.Random(self.world.seed * 7_919 + self.world.people)

    @cached_property
    def lives(self) -> dict[int, Life]:
        """Person → life, of the persons looked at, in random order. Kin sit together: whole blocks are taken."""
        step = max(1, self.world.people // SAMPLE)
        numbers = [n for n in range(1, self.world.people + 1) if (n // BLOCK) % step == 0]
        self.rng.shuffle(numbers)
        return {n: life(self.world, n) for n in numbers}

    @cached_property
    def truths(self) -> dict[int, Truth]:
        """Person → truth, of those among them who have an HRIS record."""
        known = ((n, one) for n, one in self.lives.items() if any(spell.entered <= self.day for spell in one.spells))
        return {n: truth(self.world, one, self.day) for n, one in known}

    @cached_property
    def held(self) -> dict[str, dict[str, int]]:
        """Attribute → value → how many of the persons looked at have it."""
        return {name: dict(counter) for name, counter in holders(self.truths.values()).items()}

    @property
    def whole(self) -> bool:
        """Whether everybody was looked at, so that 'nobody else has this value' is known."""
        return self.world.people <= SAMPLE

    def quota(self, options: int) -> int:
        """How many faults of a kind: each option once, at least three, more in a greater company."""
        return max(3, options, min(50, self.world.people // 1_500))

    def free(self, suits: Callable[[Truth], bool]) -> Iterator[Truth]:
        """Persons without a fault who suit."""
        return (one for n, one in self.truths.items() if n not in self.used and suits(one))

    def rows(self, one: Truth) -> dict[str, list[Row]]:
        """What the systems hold of a person before any fault."""
        return documents(self.world, one.life, self.day)

    def edit(self, one: Truth, system: str, edit: Edit) -> None:
        """Change what a system holds of a person; they are taken from now on."""
        self.edits.setdefault((one.life.person.number, system), []).append(edit)
        self.used.add(one.life.person.number)

    def label(
        self,
        kind: str,
        expect: Expect,
        people: Iterable[Truth],
        system: str,
        source_id: str,
        attribute: str | None = None,
        *,
        record: str | None = None,
        other: tuple[str, str] | None = None,
        **rest: Any,
    ) -> None:
        """Write a label; ids count up. `other` is the second record's (system, id)."""
        who = list(people)
        self.used |= {one.life.person.number for one in who}
        self.labels.append(
            Label(
                label_id=f"F{len(self.labels) + 1:04d}",
                kind=kind,
                expect=expect,
                system=system,
                record=record or BASE_RECORD[system],
                source_id=source_id,
                people=tuple(one.life.person.number for one in who),
                attribute=attribute,
                other_system=other[0] if other else None,
                other_id=other[1] if other else None,
                touches=(*(key for one in who for key in one.records()), (system, source_id)),
                **rest,
            )
        )

    def apply(self, n: int, system: str, rows: list[Row]) -> list[Row]:
        """A system's rows of a person, with what goes wrong."""
        for edit in self.edits.get((n, system), ()):
            rows = edit(rows)
        return rows
