"""`--reveal`: whoever wants values in clear gives a name, and the log knows of it before the screen does."""

from __future__ import annotations

from typing import Annotated

import typer

from hrorch_pipelines.cli.app import require_reviewer
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.workplace import Workplace

RevealOption = Annotated[
    bool, typer.Option("--reveal", help="Show personal values instead of masking them. Needs `--by`; it is logged.")
]
RevealedByOption = Annotated[
    str | None, typer.Option("--by", help="With `--reveal`: who looks, a name of `people` in the stack file.")
]


class NobodyRevealsError(HrorchError):
    """Values are to be shown, and nobody says who looks."""

    def __init__(self) -> None:
        super().__init__(
            "Values are only revealed to somebody who gives a name.",
            remedy="add `--by` and a name of the stack file's people",
        )


def require_name(workplace: Workplace, *, reveal: bool, by: str | None) -> None:
    """Raise NobodyRevealsError or UnknownReviewerError unless nothing is revealed or somebody known looks."""
    if not reveal:
        return
    if by is None:
        raise NobodyRevealsError
    require_reviewer(workplace.stack, by)


def log_reveal(
    workplace: Workplace,
    report: str,
    by: str | None,
    rows: int,
    *,
    person: str | None = None,
    attribute: str | None = None,
    **filters: str,
) -> None:
    """Log that somebody is about to see values in clear: which report, how many rows, by which filters (names of ours).

    Nothing is logged for nobody: without `--reveal` a command passes `by=None`.
    """
    if by is None:
        return
    from hrorch_pipelines.audit.deeds import log_deed
    from hrorch_pipelines.audit.entries import Action

    ledger = workplace.ledger()
    try:
        log_deed(
            ledger,
            workplace.stack,
            Action.REVEALED,
            by,
            workplace.clock.now(),
            person_id=person,
            attribute=attribute,
            detail={"report": report, "rows": rows, **{name: value for name, value in filters.items() if value}},
        )
    finally:
        ledger.close()
