"""`hrorch demo`: a company of six systems over some days: observed, corrected, confirmed, and judged by what was planted.

Then a cohort comes and goes (`demo_cohort`), and beside it every kind of failure is rehearsed. What is printed is in
`demo_tables`.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import sqlalchemy as sa
import typer

from hrorch_pipelines.cli import demo_tables as tables
from hrorch_pipelines.cli.app import COULD_NOT_RUN, FINDINGS, app, console, notes
from hrorch_pipelines.cli.drill import drill_table, rehearsed_beside
from hrorch_pipelines.cli.progress import progress
from hrorch_pipelines.cli.sandbox import DEMO_WORLD
from hrorch_pipelines.storage.ledger_tables import corrections

if TYPE_CHECKING:
    from hrorch_pipelines.cli.demo_cohort import CohortTold
    from hrorch_pipelines.runner import JobOutcome
    from hrorch_pipelines.sandbox.judge import Judgement
    from hrorch_pipelines.sandbox.score import KindScore
    from hrorch_pipelines.sandbox.serve import Sandbox
    from hrorch_pipelines.workplace import Workplace

DEMO_HOME = Path("data/home/demo")
FOR_A_COHORT = 400
"""In a smaller company nobody may be found who can be a returner, a father or a leaver of the cohort."""


@dataclass(frozen=True)
class Day:
    """One day of the demonstration: how many days pass first, what is wrong with the wires, who decides what.

    `looks`: whether systems are read and compared, or only what is due is sent. `sends`: `mode: apply`.
    """

    passes: int
    title: str
    reading: tuple[Wrong, ...] = ()
    writing: tuple[Wrong, ...] = ()
    down: tuple[str, ...] = ()
    looks: bool = True
    sends: bool = True
    approver: str | None = None


Wrong = tuple[str, str, dict[str, Any]]
"""System, fault of transport, its settings."""

DAYS = (
    Day(0, "first look at six systems; corrections are proposed, nothing is sent", sends=False),
    Day(
        1,
        "payroll limits requests, the HRIS stumbles, the check system redirects to nothing, the directory is down; "
        "payroll's answers get lost and onboarding ignores a write",
        (
            ("payroll", "rate_limited", {"times": 2, "retry_after": 1}),
            ("hris", "unavailable", {"times": 1}),
            ("check", "redirect_zero", {}),
        ),
        (("payroll", "lost_answer", {"times": 2}), ("onboarding", "ignored_write", {"times": 1})),
        ("directory",),
        approver="payroll-lead",
    ),
    Day(1, "everything answers again: what waited for the directory is sent, what was lost is looked up"),
    Day(5, "a week has passed"),
)


@dataclass(frozen=True)
class Told:
    """What happened on one day."""

    day: Day
    date: str
    outcomes: list[JobOutcome]
    rate: str
    states: Mapping[str, int]


@dataclass(frozen=True)
class Judged:
    """What writing did: by the documents of a twin company without faults, and by the label file."""

    twin: Judgement
    unplanted: list[tuple[str, str, str]]


@app.command()
def demo(
    people: Annotated[
        int, typer.Option(min=1, help=f"People in the company; below {FOR_A_COHORT} the first half only.")
    ] = 500,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 7,
    short: Annotated[
        bool, typer.Option("--short", help="Only the first half, no cohort and no drill: a minute and a half.")
    ] = False,
    world: Annotated[Path, typer.Option(help="Where the sandbox lives.")] = DEMO_WORLD,
    home: Annotated[Path, typer.Option(help="Where the results go.")] = DEMO_HOME,
) -> None:
    """Watch it work: six systems on this machine, every kind of fault planted, found and explained, put right, confirmed.
    Told after a minute and a half; then a cohort applies, is handed from system to system, is paid, and some leave, while
    every kind of failure is rehearsed beside it: five minutes more."""
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.sandbox.judge import Twins
    from hrorch_pipelines.sandbox.serve import run_sandbox

    began = time.monotonic()
    logging.disable(logging.WARNING)
    _begin_anew(world, home)
    short = short or people < FOR_A_COHORT
    with (
        progress() as bar,
        tempfile.TemporaryDirectory() as beside,
        run_sandbox(world, base_port=None, people=people, seed=seed) as sandbox,
    ):
        os.environ |= sandbox.env | {"HRORCH_HANDOFFS": "off"}
        task = bar.add_task("making a company", total=None)

        def say(step: str) -> None:
            bar.update(task, description=step)

        twins = Twins(world, Path(beside))
        scores: list[KindScore] = []
        story: list[Told] = []
        for day in DAYS:
            twins.advance(day.passes)
            story.append(_live(day, sandbox, home, say))
            scores = scores or _score(home, world)
        workplace = demo_workplace(home, sandbox, sends=True)
        judged = Judged(twins.judge(), _unplanted(workplace, world))
        tables.tell(story, scores, judged, workplace)
        walked, outcomes = None, []
        if not short:
            half = f"Half of it is told, after {time.monotonic() - began:.0f} s. Now people come and go, through eight weeks."
            console.print(f"\n{half}\n", highlight=False)
            rehearsal = rehearsed_beside()
            walked = _walk_cohort(sandbox, home, say)
            say("rehearsing failures")
            outcomes = rehearsal()
    if outcomes:
        render(drill_table(outcomes, dry=False), "table")
    console.print(
        f"\nDone in {time.monotonic() - began:.0f} s. The page to read: {home / 'published' / 'report.html'}\n"
        f"Next: `hrorch up` opens the lineage in Dagster; "
        f"`hrorch report discrepancies --home {home}` lists every value that disagrees.",
        highlight=False,
    )
    if not all(outcome.ok for outcome in story[-1].outcomes):
        raise typer.Exit(COULD_NOT_RUN)
    if (
        judged.twin.spoilt
        or judged.unplanted
        or any(score.missed or score.false or score.cause_right != score.cause_of for score in scores)
        or (walked is not None and walked.wrong)
        or any(one.detected_at is None for one in outcomes)
    ):
        raise typer.Exit(FINDINGS)


def _walk_cohort(sandbox: Sandbox, home: Path, say: Callable[[str], None]) -> CohortTold:
    """The weeks of the cohort, told when they are over."""
    from hrorch_pipelines.cli.demo_cohort import play
    from hrorch_pipelines.cli.demo_cohort_tables import tell_cohort

    told = play(
        sandbox,
        lambda: demo_workplace(home, sandbox, sends=True),
        say,
        lambda workplace: approve_waiting(workplace, "payroll-lead"),
    )
    tell_cohort(told, demo_workplace(home, sandbox, sends=True))
    return told


def _begin_anew(world: Path, home: Path) -> None:
    """Remove the last demonstration's folders, and only folders that a demonstration made."""
    for folder, mark in ((world, "world.db"), (home, "demo")):
        if folder.exists():
            if any(folder.iterdir()) and not (folder / mark).exists():
                notes.print(f"{folder} holds something that no demonstration made. Give another folder (see --help).")
                raise typer.Exit(COULD_NOT_RUN)
            shutil.rmtree(folder)
    home.mkdir(parents=True)
    (home / "demo").touch()


