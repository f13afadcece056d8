"""`hrorch exceptions …`: look at cases, take them on, pass them on, resolve them. What they mean is in `exceptions`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, report_app
from hrorch_pipelines.cli.options import (
    AttributesOption,
    ByOption,
    CaseArgument,
    FormatOption,
    LimitOption,
    OpenStatesOption,
    OutOption,
    SystemsOption,
    UntilOption,
)
from hrorch_pipelines.clock import end_of_day

if TYPE_CHECKING:
    from hrorch_pipelines.exceptions.sides import Sides
    from hrorch_pipelines.storage.ledger import Ledger
    from hrorch_pipelines.workplace import Workplace

exceptions_app = typer.Typer(no_args_is_help=True, help="Cases that need a person: list, take on, resolve, waive.")
app.add_typer(exceptions_app, name="exceptions")

ReasonOption = Annotated[str | None, typer.Option(help="Why; it stays with the case. Name no personal value.")]


class Entered(StrEnum):
    UNSEEN = "-"


@report_app.command("exceptions")
@exceptions_app.command("list")
def list_(
    reviewer: Annotated[list[str] | None, typer.Option(help="Only this reviewer's; may be repeated.")] = None,
    state: OpenStatesOption = None,
    system: SystemsOption = None,
    attribute: AttributesOption = None,
    source: Annotated[
        list[str] | None, typer.Option(help="gate, snapshot, identity, discrepancy, correction, budget, handoff.")
    ] = None,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only what is past its due time.")] = False,
    limit: LimitOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Open cases, the one due first on top. Exit code 1 if there are any."""
    from hrorch_pipelines.reports.exceptions import exceptions as read
    from hrorch_pipelines.reports.render import render

    with _open(stack, home) as (workplace, ledger):
        table = read(
            ledger,
            workplace.stack,
            reviewers=reviewer or (),
            states=state or (),
            systems=system or (),
            attributes=attribute or (),
            sources=source or (),
            overdue=overdue,
            limit=limit,
        )
    render(table, format_, output)
    if table.rows:
        raise typer.Exit(FINDINGS)


