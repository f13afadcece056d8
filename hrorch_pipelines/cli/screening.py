"""`hrorch screening …`: adverse results of background checks: which step of the law is next, from when, whose turn it is."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console
from hrorch_pipelines.cli.options import CaseArgument, FormatOption, OutOption

if TYPE_CHECKING:
    from datetime import date

    from hrorch_pipelines.handoffs.screening import Standing
    from hrorch_pipelines.reports.table import Table
    from hrorch_pipelines.stack.models import Stack

screening_app = typer.Typer(
    no_args_is_help=True, help="Adverse results of background checks: which step of the law is next, and from when."
)
app.add_typer(screening_app, name="screening")


@screening_app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Those that are over too.")] = False,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Cases with their next step, the one whose turn comes first on top. Exit code 1 if a step may be taken today."""
    from hrorch_pipelines.clock import local_date
    from hrorch_pipelines.handoffs.screening import standings
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    today = local_date(workplace.clock.now(), workplace.stack.organization.time_zone)
    with closing(workplace.ledger()) as ledger, ledger.read() as con:
        found = standings(con, workplace.stack, over=everything)
    render(_listed(workplace.stack, found, today), format_, output)
    if any(not one.over and not one.waits(today) for one in found):
        raise typer.Exit(FINDINGS)


@screening_app.command("show")
def show(
    case: CaseArgument,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """One case: its steps in their order, who did which on what day, and from when the next may be done."""
    from hrorch_pipelines.clock import local_date
    from hrorch_pipelines.handoffs.screening import standing
    from hrorch_pipelines.reports.render import render_all
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    today = local_date(workplace.clock.now(), workplace.stack.organization.time_zone)
    with closing(workplace.ledger()) as ledger, ledger.read() as con:
        found = standing(con, workplace.stack, case)
    render_all([_listed(workplace.stack, [found], today), _steps(workplace.stack, found)], format_, output)


@screening_app.command("did")
def did(
    case: CaseArgument,
    step: Annotated[str, typer.Argument(help="The step that was done, such as `pre-adverse-notice`.")],
    by: Annotated[str, typer.Option(help="Who did it: a name of `people` in the stack file.")],
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="The day it was done, if not today.", metavar="DAY")
    ] = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Note that a step was done. One out of its order, or before the wait of the step before is over, is refused."""
    from hrorch_pipelines.handoffs.screening import did as note
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        now = note(ledger, workplace.stack, case, step, by, on.date() if on else None)
    when = f" not before {now.not_before}" if now.not_before else ""
    console.print(f"Noted. Next: {now.next or 'a decision'}{when}. {now.action}", highlight=False)


def _listed(stack: Stack, found: list[Standing], today: date) -> Table:
    from hrorch_pipelines.reports.table import Column, Table
    from hrorch_pipelines.reports.words import owner_name

    columns = (
        Column("case_id", "Case", "id"), Column("state", "State"), Column("next", "Next step"),
        Column("not_before", "Not before", "date"), Column("turn", "Whose turn"), Column("action", "What to do", rank=1),
        Column("done", "Done", "integer", rank=2), Column("steps", "Steps", "integer", rank=2), Column("source", "Rule", rank=3),
    )  # fmt: skip
    rows = tuple(
        (
            one.case_id,
            "over" if one.over else "waiting" if one.waits(today) else "due",
            None if one.over else one.next or "decide",
            None if one.over else one.not_before,
            owner_name(stack, one.turn),
            None if one.over else one.action,
            sum(step.done_on is not None for step in one.steps),
            len(one.steps),
            one.source,
        )
        for one in found
    )
    how = (
        "Say what was done with `hrorch screening did CASE STEP --by NAME`. HRORCH turns nobody down: somebody decides."
    )
    return Table("Adverse results of background checks", columns, rows, today, (how,))


def _steps(stack: Stack, found: Standing) -> Table:
    from hrorch_pipelines.reports.table import Column, Table
    from hrorch_pipelines.reports.words import owner_name

    columns = (
        Column("step", "Step"), Column("action", "What is done"), Column("done_on", "Done on", "date"),
        Column("done_by", "By"), Column("done_at", "Told", "moment", rank=1), Column("not_before", "The next not before", "date"),
    )  # fmt: skip
    rows = tuple(
        (
            step.step,
            step.action,
            step.done_on,
            owner_name(stack, step.done_by) if step.done_by else None,
            step.done_at,
            step.not_before,
        )
        for step in found.steps
    )
    return Table("Steps", columns, rows, notes=(f"As the rule was when it began: {found.source}.",))
