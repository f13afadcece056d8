"""The state of every cell of a copy, as one letter; the letters of a person's cells in a copy system make a *pattern*.

A pattern is computed in the join that looks at both sides, so a million persons cost one columnar pass, and persons with the
same pattern are counted together. Letter 0 tells whether there is a record. What the letters mean in counts is in `counts`.
"""

from __future__ import annotations

from enum import StrEnum

from hrorch_pipelines.authority.flags import Mark, attribute_order
from hrorch_pipelines.authority.golden import WITHOUT_AUTHORITY
from hrorch_pipelines.reconcile.equality import equalities
from hrorch_pipelines.reconcile.pairs import CopyPlan, Position
from hrorch_pipelines.reconcile.terms import State
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.sql import ident, literal

RECORD, NO_RECORD, NO_PAIR = "r", "x", "."


class Letter(StrEnum):
    """One cell pair. `y` and `Y` are both in flight; only the second differs."""

    AGREE = "a"
    DISAGREE = "d"
    IN_FLIGHT_EQUAL = "y"
    IN_FLIGHT = "Y"
    SCHEDULED = "s"
    MISSING_RECORD = "m"
    GHOST = "g"
    BOTH_EMPTY = "e"
    HIDDEN = "h"
    UNRESOLVED = "u"
    QUARANTINED = "q"
    HELD = "k"


STATE_OF: dict[Letter, State] = {
    Letter.AGREE: State.AGREE,
    Letter.DISAGREE: State.DISAGREE,
    Letter.IN_FLIGHT_EQUAL: State.IN_FLIGHT,
    Letter.IN_FLIGHT: State.IN_FLIGHT,
    Letter.SCHEDULED: State.SCHEDULED,
    Letter.MISSING_RECORD: State.MISSING_RECORD,
    Letter.GHOST: State.GHOST,
    Letter.BOTH_EMPTY: State.BOTH_EMPTY,
    Letter.HIDDEN: State.HIDDEN,
    Letter.UNRESOLVED: State.UNRESOLVED,
    Letter.QUARANTINED: State.QUARANTINED,
    Letter.HELD: State.HELD,
}
SHOWN = (Letter.DISAGREE, Letter.MISSING_RECORD, Letter.GHOST, Letter.IN_FLIGHT, Letter.SCHEDULED)
"""Letters that become rows of `reconcile.discrepancies`."""

VERDICTS = {"missing": Letter.MISSING_RECORD, "missing_young": Letter.IN_FLIGHT, "missing_held": Letter.QUARANTINED}
GHOSTS = {"ghost": Letter.GHOST, "ghost_young": Letter.IN_FLIGHT}


def pattern_sql(stack: Stack, plan: CopyPlan, usual: tuple[str | None, str | None]) -> str:
    """SQL of the pattern of a person with a record in the copy. Sides: `g` (golden), `c` (cells), `v` (presence verdict).

    `usual` is the commonest mark string of golden and of the copy: rows that carry both take a branch in which the marks are
    already worked in, so that a field hidden everywhere costs nothing.
    """
    careful = ", ".join(_letter(stack, plan, position, None) for position in plan.positions)
    quick = ", ".join(_letter(stack, plan, position, usual) for position in plan.positions)
    same = " AND ".join(
        f"{side}.marks {'IS NULL' if marks is None else f'= {literal(marks)}'}"
        for side, marks in zip(("g", "c"), usual, strict=True)
    )
    return f"""CASE WHEN {same} AND v.verdict IS NULL THEN concat('{RECORD}', {quick})
                    ELSE concat('{RECORD}', {careful}) END"""


def missing_pattern_sql(plan: CopyPlan) -> str:
    """SQL of the pattern of a person without a record in the copy, by `v.verdict`."""
    branches = []
    for verdict, letter in VERDICTS.items():
        letters = "".join(letter if position.required else NO_PAIR for position in plan.positions)
        branches.append(f"WHEN '{verdict}' THEN '{NO_RECORD}{letters}'")
    return f"CASE v.verdict {' '.join(branches)} END"


def _letter(stack: Stack, plan: CopyPlan, position: Position, usual: tuple[str | None, str | None] | None) -> str:
    branches = _stage_branches(stack, position)
    if usual is None:
        branches = [*_verdict_branches(position), *branches]
    if position.compared:
        golden, copy = f"g.{ident(position.attribute)}", f"c.{ident(position.attribute)}"
        places = (
            list(stack.attributes).index(position.attribute),
            attribute_order(stack, plan.system).index(position.attribute),
        )
        if usual is None:
            marks = (f"substr(g.marks, {places[0] + 1}, 1)", f"substr(c.marks, {places[1] + 1}, 1)")
            branches += _mark_branches(*marks)
            equal, differs = (
                f"CASE WHEN {marks[0]} = '{Mark.CHANGED}' THEN '{young}' ELSE '{old}' END"
                for young, old in ((Letter.IN_FLIGHT_EQUAL, Letter.AGREE), (Letter.IN_FLIGHT, Letter.DISAGREE))
            )
        else:
            own, other = (marks[place] if marks else " " for marks, place in zip(usual, places, strict=True))
            settled = _settled(own, other)
            if settled:
                return _case(branches, f"'{settled}'")
            young = own == Mark.CHANGED
            equal = f"'{Letter.IN_FLIGHT_EQUAL if young else Letter.AGREE}'"
            differs = f"'{Letter.IN_FLIGHT if young else Letter.DISAGREE}'"
        branches += [f"WHEN {same} THEN {equal}" for same in equalities(stack, position.attribute, golden, copy)]
        branches.append(f"WHEN {golden} IS NULL AND {copy} IS NULL THEN '{Letter.BOTH_EMPTY}'")
        return _case(branches, differs)
    return _case(branches, f"'{NO_PAIR}'")


def _case(branches: list[str], otherwise: str) -> str:
    return f"CASE {' '.join(branches)} ELSE {otherwise} END" if branches else otherwise


def _stage_branches(stack: Stack, position: Position) -> list[str]:
    """Stages in which the copy is not compared: nobody else decides the attribute."""
    apart = [stage for stage in stack.stages if stage not in position.authorities]
    if not position.compared or not apart:
        return []
    return [f"WHEN g.stage IN ({', '.join(literal(stage) for stage in apart)}) THEN '{NO_PAIR}'"]


def _verdict_branches(position: Position) -> list[str]:
    verdicts = {**(VERDICTS if position.required else {}), **(GHOSTS if position.presence else {})}
    return [f"WHEN v.verdict = '{verdict}' THEN '{letter}'" for verdict, letter in verdicts.items()]


_PRECEDENCE = (
    (Mark.WITHHELD, Letter.HIDDEN),
    (Mark.UNRESOLVED, Letter.UNRESOLVED),
    (Mark.HELD, Letter.QUARANTINED),
    (WITHOUT_AUTHORITY, Letter.HELD),
    (Mark.FUTURE, Letter.SCHEDULED),
)


def _mark_branches(own: str, other: str) -> list[str]:
    return [f"WHEN {own} = '{mark}' OR {other} = '{mark}' THEN '{letter}'" for mark, letter in _PRECEDENCE]


def _settled(own: str, other: str) -> Letter | None:
    return next((letter for mark, letter in _PRECEDENCE if mark in (own, other)), None)
