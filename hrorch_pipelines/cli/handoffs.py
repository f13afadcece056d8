"""`hrorch handoffs …`: what must happen next for whom, how each handoff stands, one person's states over time; a pass."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console
from hrorch_pipelines.cli.options import (
    FormatOption,
    LimitOption,
    OutOption,
    PersonArgument,
    PersonOption,
)
from hrorch_pipelines.cli.reveal import RevealedByOption, RevealOption, log_reveal, require_name

if TYPE_CHECKING:
    from hrorch_pipelines.workplace import Workplace

handoffs_app = typer.Typer(
    no_args_is_help=True,
    help="What must happen next, for whom: look, decide, pass, send; one person's states over time.",
)
app.add_typer(handoffs_app, name="handoffs")


@handoffs_app.command("list")
def list_(
    state: Annotated[
        list[str] | None,
        typer.Option(help="Only this state; `stalled`: what is late. Default: all that are open. May be repeated."),
    ] = None,
    handoff: Annotated[list[str] | None, typer.Option(help="Only this handoff; may be repeated.")] = None,
    person: PersonOption = None,
    limit: LimitOption = 200,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Steps with what is missing and whose turn it is, the one due first on top. Exit code 1 if one of them is late."""
    from hrorch_pipelines.reports.handoffs import steps
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    known = _person(workplace, person) if person else None
    with closing(workplace.ledger()) as ledger:
        table = steps(ledger, workplace.stack, states=state or (), handoffs=handoff or (), person=known, limit=limit)
    render(table, format_, output)
    if any(row[table.place("late")] for row in table.rows):
        raise typer.Exit(FINDINGS)


@handoffs_app.command()
def show(
    step: Annotated[str, typer.Argument(help="A step's id, or its beginning.")],
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """One step: where it stands, its actions and what they say, the letters kept, and everything that happened to it."""
    from hrorch_pipelines.reports.handoffs import step as read
    from hrorch_pipelines.reports.render import render_all
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    with closing(workplace.ledger()) as ledger:
        tables = read(ledger, workplace.stack, step, reveal=reveal)
    log_reveal(workplace, "handoff step", by if reveal else None, 1, step=step)
    render_all(tables, format_, output)


@handoffs_app.command()
def status(
    format_: FormatOption = "table", output: OutOption = None, stack: StackOption = None, home: HomeOption = None
) -> None:
    """Per handoff: due, done, parked, stalled, compensated. Exit code 1 if anything is late or an action failed."""
    from hrorch_pipelines.reports.handoffs import STALLED
    from hrorch_pipelines.reports.handoffs import status as read
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        table = read(ledger, workplace.stack)
    render(table, format_, output)
    if any(row[table.place(name)] for row in table.rows for name in (STALLED, "failed")):
        raise typer.Exit(FINDINGS)


@handoffs_app.command()
def reentry(
    format_: FormatOption = "table", output: OutOption = None, stack: StackOption = None, home: HomeOption = None
) -> None:
    """Per handoff: how many records the program made, how many others, and what people typed (M1 with its bounds)."""
    from hrorch_pipelines.reports.reentry import reentry as read
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.storage.warehouse import open_published
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger, open_published(workplace.home) as con:
        table = read(ledger, con, workplace.stack)
    render(table, format_, output)


@handoffs_app.command()
def timeline(
    person: PersonArgument,
    known_at: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"], help="What was believed at this moment (UTC).", metavar="MOMENT"
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Also what is no longer believed.")] = False,
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """One person's states (application, offer, check, worker, …): since when each is so, and since when we know."""
    from hrorch_pipelines.reports.read import find_person
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.reports.timeline import timeline as read
    from hrorch_pipelines.storage.warehouse import open_published
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    with open_published(workplace.home) as con:
        known = find_person(con, workplace.stack, person)
        moment = known_at.replace(tzinfo=UTC) if known_at else None
        now = workplace.clock.now()
        table = read(con, workplace.stack, known, now, known_at=moment, everything=everything, reveal=reveal)
    log_reveal(workplace, "timeline", by if reveal else None, len(table.rows), person=known)
    render(table, format_, output)


@handoffs_app.command("pass")
def pass_(stack: StackOption = None, home: HomeOption = None) -> None:
    """One pass over what the last cycle published: what should exist and does not? Exit code 1 if a handoff cannot be judged."""
    from hrorch_pipelines.handoffs.between import pass_between, sentence
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    if not workplace.stack.handoffs or workplace.stack.lifecycle.handoffs == "off":
        console.print("No handoff is looked at: the stack file declares none, or says `lifecycle: {handoffs: off}`.")
        return
    with closing(workplace.ledger()) as ledger:
        result = pass_between(ledger, workplace.home, workplace.stack, workplace.clock)
    console.print(sentence(result), highlight=False)
    faults = {name: one.fault for name, one in result.handoffs.items() if one.fault}
    for name, fault in faults.items():
        console.print(f"{name}: cannot be evaluated ({fault}).", highlight=False)
    if faults:
        raise typer.Exit(FINDINGS)


def _person(workplace: Workplace, given: str) -> str:
    from hrorch_pipelines.reports.read import find_person
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        return find_person(con, workplace.stack, given)
