"""`hrorch identity …`: a reviewer's answers about who is who."""

from __future__ import annotations

from typing import Annotated

import typer

from hrorch_pipelines.cli.app import HomeOption, StackOption, console, identity_app


@identity_app.command("decide")
def decide(
    left: Annotated[str, typer.Argument(help="A record, as `system:source_id`.")],
    right: Annotated[str, typer.Argument(help="The other record, as `system:source_id`.")],
    verdict: Annotated[str, typer.Argument(help="same or different.")],
    by: Annotated[str, typer.Option(help="Who decides: a name of `people` in the stack file.")],
    reason: Annotated[str, typer.Option(help="Why; it stays with the decision.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Say whether two records are one person. The next cycle follows it, and so does every rerun."""
    from hrorch_pipelines.identity import decisions
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with workplace.warehouse.write() as con:
        decisions.decide(con, _record(left), _record(right), verdict, by, reason, workplace.clock)
    console.print("Decided. The next cycle follows it.")


@identity_app.command("undo")
def undo(
    event: Annotated[str, typer.Argument(help="The event id, from `hrorch explain`.")],
    by: Annotated[str, typer.Option(help="Who undoes it: a name of `people` in the stack file.")],
    reason: Annotated[str, typer.Option(help="Why.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Undo a merge or a split."""
    from hrorch_pipelines.identity import decisions
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with workplace.warehouse.write() as con:
        decisions.undo(con, event, by, reason, workplace.clock)
    console.print("Undone. The next cycle follows it.")


def _record(text: str) -> tuple[str, str]:
    system, separator, source_id = text.partition(":")
    if not separator or not source_id:
        raise typer.BadParameter(f"{text!r} is not `system:source_id`, as in payroll:1234")
    return system, source_id
