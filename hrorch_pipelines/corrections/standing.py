"""In which state an unsent correction belongs, by policy: mode, four eyes, approval. Budgets and doubts are judged in `guard`."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.corrections.kinds import needs_two
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.stack.models import Stack

Row = sa.Row[Any]
_NOTHING = "empty"


def seen(row: Row) -> str:
    """What an approval is bound to: the mark of the before-value; a word, where there was nothing."""
    return row.before_mark or _NOTHING


def is_approved(row: Row) -> bool:
    """Whether somebody agreed to this correction with the before-value it has now."""
    return row.approved_by is not None and row.approved_mark == seen(row)


def state_by_policy(stack: Stack, row: Row, *, approved: bool | None = None) -> State:
    """Where a correction stands that is neither held back nor frozen."""
    if stack.corrections.mode == "propose":
        return State.PROPOSED
    agreed = is_approved(row) if approved is None else approved
    if needs_two(stack, row.kind, row.data_type, row.attribute) and not agreed:
        return State.AWAITING_APPROVAL
    return State.READY
