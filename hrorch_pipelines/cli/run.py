"""`hrorch check` and `run`: is the stack file right, and one whole pass."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.table import Table

from hrorch_pipelines.cli.app import (
    COULD_NOT_RUN,
    FINDINGS,
    HomeOption,
    StackOption,
    app,
    console,
    notes,
)
from hrorch_pipelines.cli.progress import progress


@app.command()
def check(
    stack: StackOption = None,
    connect: Annotated[bool, typer.Option(help="Also try to reach each system.")] = True,
) -> None:
    """Check the stack file, then try each connection. Every fault is named at once, with its line and its remedy."""
    from hrorch_pipelines.check import check_stack
    from hrorch_pipelines.clock import SystemClock
    from hrorch_pipelines.workplace import DEFAULT_STACK

    report = check_stack(stack or DEFAULT_STACK, SystemClock(), connect=connect)
    for fault in report.faults:
        console.print(str(fault), markup=False, highlight=False)
    for note in report.notes:
        console.print(f"note: {note}", markup=False, highlight=False)
    if report.connections:
        table = Table("system", "connection", "what to do", title="Connections")
        for connection in report.connections:
            table.add_row(connection.system, connection.what, connection.remedy)
        console.print(table)
    if report.faults:
        raise typer.Exit(COULD_NOT_RUN)
    if any(not connection.ok for connection in report.connections):
        raise typer.Exit(FINDINGS)
    console.print("The stack file is fine." + (" Every system answers." if report.connections else ""))


@app.command()
def run(stack: StackOption = None, home: HomeOption = None) -> None:
    """Take a snapshot of every system and run one whole cycle, through the same Dagster jobs the schedules use."""
    from hrorch_pipelines.runner import run_once
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with progress() as bar:
        task = bar.add_task("starting", total=None)
        outcomes = run_once(workplace, lambda step: bar.update(task, description=step))
    for outcome in outcomes:
        if not outcome.ok:
            notes.print(f"{outcome.job}: {outcome.reason}", style="yellow", markup=False, highlight=False)
    if not outcomes[-1].ok:
        raise typer.Exit(COULD_NOT_RUN)
    console.print(f"Done. Results are in {workplace.home.published.parent}; see `hrorch report discrepancies`.")
    if any(not outcome.ok for outcome in outcomes):
        raise typer.Exit(FINDINGS)
