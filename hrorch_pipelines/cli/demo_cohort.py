"""The second half of `hrorch demo`: a cohort applies, is hired, starts, is paid, and some leave, while systems fail on the way.

What is printed is in `demo_cohort_tables`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hrorch_pipelines.runner import JobOutcome
    from hrorch_pipelines.sandbox.cohort_judge import Outcome
    from hrorch_pipelines.sandbox.serve import Sandbox
    from hrorch_pipelines.workplace import Workplace

QUIET_BEFORE = 5
"""Days that pass before the cohort begins: whoever was being hired by other hands is through by then."""
EVERY = 4
"""Days between two looks, for the sake of the audience: in production, systems are read every half hour."""


@dataclass(frozen=True)
class Trouble:
    """What is wrong at one look: systems and outlets that are down, faults of transport while handing over."""

    says: str
    down: tuple[str, ...] = ()
    writing: tuple[tuple[str, str, dict[str, Any]], ...] = ()


TROUBLES: Mapping[int, Trouble] = {
    2: Trouble("the mail server is down: letters wait", down=("mail",)),
    4: Trouble(
        "payroll is down; the HRIS loses an answer after it has done what it was asked",
        down=("payroll",),
        writing=(("hris", "lost_answer", {"times": 1}),),
    ),
    5: Trouble("the directory and the calendar are down: two of eight at once", down=("directory", "calendar")),
    7: Trouble("payroll limits requests", writing=(("payroll", "rate_limited", {"times": 2, "retry_after": 1}),)),
}
"""By look, counted from 1; everything works again at the next."""


@dataclass(frozen=True)
class Look:
    """One look: the day, what was wrong, how jobs ended, steps and actions by state afterwards."""

    day: date
    trouble: Trouble | None
    outcomes: Sequence[JobOutcome]
    steps: Mapping[str, int]


@dataclass(frozen=True)
class TypedRecord:
    """A record that a person typed into a system by hand, and how it was found out: `named` (the system says who), `traced`
    (an error that only hands make), `not_ours` (the handoff found it there, and nobody tells who), or `missed`."""

    system: str
    source_id: str
    found: str


@dataclass(frozen=True)
class CohortTold:
    """What happened to the cohort, and how it is judged by the documents."""

    looks: Sequence[Look]
    begun: date
    applicants: int
    leavers: int
    verdicts: Sequence[Outcome]
    typed: Sequence[TypedRecord]

    @property
    def wrong(self) -> list[Outcome]:
        """What is not as it must be."""
        return [one for one in self.verdicts if not one.fine]


def play(
    sandbox: Sandbox,
    open_: Callable[[], Workplace],
    say: Callable[[str], None],
    approve: Callable[[Workplace], None],
) -> CohortTold:
    """Let the weeks pass and everything happen. `open_`: the stack, sending; `approve`: the second pair of eyes."""
    from hrorch_pipelines.runner import run_once
    from hrorch_pipelines.sandbox.cohort import begin
    from hrorch_pipelines.sandbox.cohort_judge import judge

    os.environ["HRORCH_HANDOFFS"] = "do"
    sandbox.advance(QUIET_BEFORE)
    cohort = begin(sandbox.folder)
    began = sandbox.clock.now()
    run_once(open_(), lambda step: say(f"before the cohort: {step}"))
    looks: list[Look] = []
    while sandbox.clock.now().date() < cohort.ends:
        sandbox.advance(EVERY)
        looks.append(_look(sandbox, open_(), len(looks) + 1, say, approve))
        answer_questions(open_(), began)
    applicants = sum(not one.leaving for one in cohort.members)
    return CohortTold(
        looks,
        cohort.begun,
        applicants,
        len(cohort.members) - applicants,
        judge(sandbox.folder),
        _typed(open_(), sandbox.folder, began),
    )


def answer_questions(workplace: Workplace, since: datetime) -> int:
    """A reviewer's answers, played: the only pairs a cohort gives cause to ask about are father and son, and they are two."""
    import sqlalchemy as sa

    from hrorch_pipelines.exceptions.resolutions import decide_identity
    from hrorch_pipelines.exceptions.terms import LIVE
    from hrorch_pipelines.storage.ledger_tables import cases

    ledger = workplace.ledger()
    with ledger.read() as con:
        asked = con.execute(
            sa.select(cases.c.case_id).where(
                cases.c.source == "identity",
                cases.c.rule == "probable",
                cases.c.detected_at >= since,
                cases.c.state.in_([state.value for state in LIVE]),
            )
        ).all()
    for row in asked:
        with workplace.warehouse.write() as con:
            decide_identity(
                ledger,
                con,
                workplace.stack,
                row.case_id,
                verdict="different",
                by="hris-analyst",
                reason="two people: father and son",
                now=workplace.clock.now(),
            )
    ledger.close()
    return len(asked)


