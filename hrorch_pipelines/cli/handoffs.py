"""`hrorch handoffs …`: what must happen next for whom, how each handoff stands, one person's states over time; pass and push."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, require_reviewer
from hrorch_pipelines.cli.options import (
    ByOption,
    FormatOption,
    LimitOption,
    OutOption,
    PersonArgument,
    PersonOption,
    ReasonOption,
    TargetsOption,
)
from hrorch_pipelines.cli.reveal import RevealedByOption, RevealOption, log_reveal, require_name

if TYPE_CHECKING:
    from hrorch_pipelines.workplace import Workplace

handoffs_app = typer.Typer(
    no_args_is_help=True,
    help="What must happen next, for whom: look, decide, pass, send; one person's states over time.",
)
app.add_typer(handoffs_app, name="handoffs")

Ids = Annotated[list[str], typer.Argument(help="Ids of actions, from `hrorch handoffs show`.")]


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


@handoffs_app.command()
def push(
    target: TargetsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show request by request what would be sent; send nothing.")
    ] = False,
    all_: Annotated[bool, typer.Option("--all", help="With --dry-run: also what is not ready yet.")] = False,
    read: Annotated[
        bool,
        typer.Option(
            help="With --dry-run: look first whether it is there already. Without, nothing leaves this machine."
        ),
    ] = True,
    limit: LimitOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Carry out what is ready and due, in systems and outlets, and see that it is there. Exit code 1 if something is not."""
    from hrorch_pipelines.handoffs.targets import targets
    from hrorch_pipelines.reports.read import require_known
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    known = targets(workplace.stack)
    require_known("target", target or (), known)
    if all_ and not dry_run:
        raise typer.BadParameter("goes with --dry-run only: what is not ready is never sent", param_hint="--all")
    chosen = list(target or known)
    if not dry_run:
        _push(workplace, chosen, limit)
        return
    from hrorch_pipelines.corrections.terms import UNSENT, State
    from hrorch_pipelines.handoffs.preview import preview_due
    from hrorch_pipelines.reports.dry_run import actions
    from hrorch_pipelines.reports.render import render

    states = UNSENT if all_ else {State.READY}
    with closing(workplace.ledger()) as ledger:
        planned = [
            one
            for name in chosen
            for one in preview_due(
                ledger, workplace.stack, workplace.clock, target=name, states=states, limit=limit or 100, read=read
            )
        ]
    render(actions(planned), format_, output)


@handoffs_app.command()
def approve(ids: Ids, by: ByOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Agree to actions as they are now. Whoever proposed one cannot; another content is another action."""
    from hrorch_pipelines.handoffs.approving import approve as decide
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        done = decide(ledger, workplace.stack, ids, by)
    sends = workplace.stack.corrections.mode == "apply"
    console.print(f"{done} approved.{'' if sends else ' Nothing is sent while the stack file says `mode: propose`.'}")


@handoffs_app.command()
def reject(ids: Ids, by: ByOption, reason: ReasonOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Say no to actions. Exactly the same is not proposed again."""
    from hrorch_pipelines.handoffs.approving import reject as decide
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    with closing(workplace.ledger()) as ledger:
        done = decide(ledger, workplace.stack, ids, by, reason)
    console.print(f"{done} rejected.")


@handoffs_app.command()
def release(
    kind: Annotated[str, typer.Option(help="The kind of change.")],
    target: Annotated[str, typer.Option(help="The target: a system or an outlet.")],
    by: ByOption,
    reason: ReasonOption,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Let a frozen segment pass its budget: what it holds now, nothing that comes later. For its owner, or the owner's deputy."""
    from hrorch_pipelines.handoffs.approving import release as decide
    from hrorch_pipelines.handoffs.targets import targets
    from hrorch_pipelines.reports.read import require_known
    from hrorch_pipelines.stack.acting import ChangeKind
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    require_known("kind of change", [kind], get_args(ChangeKind))
    require_known("target", [target], targets(workplace.stack))
    with closing(workplace.ledger()) as ledger:
        done = decide(ledger, workplace.stack, kind, target, by, reason)  # type: ignore[arg-type]  # checked above
    console.print(f"{done} released.")


def _push(workplace: Workplace, chosen: list[str], limit: int | None) -> None:
    from rich.table import Table

    from hrorch_pipelines.handoffs.push import push as send

    if workplace.stack.corrections.mode != "apply":
        console.print(
            "Nothing is sent: the stack file says `corrections: {mode: propose}`. `--dry-run` shows what would be."
        )
        return
    with closing(workplace.ledger()) as ledger:
        results = {name: send(ledger, workplace.stack, name, workplace.clock, limit=limit) for name in chosen}
    figures = (
        "taken",
        "already_there",
        "confirmed",
        "waiting",
        "unknown",
        "conflicted",
        "diverged",
        "failed",
        "put_back",
    )
    table = Table("Target", *(name.replace("_", " ") for name in figures), "Stopped because")
    for name, result in results.items():
        table.add_row(name, *(str(getattr(result, figure)) for figure in figures), result.stopped or "")
    console.print(table)
    amiss = ("unknown", "conflicted", "diverged", "failed", "put_back", "stopped")
    if any(getattr(result, figure) for result in results.values() for figure in amiss):
        raise typer.Exit(FINDINGS)


def _person(workplace: Workplace, given: str) -> str:
    from hrorch_pipelines.reports.read import find_person
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        return find_person(con, workplace.stack, given)
