"""`hrorch simulate`: what would be different under another stack file, before it is put in place."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, app
from hrorch_pipelines.cli.options import FormatOption, OutOption

ROWS = 50
"""Rows of each sort that `--detail` lists."""


@app.command()
def simulate(
    stack: Annotated[Path, typer.Option("--stack", help="The other stack file.")],
    against: Annotated[
        Path | None,
        typer.Option("--against", help="The stack file in use.", envvar="HRORCH_STACK", show_default="data/stack.yaml"),
    ] = None,
    detail: Annotated[bool, typer.Option("--detail", help=f"Also list rows, masked; {ROWS} of each sort.")] = False,
    home: HomeOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
) -> None:
    """Replay the stored snapshots under another stack file and tell what would differ. Touches nothing. Exit code 1 if anything does."""
    from hrorch_pipelines.corrections.simulate import simulate as replay
    from hrorch_pipelines.reports.render import render_all
    from hrorch_pipelines.reports.simulation import simulation
    from hrorch_pipelines.stack.load import load_stack
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(against, home)
    found = replay(workplace, load_stack(stack), rows=ROWS if detail else 0)
    render_all(simulation(found, workplace.stack, detail=detail), format_, output)
    if not found.difference.nothing:
        raise typer.Exit(FINDINGS)
