"""`hrorch check`, `run` and `up`: is the stack file right, take one whole pass, open the Dagster UI."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
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


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
    people: Annotated[int, typer.Option(help="People in the sandbox company.")] = 500,
) -> None:
    """Start the sandbox and the Dagster UI together, and say where to click. Ctrl-C stops both."""
    from hrorch_pipelines.cli.demo import DEMO_HOME
    from hrorch_pipelines.cli.sandbox import DEMO_WORLD
    from hrorch_pipelines.clock import SystemClock
    from hrorch_pipelines.runner import dagster_home
    from hrorch_pipelines.sandbox.serve import run_sandbox
    from hrorch_pipelines.workplace import CLOCK_OFFSET, open_workplace

    with run_sandbox(DEMO_WORLD, people=people) as running:
        os.environ.update(running.env)
        os.environ.setdefault("HRORCH_HOME", str(DEMO_HOME.resolve()))
        # The sandbox lives on a day of its own: what looks at it has to live on the same day.
        os.environ[CLOCK_OFFSET] = str((running.clock.now() - SystemClock().now()).total_seconds())
        os.environ["DAGSTER_HOME"] = str(dagster_home(open_workplace()))
        console.print(
            f"\nSandbox and Dagster are starting.\n\n"
            f"  1. Open http://127.0.0.1:{port}\n"
            f"  2. Lineage: the flow of the data, left to right. Click an asset to see its counts and rates.\n"
            f"  3. Jobs → extract_hris → Materialize all; the sensor then starts the cycle by itself.\n"
            f"  4. `hrorch report discrepancies` in another terminal shows what it found.\n\n"
            f"Ctrl-C stops both.\n"
        )
        dagster = Path(sys.executable).with_name("dagster")
        subprocess.run(  # noqa: S603  our own program, our own arguments
            [str(dagster), "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)], check=False
        )
