"""`hrorch drill`: every kind of failure rehearsed in simulated time; by which watch it is found, who is told, how soon."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console
from hrorch_pipelines.cli.options import FormatOption, OutOption
from hrorch_pipelines.cli.progress import progress

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hrorch_pipelines.drill.terms import Outcome
    from hrorch_pipelines.reports.table import Table

DRILL_FOLDER = Path("data/home/drill")


@app.command()
def drill(
    kinds: Annotated[
        list[str] | None,
        typer.Option("--kinds", help="Only this kind of failure; may be repeated, or given with commas."),
    ] = None,
    dry: Annotated[
        bool,
        typer.Option("--dry", help="On copies of your own ledger: whether the watches would fire for your stack file."),
    ] = False,
    keep: Annotated[Path, typer.Option(help="Where the outcomes are kept for `hrorch monitor times`.")] = DRILL_FOLDER,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Rehearse every kind of failure in a company made for it, and measure how long until its owner is told. About a minute.

    Time is simulated, the systems, reads, pushes and watches are real. `--stack` and `--home` are for `--dry`; neither way
    changes anything of yours or writes to anybody. Exit code 1 if a kind was not detected.
    """
    from hrorch_pipelines.clock import SystemClock
    from hrorch_pipelines.drill.kept import Drill
    from hrorch_pipelines.drill.kept import keep as write
    from hrorch_pipelines.drill.rehearse import rehearse, rehearse_dry
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    names = [name.strip() for given in kinds or () for name in given.split(",") if name.strip()]
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with progress() as bar:
            task = bar.add_task("drill", total=None)

            def say(step: str) -> None:
                bar.update(task, description=step)

            outcomes = rehearse_dry(open_workplace(stack, home), names, say=say) if dry else rehearse(names, say=say)
    finally:
        logging.disable(before)
    if not dry:
        write(keep, Drill(SystemClock().now(), dry, tuple(outcomes)))
    render(drill_table(outcomes, dry=dry), format_, output)
    missed = [one.kind for one in outcomes if one.detected_at is None]
    if missed and format_ == "table" and output is None:
        console.print(f"[bold red]Not detected: {', '.join(missed)}[/bold red]")
    if missed:
        raise typer.Exit(FINDINGS)


def rehearsed_beside() -> Callable[[], list[Outcome]]:
    """Begin the drill in a quiet process of its own; what is returned waits for its outcomes."""
    import multiprocessing
    from concurrent.futures import ProcessPoolExecutor

    from hrorch_pipelines.drill.rehearse import rehearse

    pool = ProcessPoolExecutor(
        1, mp_context=multiprocessing.get_context("spawn"), initializer=logging.disable, initargs=(logging.WARNING,)
    )
    future = pool.submit(rehearse, [])
    pool.shutdown(wait=False)
    return future.result


def drill_table(outcomes: Sequence[Outcome], *, dry: bool) -> Table:
    """The outcomes, a kind a line."""
    from hrorch_pipelines.reports.table import Column, Table

    columns = (
        Column("kind", "Kind"), Column("what", "What fails", inside="kind"), Column("watch", "Found by"),
        Column("owner", "Owner told"), Column("minutes", "Minutes"),
        Column("minutes_since_injected", "Minutes since it began", short="Since began", rank=1),
        Column("occurred_at", "Occurred", "moment", rank=3), Column("detected_at", "Detected", "moment", rank=2),
        Column("silent", "Silent", rank=5), Column("severity", "Severity", rank=6), Column("told", "What was told", rank=7),
    )  # fmt: skip
    rows = tuple(
        (
            one.kind,
            one.what,
            one.watch or "not detected",
            one.owner,
            _minutes(one.minutes),
            _minutes(one.minutes_since_injected),
            one.occurred_at if one.detected_at else None,
            one.detected_at,
            "yes" if one.silent else "no",
            one.severity,
            one.told,
        )
        for one in outcomes
    )
    found = [one for one in outcomes if one.detected_at is not None]
    notes = [
        f"{len(found)} of {len(outcomes)} kinds were detected: an alert stands in the ledger for a named owner.",
        "Dry: what each kind leaves behind was written into copies of your ledger; nothing was read or sent."
        if dry
        else "Time is simulated; the monitor looks once a minute. A silent failure occurs when its limit is over (M3).",
    ]
    return Table("Drill: time to detect", columns, rows, notes=tuple(notes))


def _minutes(value: float | None) -> str | None:
    return None if value is None else f"{value:.0f}"