@exceptions_app.command("show")
def show(
    case: CaseArgument,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """One case: what is wrong, what to do, and its course so far."""
    from hrorch_pipelines.reports.exceptions import case as read
    from hrorch_pipelines.reports.render import render_all

    with _open(stack, home) as (workplace, ledger):
        render_all(read(ledger, workplace.stack, case), format_, output)


@exceptions_app.command("times")
def times(
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Exception resolution time (M4), elapsed and in working hours, and the age of what is open."""
    from hrorch_pipelines.reports.exceptions import resolution
    from hrorch_pipelines.reports.render import render_all

    with _open(stack, home) as (workplace, ledger):
        render_all(resolution(ledger, workplace.stack), format_, output)


@exceptions_app.command("acknowledge")
def acknowledge(case: CaseArgument, by: ByOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Say that you have read it."""
    from hrorch_pipelines.exceptions import moves

    _act(stack, home, moves.acknowledge, case, by=by)
    console.print("Acknowledged.")


@exceptions_app.command("start")
def start(case: CaseArgument, by: ByOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Say that you work on it."""
    from hrorch_pipelines.exceptions import moves

    _act(stack, home, moves.begin, case, by=by)
    console.print("In progress.")


@exceptions_app.command("assign")
def assign(
    case: CaseArgument,
    to: Annotated[str, typer.Option(help="Who gets it: a name of `people` in the stack file.")],
    by: ByOption,
    reason: ReasonOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Give it to somebody else."""
    from hrorch_pipelines.exceptions import moves

    _act(stack, home, moves.reassign, case, by=by, to=to, reason=reason)
    console.print(f"Assigned to {to}.")


@exceptions_app.command("waive")
def waive(
    case: CaseArgument,
    by: ByOption,
    until: UntilOption = None,
    reason: ReasonOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Let it be until a day, for a reason; then it opens again by itself."""
    from hrorch_pipelines.exceptions import moves

    with _open(stack, home) as (workplace, ledger):
        _write(workplace, ledger, moves.waive, case, by=by, until=_end_of(workplace, until), reason=reason)
    console.print("Waived.")


@exceptions_app.command("resolve")
def resolve(
    case: CaseArgument,
    by: ByOption,
    accept: Annotated[bool, typer.Option("--accept", help="The authority is right: propose its value there.")] = False,
    value: Annotated[
        Entered | None,
        typer.Option(
            help="The authority is wrong: enter the right value for it. `-` asks for it, unseen, or reads it from a pipe: "
            "on the command line it would stay in the shell's history and be seen in the list of processes.",
            metavar="-",
        ),
    ] = None,
    override: Annotated[
        bool,
        typer.Option("--override", help="This copy may differ until a day; with `--value -` that value holds instead."),
    ] = False,
    edited: Annotated[bool, typer.Option("--edited", help="It was corrected by hand in the system itself.")] = False,
    same: Annotated[bool, typer.Option("--same", help="Identity: both records are one person.")] = False,
    different: Annotated[bool, typer.Option("--different", help="Identity: they are two.")] = False,
    until: UntilOption = None,
    reason: ReasonOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Decide what is to be done. It is confirmed, and closed, when the systems show it."""
    from hrorch_pipelines.exceptions import moves
    from hrorch_pipelines.exceptions.terms import Resolution

    ways = [accept, value is not None and not override, override, edited, same, different]
    if sum(ways) != 1:
        raise typer.BadParameter("say one of --accept, --value -, --override, --edited, --same, --different")
    with _open(stack, home) as (workplace, ledger):
        if same or different:
            _decide(workplace, ledger, case, "same" if same else "different", by, reason)
            console.print("Decided. The next cycle follows it.")
        elif edited:
            how = Resolution.EDITED
            _write(workplace, ledger, moves.resolve, case, by=by, resolution=how, reason=reason)
            console.print("Resolved. It closes when the next snapshots show it.")
        elif override:
            _override(workplace, ledger, case, by, _end_of(workplace, until), reason, value)
            console.print("The value is let be until then; everything else of this person goes on as before.")
        else:
            made = _propose(workplace, ledger, case, by, value)
            console.print(f"Correction {made} is proposed. The case closes when the systems show it.")


def _propose(workplace: Workplace, ledger: Ledger, case: str, by: str, value: Entered | None) -> str:
    from hrorch_pipelines.corrections.manual import propose
    from hrorch_pipelines.exceptions import resolutions

    sides, wanted = _sides(workplace, ledger, case)
    if value is None:
        accept = resolutions.accept_authority
        return str(_write(workplace, ledger, accept, case, by=by, sides=sides, wanted=wanted, propose=propose))
    entered = _entered(workplace, sides)
    return str(
        _write(workplace, ledger, resolutions.enter_value, case, by=by, sides=sides, value=entered, propose=propose)
    )


def _override(
    workplace: Workplace,
    ledger: Ledger,
    case: str,
    by: str,
    until: datetime | None,
    reason: str | None,
    value: Entered | None,
) -> None:
    from hrorch_pipelines.exceptions import resolutions

    sides, _ = _sides(workplace, ledger, case)
    entered = None if value is None else _entered(workplace, sides)
    more: dict[str, Any] = {"sides": sides, "until": until, "reason": reason, "value": entered}
    _write(workplace, ledger, resolutions.override, case, by=by, **more)


def _decide(workplace: Workplace, ledger: Ledger, case: str, verdict: Any, by: str, reason: str | None) -> None:
    from hrorch_pipelines.exceptions import resolutions

    with workplace.warehouse.write() as con:
        now = workplace.clock.now()
        resolutions.decide_identity(ledger, con, workplace.stack, case, verdict=verdict, by=by, reason=reason, now=now)


def _sides(workplace: Workplace, ledger: Ledger, case: str) -> tuple[Sides, str | None]:
    """Both sides as last published, and the authority's value in the copy's terms."""
    from hrorch_pipelines.exceptions import moves
    from hrorch_pipelines.exceptions.sides import sides_of, wanted_there
    from hrorch_pipelines.storage.warehouse import open_published

    with ledger.read() as reading:
        row = moves.find(reading, case)
    with open_published(workplace.home) as con:
        sides = sides_of(con, workplace.stack, row)
        return sides, wanted_there(con, workplace.stack, sides)


def _entered(workplace: Workplace, sides: Sides) -> str:
    """A value typed unseen, or piped; canonical. It is never echoed, logged or an argument."""
    import sys

    from hrorch_pipelines.exceptions.sides import canonical

    typed = (
        typer.prompt(f"The right value of {sides.attribute}", hide_input=True, confirmation_prompt=True)
        if sys.stdin.isatty()
        else sys.stdin.readline().rstrip("\r\n")
    )
    return canonical(workplace.stack, sides.attribute, str(typed))


def _end_of(workplace: Workplace, day: datetime | None) -> datetime | None:
    return None if day is None else end_of_day(day.date(), workplace.stack.organization.time_zone)


def _act(stack: Any, home: Any, change: Callable[..., Any], case: str, **more: Any) -> None:
    with _open(stack, home) as (workplace, ledger):
        _write(workplace, ledger, change, case, **more)


def _write(workplace: Workplace, ledger: Ledger, change: Callable[..., Any], case: str, **more: Any) -> Any:
    from hrorch_pipelines.storage.sealed import Seals

    now = workplace.clock.now()
    with ledger.write() as con:
        return change(con, Seals(con, workplace.home.key(), now), workplace.stack, case, now=now, **more)


@contextmanager
def _open(stack: Any, home: Any) -> Iterator[tuple[Workplace, Ledger]]:
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        yield workplace, ledger
