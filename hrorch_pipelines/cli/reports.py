"""`hrorch report …` and `hrorch explain`: read the published copy, print it in the form asked for."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, report_app
from hrorch_pipelines.workplace import Workplace, open_workplace

FormatOption = Annotated[
    str, typer.Option("--format", "-f", help="table, csv, json, xlsx or html.", metavar="FORMAT")
]
OutOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of the screen.")]
AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Compare as of this date instead of the last cycle's.")
]
RevealOption = Annotated[bool, typer.Option("--reveal", help="Show personal values instead of masking them.")]


@report_app.command("discrepancies")
def discrepancies(
    system: Annotated[list[str] | None, typer.Option(help="Only this copy system; may be repeated.")] = None,
    attribute: Annotated[list[str] | None, typer.Option(help="Only this attribute; may be repeated.")] = None,
    cause: Annotated[list[str] | None, typer.Option(help="Only this cause; may be repeated.")] = None,
    state: Annotated[list[str] | None, typer.Option(help="Only this state, e.g. disagree, ghost; may be repeated.")] = None,
    person: Annotated[str | None, typer.Option(help="One person: id, `system:source_id` or employee number.")] = None,
    as_of: AsOfOption = None,
    reveal: RevealOption = False,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Values that disagree with their authority, with cause, money at risk and since when. Exit code 1 if there are any."""
    from hrorch_pipelines.reports import discrepancies as page

    workplace = open_workplace(stack, home)
    with _published(workplace, as_of) as con:
        table = page.discrepancies(
            con,
            workplace.stack,
            systems=tuple(system or ()),
            attributes=tuple(attribute or ()),
            states=tuple(state or ()),
            causes=tuple(cause or ()),
            person=person,
            reveal=reveal,
        )
    _write(table, format_, output)
    if table.rows:
        raise typer.Exit(FINDINGS)
