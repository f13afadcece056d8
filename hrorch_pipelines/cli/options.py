"""Options that several commands share, each said once: the form of the answer, filters, who decides and why."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

FormatOption = Annotated[str, typer.Option("--format", "-f", help="table, csv, json, xlsx or html.", metavar="FORMAT")]
OutOption = Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file instead of the screen.")]
AsOfOption = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="Compare as of this day instead of the last cycle's."),
]

SystemsOption = Annotated[list[str] | None, typer.Option("--system", help="Only this system; may be repeated.")]
TargetsOption = Annotated[list[str] | None, typer.Option("--target", help="Only this target; may be repeated.")]
AttributesOption = Annotated[
    list[str] | None, typer.Option("--attribute", help="Only this attribute; may be repeated.")
]
OpenStatesOption = Annotated[
    list[str] | None, typer.Option("--state", help="Only this state; default: all that are open. May be repeated.")
]
LimitOption = Annotated[int | None, typer.Option(min=1, help="At most so many.")]

PERSON = "A person id, `system:source_id` or an employee number."
PersonOption = Annotated[str | None, typer.Option(help=PERSON)]
PersonArgument = Annotated[str, typer.Argument(help=PERSON)]

CaseArgument = Annotated[str, typer.Argument(help="The case's id, or at least six characters of its beginning.")]
UntilOption = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The last day on which it is let be.", metavar="DAY")
]

ByOption = Annotated[str, typer.Option(help="Who decides: a name of `people` in the stack file.")]
ReasonOption = Annotated[str, typer.Option(help="Why; it stays with the decision. Name no personal value.")]