def _look(
    sandbox: Sandbox,
    workplace: Workplace,
    number: int,
    say: Callable[[str], None],
    approve: Callable[[Workplace], None],
) -> Look:
    from hrorch_pipelines.runner import push_once, run_once
    from hrorch_pipelines.sandbox.transport import FaultKind

    day, trouble = sandbox.clock.now().date(), TROUBLES.get(number)
    told = f"week {(number - 1) * EVERY // 7 + 1} of the cohort, {day:%Y-%m-%d}"
    for place in trouble.down if trouble else ():
        sandbox.stop(place)
    outcomes = run_once(workplace, lambda step: say(f"{told}: {step}"), push=False)
    approve(workplace)
    for system, kind, settings in trouble.writing if trouble else ():
        sandbox.board.switch_on(system, FaultKind(kind), **settings)
    outcomes += push_once(workplace, lambda step: say(f"{told}: {step}"))
    sandbox.board.switch_off()
    for place in trouble.down if trouble else ():
        sandbox.start(place)
    return Look(day, trouble, outcomes, _steps(workplace))


def _steps(workplace: Workplace) -> Mapping[str, int]:
    """Steps by state; those from before the handoffs counted left out."""
    import sqlalchemy as sa

    from hrorch_pipelines.handoffs.terms import DoneHow
    from hrorch_pipelines.storage.ledger_tables import steps

    ledger = workplace.ledger()
    with ledger.read() as con:
        rows = con.execute(
            sa.select(steps.c.state, sa.func.count())
            .where(sa.func.coalesce(steps.c.done_how, "") != DoneHow.BEFORE.value)
            .group_by(steps.c.state)
        ).all()
    ledger.close()
    return {row[0]: row[1] for row in rows}


def _typed(workplace: Workplace, world: Path, began: datetime) -> list[TypedRecord]:
    """The records that people typed by hand, each with what the product found out about it."""
    from hrorch_pipelines.reports.reentry import BY_OTHERS, made
    from hrorch_pipelines.sandbox.cohort_judge import typed
    from hrorch_pipelines.sandbox.cohort_records import BASE
    from hrorch_pipelines.storage.warehouse import open_published

    by_hand = {
        (one.system, one.source_id)
        for one in typed(world)
        if one.action == "created" and one.collection == BASE[one.system]
    }
    with open_published(workplace.home) as con:
        rows = con.execute(
            """SELECT l.system, l.source_id, list(DISTINCT l.attribution), any_value(k.person_id)
               FROM reconcile.landings l JOIN identity.links k USING (system, source_id)
               WHERE l.detected_at > $began GROUP BY ALL""",
            {"began": began},
        ).fetchall()
    landed = {(system, source_id): (set(who), person) for system, source_id, who, person in rows}
    ledger = workplace.ledger()
    others = {(one.system, one.person_id) for one in made(ledger, workplace.stack) if one.made_by == BY_OTHERS}
    ledger.close()
    return [TypedRecord(*place, _found(place[0], landed.get(place), others)) for place in sorted(by_hand)]


def _found(system: str, landed: tuple[set[str], str] | None, others: set[tuple[str, str]]) -> str:
    who, person = landed or (set(), "")
    if "manual" in who:
        return "named"
    if "manual_probable" in who:
        return "traced"
    return "not_ours" if (system, person) in others else "missed"
