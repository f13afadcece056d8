"""Whether an action may still be sent, asked again at the last moment: the stack file may say otherwise than when it was proposed.

What is true of the person is the pass's question: it withdraws what is no longer to happen.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hrorch_pipelines.corrections.queue import Row
from hrorch_pipelines.corrections.recheck import NotNow
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.budget import state_by_policy
from hrorch_pipelines.handoffs.making import form_of
from hrorch_pipelines.handoffs.targets import target_of
from hrorch_pipelines.stack.models import Stack


def unfit(stack: Stack, row: Row, said: Mapping[str, Any]) -> NotNow | None:
    """Why an action is not to be sent and where it goes instead; None when it is."""
    form = form_of(stack, row)
    if form is None or target_of(form) != row.target:
        return NotNow(State.WITHDRAWN, "the stack file no longer says so")
    rules = stack.corrections
    if row.verb in {"create", "change"}:
        untouched = rules.never_touch
        record = f"{row.target}:{row.source_id or row.parent_id}"
        if record in untouched.records or set(said["values"]) & set(untouched.attributes):
            return NotNow(State.WITHDRAWN, "it is on the never-touch list")
        if not set(said["values"]) <= set(stack.attributes):
            return NotNow(State.WITHDRAWN, "the stack file no longer knows all its attributes")
    state, why = state_by_policy(stack, row)
    return NotNow(state, why) if state is State.AWAITING_APPROVAL else None


def said_of(text: str | None) -> dict[str, Any] | None:
    """An action's content; None where it was forgotten."""
    return json.loads(text) if text is not None else None