def demo_workplace(home: Path, sandbox: Sandbox, *, sends: bool) -> Workplace:
    """The example stack, looked at with the sandbox's clock, proposing or sending."""
    from hrorch_pipelines.workplace import DEFAULT_STACK, open_workplace

    os.environ["HRORCH_MODE"] = "apply" if sends else "propose"
    return open_workplace(DEFAULT_STACK, home, sandbox.clock)


def _live(day: Day, sandbox: Sandbox, home: Path, say: Callable[[str], None]) -> Told:
    """Let time pass, spoil the wires, look, decide, send; then mend the wires."""
    from hrorch_pipelines.runner import push_once, run_once

    if day.passes:
        sandbox.advance(day.passes)
    date = f"{sandbox.clock.now():%Y-%m-%d}"
    workplace = demo_workplace(home, sandbox, sends=day.sends)
    for system in day.down:
        sandbox.stop(system)
    outcomes = []
    if day.looks:
        _spoil(sandbox, day.reading)
        outcomes += run_once(workplace, lambda step: say(f"{date}: {step}"), push=False)
        sandbox.board.switch_off()
    if day.approver:
        approve_waiting(workplace, day.approver)
    _spoil(sandbox, day.writing)
    outcomes += push_once(workplace, lambda step: say(f"{date}: {step}"))
    sandbox.board.switch_off()
    for system in day.down:
        sandbox.start(system)
    return Told(day, date, outcomes, tables.discrepancy_rate(workplace), tables.by_state(workplace))


def _spoil(sandbox: Sandbox, wrong: tuple[Wrong, ...]) -> None:
    from hrorch_pipelines.sandbox.transport import FaultKind

    for system, kind, settings in wrong:
        sandbox.board.switch_on(system, FaultKind(kind), **settings)


def approve_waiting(workplace: Workplace, by: str) -> None:
    """The second pair of eyes: everything that waits for it, in the name of one of the stack file's people."""
    from hrorch_pipelines.corrections.approve import approve
    from hrorch_pipelines.corrections.terms import State

    ledger = workplace.ledger()
    with ledger.read() as con:
        waiting = con.execute(
            sa.select(corrections.c.correction_id).where(corrections.c.state == State.AWAITING_APPROVAL.value)
        )
        ids = [row.correction_id for row in waiting.all()]
    approve(ledger, workplace.stack, ids, by)
    ledger.close()


def _score(home: Path, world: Path) -> list[KindScore]:
    """What was planted against what was found. The one place where labels and findings meet."""
    from hrorch_pipelines.sandbox.findings import findings
    from hrorch_pipelines.sandbox.labels import read_labels
    from hrorch_pipelines.sandbox.score import score
    from hrorch_pipelines.sandbox.world import label_file
    from hrorch_pipelines.storage.home import Home
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(Home(home.resolve())) as con:
        return score(read_labels(label_file(world)), findings(con))


def _unplanted(workplace: Workplace, world: Path) -> list[tuple[str, str, str]]:
    """Confirmed corrections of values that nobody had planted wrong."""
    from hrorch_pipelines.corrections.terms import State
    from hrorch_pipelines.sandbox.labels import read_labels
    from hrorch_pipelines.sandbox.score import unplanted
    from hrorch_pipelines.sandbox.world import label_file

    ledger, written = workplace.ledger(), corrections.c
    with ledger.read() as con:
        rows = con.execute(
            sa.select(written.target, written.source_id, written.attribute).where(
                written.state == State.CONFIRMED.value
            )
        ).all()
    ledger.close()
    return unplanted(read_labels(label_file(world)), [(row[0], row[1], row[2]) for row in rows])
