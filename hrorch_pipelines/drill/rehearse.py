"""A whole drill: one company, one copy of it per kind, one outcome each."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from hrorch_pipelines.drill import kinds as every
from hrorch_pipelines.drill.dry import copied
from hrorch_pipelines.drill.dry_kinds import dry_kinds
from hrorch_pipelines.drill.place import PEOPLE, made
from hrorch_pipelines.drill.play import play
from hrorch_pipelines.drill.terms import Outcome
from hrorch_pipelines.workplace import Workplace

Say = Callable[[str], None]


def rehearse(names: Iterable[str] = (), *, people: int = PEOPLE, say: Say = lambda _: None) -> list[Outcome]:
    """Play each kind (all, or those named) in a company of the drill's own, which is gone afterwards. Raises UnknownKindError."""
    wanted = every.chosen(every.played(), names)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="hrorch-drill-") as folder:
        say("making a company")
        with made(Path(folder), people=people) as place:
            for kind in wanted:
                say(kind.what)
                here = place.scenario(kind.name)
                try:
                    outcomes.append(play(kind, here))
                finally:
                    here.end()
    return outcomes


def rehearse_dry(workplace: Workplace, names: Iterable[str] = (), *, say: Say = lambda _: None) -> list[Outcome]:
    """Whether the watches would fire for this stack: what each kind leaves behind is written into copies of its ledger.

    Nothing is read from a system, nothing sent, nothing of the home changed. Kinds that the stack cannot have are left out.
    Raises UnknownKindError.
    """
    wanted = every.chosen(dry_kinds(workplace.stack), names)
    outcomes = []
    with tempfile.TemporaryDirectory(prefix="hrorch-drill-") as folder, copied(workplace, Path(folder)) as scenario:
        for kind in wanted:
            say(kind.what)
            here = scenario(kind.name)
            try:
                outcomes.append(play(kind, here, anew=False))
            finally:
                here.end()
    return outcomes
