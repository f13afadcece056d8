"""`hrorch handoffs push | approve | reject | release`: what is carried out, and what people decide about it."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from hrorch_pipelines.cli.app import FINDINGS, HomeOption, StackOption, console, require_reviewer
from hrorch_pipelines.cli.handoffs import handoffs_app
from hrorch_pipelines.cli.options import ByOption, FormatOption, LimitOption, OutOption, ReasonOption, TargetsOption

if TYPE_CHECKING:
    from hrorch_pipelines.workplace import Workplace

Ids = Annotated[list[str], typer.Argument(help="Ids of actions, from `hrorch handoffs show`.")]


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
