"""`hrorch corrections …`: look at what would be put right, decide about it, see what would be sent, send it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, get_args

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, app, console, require_reviewer
from hrorch_pipelines.cli.options import (
    AttributesOption,
    ByOption,
    FormatOption,
    OpenStatesOption,
    OutOption,
    PersonOption,
    ReasonOption,
    TargetsOption,
)
from hrorch_pipelines.cli.reveal import RevealedByOption, RevealOption, log_reveal, require_name

if TYPE_CHECKING:
    from hrorch_pipelines.corrections.preview import DryRun
    from hrorch_pipelines.corrections.push import PushResult
    from hrorch_pipelines.workplace import Workplace

corrections_app = typer.Typer(no_args_is_help=True, help="What is put right: look, approve, reject, release, send.")
app.add_typer(corrections_app, name="corrections")

Ids = Annotated[list[str], typer.Argument(help="Ids, from `hrorch corrections list`.")]


@corrections_app.command("list")
def list_(
    state: OpenStatesOption = None,
    target: TargetsOption = None,
    attribute: AttributesOption = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only this kind of change; may be repeated.")] = None,
    person: PersonOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 200,
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Corrections with their state and why they stand there. Exit code 1 if there are any."""
    from hrorch_pipelines.reports.corrections import corrections
    from hrorch_pipelines.reports.render import render
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    known = _person(workplace, person) if person else None
    table = corrections(
        workplace.ledger(),
        workplace.stack,
        states=state or (),
        targets=target or (),
        attributes=attribute or (),
        kinds=kind or (),
        person=known,
        reveal=reveal,
        limit=limit,
    )
    log_reveal(workplace, "corrections", by if reveal else None, len(table.rows), person=known)
    render(table, format_, output)
    if table.rows:
        raise typer.Exit(FINDINGS)


@corrections_app.command()
def show(
    correction: Annotated[str, typer.Argument(help="An id, or its beginning.")],
    reveal: RevealOption = False,
    by: RevealedByOption = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """One correction: its values, its evidence, and everything that happened to it."""
    from hrorch_pipelines.reports.corrections import correction as read
    from hrorch_pipelines.reports.render import render_all
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_name(workplace, reveal=reveal, by=by)
    tables = read(workplace.ledger(), workplace.stack, correction, reveal=reveal)
    log_reveal(workplace, "correction", by if reveal else None, 1, correction=correction)
    render_all(tables, format_, output)


@corrections_app.command()
def approve(ids: Ids, by: ByOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Agree to corrections as they are now. Whoever proposed one cannot; if its values change, the approval ends."""
    from hrorch_pipelines.corrections.approve import approve as decide
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    done = decide(workplace.ledger(), workplace.stack, ids, by)
    sends = (
        ""
        if workplace.stack.corrections.mode == "apply"
        else " Nothing is sent while the stack file says `mode: propose`."
    )
    console.print(f"{done} approved.{sends}")


@corrections_app.command()
def reject(ids: Ids, by: ByOption, reason: ReasonOption, stack: StackOption = None, home: HomeOption = None) -> None:
    """Say no to corrections. Exactly the same change is not proposed again."""
    from hrorch_pipelines.corrections.approve import reject as decide
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    done = decide(workplace.ledger(), workplace.stack, ids, by, reason)
    console.print(f"{done} rejected.")


@corrections_app.command()
def release(
    kind: Annotated[str, typer.Option(help="The kind of change.")],
    target: Annotated[str, typer.Option(help="The target.")],
    by: ByOption,
    reason: ReasonOption,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Let a frozen segment pass its budget: those it holds now, none that come later. For its owner, or the owner's deputy."""
    from hrorch_pipelines.corrections.approve import release as decide
    from hrorch_pipelines.reports.read import require_known
    from hrorch_pipelines.stack.acting import ChangeKind
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    require_known("kind of change", [kind], get_args(ChangeKind))
    require_known("system", [target], workplace.stack.systems)
    done = decide(workplace.ledger(), workplace.stack, kind, target, by, reason)  # type: ignore[arg-type]  # checked above
    console.print(f"{done} released.")


@corrections_app.command()
def push(
    target: TargetsOption = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show request by request what would be sent; send nothing.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="With --dry-run: also what is proposed, awaits approval or is frozen.")
    ] = False,
    read: Annotated[
        bool,
        typer.Option(
            help="With --dry-run: read each record first, as a push does. Without, nothing leaves this machine."
        ),
    ] = True,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many corrections (dry run: records) per target.")
    ] = None,
    format_: FormatOption = "table",
    output: OutOption = None,
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Send what is ready and due, and see it land. Exit code 1 if something did not."""
    from hrorch_pipelines.corrections.eligible import targets
    from hrorch_pipelines.reports.read import require_known
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    known = targets(workplace.stack)
    require_known("target", target or (), known)
    if all_ and not dry_run:
        raise typer.BadParameter("goes with --dry-run only: what is not ready is never sent", param_hint="--all")
    chosen = target or known
    if dry_run:
        from hrorch_pipelines.reports.dry_run import requests
        from hrorch_pipelines.reports.render import render

        runs = {name: _dry(workplace, name, all_=all_, limit=limit or 100, read=read) for name in chosen}
        render(requests(runs), format_, output)
        return
    _push(workplace, chosen, limit)


def _dry(workplace: Workplace, system: str, *, all_: bool, limit: int, read: bool) -> DryRun:
    from hrorch_pipelines.corrections.preview import dry_run
    from hrorch_pipelines.corrections.terms import UNSENT, State

    states = UNSENT if all_ else {State.READY}
    return dry_run(workplace.ledger(), workplace.stack, system, workplace.clock, states=states, limit=limit, read=read)


def _push(workplace: Workplace, chosen: list[str], limit: int | None) -> None:
    from rich.table import Table

    from hrorch_pipelines.corrections.push import push as send

    if workplace.stack.corrections.mode != "apply":
        console.print(
            "Nothing is sent: the stack file says `corrections: {mode: propose}`. `--dry-run` shows what would be."
        )
        return
    ledger = workplace.ledger()
    results = {name: send(ledger, workplace.stack, name, workplace.clock, limit=limit) for name in chosen}
    figures = ("taken", "confirmed", "waiting", "conflicted", "diverged", "failed", "put_back")
    table = Table("Target", *(name.replace("_", " ") for name in figures), "Stopped because")
    for name, result in results.items():
        table.add_row(name, *(str(getattr(result, figure)) for figure in figures), result.stopped or "")
    console.print(table)
    if any(_amiss(result) for result in results.values()):
        raise typer.Exit(FINDINGS)


def _amiss(result: PushResult) -> bool:
    return bool(
        result.conflicted or result.diverged or result.failed or result.put_back or result.unknown or result.stopped
    )


def _person(workplace: Workplace, given: str) -> str:
    from hrorch_pipelines.reports.read import find_person
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(workplace.home) as con:
        return find_person(con, workplace.stack, given)


__all__: list[Any] = ["approve", "corrections_app", "list_", "push", "reject", "release", "show"]
