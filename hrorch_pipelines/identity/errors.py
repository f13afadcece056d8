"""Errors of matching. None of them ever holds a person's value."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class MatchingFailed(HrorchError, RuntimeError):
    """The engine refused a step of matching; nothing of the pass was kept. `step` and `kind` say where and what."""

    def __init__(self, step: str, kind: str) -> None:
        self.step = step
        self.kind = kind
        super().__init__(
            f"Matching stopped at step '{step}' ({kind}); the pass was rolled back.",
            remedy="run `hrorch check`, then `hrorch run` again; if it stops at the same step, report the step and the kind",
        )


class UnknownRecord(HrorchError, LookupError):
    """A decision names a record that matching has never seen."""

    def __init__(self, system: str, side: str) -> None:
        self.system = system
        self.side = side
        super().__init__(
            f"The {side} record of the decision is not known in system '{system}'.",
            remedy="take system and record id from the review (`hrorch exceptions show`)",
        )


class NotUndoable(HrorchError, ValueError):
    """The event cannot be undone: it is unknown, of another kind, or undone already."""

    def __init__(self, event_id: str, why: str) -> None:
        self.event_id = event_id
        super().__init__(
            f"Event {event_id} cannot be undone: {why}.",
            remedy="only merges, splits and links that still stand can be undone; look the event up in identity.events",
        )
