"""`hrorch bench`: run the programs in `benchmarks/`, each of which prints a ratio measured in the same run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from hrorch_pipelines.cli.app import COULD_NOT_RUN, FINDINGS, app, console, notes


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(help="Which; all when absent.")] = None,
    folder: Annotated[Path, typer.Option(help="Where the benchmarks are.")] = Path("benchmarks"),
) -> None:
    """Measure speed against a rival or a limit, in this run, on this machine. Long: up to half an hour for all."""
    programs = {path.stem: path for path in sorted(folder.glob("[!_]*.py"))}
    if not programs:
        notes.print(f"There are no benchmarks in {folder}: run this from a checkout.")
        raise typer.Exit(COULD_NOT_RUN)
    unknown = [name for name in names or () if name not in programs]
    if unknown:
        notes.print(f"No benchmark named {', '.join(unknown)}. Known: {', '.join(programs)}")
        raise typer.Exit(COULD_NOT_RUN)
    failed = False
    for name in names or programs:
        console.rule(name)
        failed |= subprocess.run([sys.executable, str(programs[name])], check=False).returncode != 0  # noqa: S603
    if failed:
        raise typer.Exit(FINDINGS)
