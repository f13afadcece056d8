"""`hrorch identity …`: a reviewer's answers about who is who."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from hrorch_pipelines.cli.app import HomeOption, StackOption, console, identity_app, require_reviewer

if TYPE_CHECKING:
    from hrorch_pipelines.audit.deeds import Detail
    from hrorch_pipelines.audit.entries import Action
    from hrorch_pipelines.identity.decisions import RecordRef
    from hrorch_pipelines.workplace import Workplace


class Verdict(StrEnum):
    """A reviewer's answer."""

    SAME = "same"
    DIFFERENT = "different"


@identity_app.command("decide")
def decide(
    left: Annotated[str, typer.Argument(help="A record, as `system:source_id`.")],
    right: Annotated[str, typer.Argument(help="The other record, as `system:source_id`.")],
    verdict: Annotated[Verdict, typer.Argument(help="Whether they are one person.")],
    by: Annotated[str, typer.Option(help="Who decides: a name of `people` in the stack file.")],
    reason: Annotated[str, typer.Option(help="Why; it stays with the decision.")],
    stack: StackOption = None,
    home: HomeOption = None,
) -> None:
    """Say whether two records are one person. The next cycle follows it, and so does every rerun."""
    from hrorch_pipelines.audit.entries import Action
    from hrorch_pipelines.identity import decisions
    from hrorch_pipelines.storage.engine import transaction
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    answer: Literal["same", "different"] = "same" if verdict is Verdict.SAME else "different"
    sides = {"left": ":".join(_record(left)), "right": ":".join(_record(right))}
    # The log first, the answer last: a crash between them leaves an entry too many, never an answer nobody gave.
    with workplace.warehouse.write() as con, transaction(con, "identity.decisions"):
        decision = decisions.decide(con, _record(left), _record(right), answer, by, reason, workplace.clock)
        _log(workplace, Action.IDENTITY_DECIDED, by, {**sides, "verdict": answer, "decision": decision})
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
    from hrorch_pipelines.audit.entries import Action
    from hrorch_pipelines.identity import decisions
    from hrorch_pipelines.storage.engine import transaction
    from hrorch_pipelines.workplace import open_workplace

    workplace = open_workplace(stack, home)
    require_reviewer(workplace.stack, by)
    with workplace.warehouse.write() as con, transaction(con, "identity.decisions"):
        undone = decisions.undo(con, event, by, reason, workplace.clock)
        _log(workplace, Action.IDENTITY_UNDONE, by, {"event": event, "undone_by_event": undone})
    console.print("Undone. The next cycle follows it.")


def _log(workplace: Workplace, action: Action, by: str, detail: Detail) -> None:
    """Who decided what about which records; why stays with the decision, which can be erased."""
    from hrorch_pipelines.audit.deeds import log_deed

    ledger = workplace.ledger()
    try:
        log_deed(ledger, workplace.stack, action, by, workplace.clock.now(), detail=detail)
    finally:
        ledger.close()


def _record(text: str) -> RecordRef:
    from hrorch_pipelines.identity.decisions import RecordRef

    system, separator, source_id = text.partition(":")
    if not separator or not source_id:
        raise typer.BadParameter(f"{text!r} is not `system:source_id`, as in payroll:1234")
    return RecordRef(system, source_id)
