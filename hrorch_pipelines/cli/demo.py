"""`hrorch demo`: a company of six systems is observed over some days; what was planted is held against what was found."""

from __future__ import annotations

import logging
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from hrorch_pipelines.cli.app import COULD_NOT_RUN, FINDINGS, app, console, notes
from hrorch_pipelines.cli.progress import progress
from hrorch_pipelines.cli.sandbox import DEMO_WORLD
from hrorch_pipelines.reports.table import Table as Report

if TYPE_CHECKING:
    from hrorch_pipelines.runner import JobOutcome
    from hrorch_pipelines.sandbox.score import KindScore
    from hrorch_pipelines.sandbox.serve import Sandbox
    from hrorch_pipelines.workplace import Workplace

DEMO_HOME = Path("data/home/demo")


@dataclass(frozen=True)
class Day:
    """One day of the demonstration: how many days pass first, and what is wrong with the wires."""

    passes: int
    title: str
    faults: tuple[tuple[str, str, dict[str, Any]], ...] = ()
    down: tuple[str, ...] = ()


DAYS = (
    Day(0, "first look at six systems"),
    Day(
        1,
        "payroll limits requests, the HRIS stumbles, the check system redirects to nothing, the directory is down",
        (
            ("payroll", "rate_limited", {"times": 2, "retry_after": 1}),
            ("hris", "unavailable", {"times": 1}),
            ("check", "redirect_zero", {}),
        ),
        ("directory",),
    ),
    Day(6, "everything answers again, a week has passed"),
)


@app.command()
def demo(
    people: Annotated[int, typer.Option(help="People in the company.")] = 500,
    seed: Annotated[int, typer.Option(help="Another seed makes another company.")] = 7,
    world: Annotated[Path, typer.Option(help="Where the sandbox lives.")] = DEMO_WORLD,
    home: Annotated[Path, typer.Option(help="Where the results go.")] = DEMO_HOME,
) -> None:
    """Watch it work: six systems on this machine, every kind of fault planted, each found and explained. About a minute."""
    from hrorch_pipelines.sandbox.serve import run_sandbox

    began = time.monotonic()
    logging.disable(logging.WARNING)
    _begin_anew(world, home)
    with progress() as bar, run_sandbox(world, base_port=None, people=people, seed=seed) as sandbox:
        os.environ |= sandbox.env
        task = bar.add_task("making a company", total=None)
        workplace = _workplace(home, sandbox)
        scores: list[KindScore] = []
        story: list[tuple[Day, str, list[JobOutcome]]] = []
        for day in DAYS:
            outcomes = _live(day, sandbox, workplace, lambda step: bar.update(task, description=step))
            story.append((day, f"{sandbox.clock.now():%Y-%m-%d}", outcomes))
            scores = scores or _score(workplace, world)
    _tell_story(story)
    _tell_scores(scores)
    _tell_figures(workplace)
    console.print(
        f"\nDone in {time.monotonic() - began:.0f} s. The page to read: {workplace.home.published.parent / 'report.html'}\n"
        f"Next: `hrorch up` opens the lineage in Dagster; "
        f"`hrorch report discrepancies --home {home}` lists every value that disagrees.",
        highlight=False,
    )
    if not story[-1][2][-1].ok:
        raise typer.Exit(COULD_NOT_RUN)
    if any(score.missed or score.false or score.cause_right != score.cause_of for score in scores):
        raise typer.Exit(FINDINGS)


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


def _workplace(home: Path, sandbox: Sandbox) -> Workplace:
    """The example stack, looked at with the sandbox's clock."""
    from hrorch_pipelines.workplace import DEFAULT_STACK, open_workplace

    return open_workplace(DEFAULT_STACK, home, sandbox.clock)


def _live(day: Day, sandbox: Sandbox, workplace: Workplace, say: Any) -> list[JobOutcome]:
    """Let time pass, spoil the wires, look once, mend them."""
    from hrorch_pipelines.runner import run_once
    from hrorch_pipelines.sandbox.transport import FaultKind

    if day.passes:
        sandbox.advance(day.passes)
    for system, kind, settings in day.faults:
        sandbox.board.switch_on(system, FaultKind(kind), **settings)
    for system in day.down:
        sandbox.stop(system)
    outcomes = run_once(workplace, lambda step: say(f"{sandbox.clock.now():%Y-%m-%d}: {step}"))
    sandbox.board.switch_off()
    for system in day.down:
        sandbox.start(system)
    return outcomes


def _score(workplace: Workplace, world: Path) -> list[KindScore]:
    """What was planted against what was found. The one place where labels and findings meet."""
    from hrorch_pipelines.sandbox.findings import findings
    from hrorch_pipelines.sandbox.labels import read_labels
    from hrorch_pipelines.sandbox.score import score
    from hrorch_pipelines.sandbox.world import label_file
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        return score(read_labels(label_file(world)), findings(con))


def _tell_story(story: list[tuple[Day, str, list[JobOutcome]]]) -> None:
    table = Table("day", "what happened", "what HRORCH did", title="The days", title_justify="left")
    for day, date, outcomes in story:
        did = [
            f"refused {outcome.job.removeprefix('extract_')} and kept its last good snapshot, stale: {_short(outcome.reason)}"
            for outcome in outcomes
            if not outcome.ok
        ]
        table.add_row(date, day.title, "\n".join(did) or "read everything, compared everything")
    console.print(table)


def _short(reason: str) -> str:
    """What went wrong, without the remedy in brackets: the owner is told all of it, here it is a story."""
    return reason.splitlines()[0].split(" (")[0].rpartition(": ")[2]


def _tell_scores(scores: list[KindScore]) -> None:
    table = Table(title="Planted and found", title_justify="left")
    table.add_column("kind of fault", no_wrap=True)
    for heading in ("planted", "found", "false", "cause", "recall", "prec."):
        table.add_column(heading, justify="right")
    for score in scores:
        table.add_row(
            score.kind.replace("_", " "),
            *(str(n) for n in (score.planted, score.found, score.false)),
            f"{score.cause_right}/{score.cause_of}" if score.cause_of else "",
            *("" if rate is None else f"{rate:.2f}" for rate in (score.recall, score.precision)),
            style="" if not (score.missed or score.false) else "bold red",
        )
    console.print(table)
    console.print(
        "found: of those planted. false: found where nothing was planted. cause: named rightly, of those where the data tell it.",
        style="dim",
    )
    undecided = [f"{score.kind} ({score.undecided})" for score in scores if score.undecided]
    if undecided:
        console.print(f"Planted, but not to be told from the data alone: {', '.join(undecided)}.")


def _tell_figures(workplace: Workplace) -> None:
    from hrorch_pipelines.reports.bridge import bridge
    from hrorch_pipelines.reports.metrics import metrics
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        rates = metrics(con, workplace.stack, history=True)
        render(Report(rates.title, rates.columns, rates.rows, None, rates.notes), "table")
        render(bridge(con, workplace.stack), "table")
