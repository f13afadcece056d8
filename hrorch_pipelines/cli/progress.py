"""The spinner that long work shows; silent where nobody is watching."""

from __future__ import annotations

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from hrorch_pipelines.cli.app import notes


def progress() -> Progress:
    """A spinner with the step's name and the time it takes; prints nothing when the output is not a terminal."""
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=notes, transient=True
    )
