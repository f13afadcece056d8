"""The command tree and what every command shares: where the stack file is, how things are printed, exit codes."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.stack.models import Stack

FINE, FINDINGS, COULD_NOT_RUN = 0, 1, 2

_PANELS = {
    "Begin": ("demo", "check", "run", "up", "webhooks"),
    "Look": ("report", "explain", "monitor", "simulate"),
    "Decide and act": ("exceptions", "corrections", "handoffs", "identity", "screening", "snapshots"),
    "Prove and forget": ("audit", "subject", "erase", "retention"),
    "Workshop": ("sandbox", "drill", "bench"),
}
_ORDER = [name for names in _PANELS.values() for name in names]


class _Arranged(TyperGroup):
    """Commands in the order in which they are needed, under headings."""

    def list_commands(self, ctx: Any) -> list[str]:
        names = super().list_commands(ctx)
        for title, own in _PANELS.items():
            for name in set(own) & set(names):
                self.commands[name].rich_help_panel = title  # type: ignore[attr-defined]
        return sorted(names, key=lambda name: _ORDER.index(name) if name in _ORDER else len(_ORDER))


app = typer.Typer(
    name="hrorch",
    cls=_Arranged,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    help=(
        "See the whole HR stack and put it right: snapshot every system, hold back bad records, match people, find every "
        "value that disagrees with its authority, say why, correct it, confirm it, and prove it.\n\n"
        "Start with [bold]hrorch demo[/bold]. Exit codes: 0 fine, 1 findings, 2 could not run."
    ),
)
report_app = typer.Typer(
    no_args_is_help=True, help="Print what the last cycle found, as table, CSV, JSON, XLSX or HTML."
)
sandbox_app = typer.Typer(no_args_is_help=True, help="Six HR systems on this machine to try HRORCH against.")
identity_app = typer.Typer(no_args_is_help=True, help="Answer questions about who is who.")
snapshots_app = typer.Typer(no_args_is_help=True, help="Look at snapshots; accept one that was refused and is right.")
app.add_typer(report_app, name="report")
app.add_typer(identity_app, name="identity")
app.add_typer(snapshots_app, name="snapshots")
app.add_typer(sandbox_app, name="sandbox")

console = Console()
"""Where results go; notes go to `notes`, so that a pipe gets the results only."""
notes = Console(stderr=True)

StackOption = Annotated[
    Path | None,
    typer.Option("--stack", help="The stack file.", envvar="HRORCH_STACK", show_default="data/stack.yaml"),
]
HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", help="The run-time folder.", envvar="HRORCH_HOME", show_default="`home` beside the stack file"
    ),
]


class UnknownReviewerError(HrorchError):
    """Somebody decides whom the stack file does not name."""

    def __init__(self, known: list[str]) -> None:
        super().__init__(
            "The stack file does not name this reviewer.", remedy=f"give one of its people: {', '.join(known)}"
        )


def require_reviewer(stack: Stack, name: str) -> None:
    """Raise UnknownReviewerError unless `name` is one of the stack file's people: a decision has a name to it."""
    if name not in stack.people:
        raise UnknownReviewerError(list(stack.people))
