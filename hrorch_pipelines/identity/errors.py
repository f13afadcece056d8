"""Errors of matching. None of them ever holds a person's value."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class MatchingFailed(HrorchError, RuntimeError):  # noqa: N818
    """The engine refused a step of matching; nothing of the pass was kept. `step` and `kind` say where and what."""

    def __init__(self, step: str, kind: str) -> None:
        self.step = step
        self.kind = kind
        super().__init__(
            f"Matching stopped at step '{step}' ({kind}); the pass was rolled back.",
            remedy="run `hrorch check`, then `hrorch run` again; if it stops at the same step, report the step and the kind",
        )


class LinksDoNotAddUp(HrorchError, AssertionError):  # noqa: N818
    """After a pass some record had no link, or two; nothing of the pass was kept."""

    def __init__(self, records: int, links: int) -> None:
        self.records = records
        self.links = links
        super().__init__(
            f"Matching does not add up: {records} records, {links} links (or others than theirs); the pass was rolled back.",
            remedy="this is a fault of the program or of its database engine: report it with the two counts and the versions",
        )


class UnknownRecord(HrorchError, LookupError):  # noqa: N818
    """A decision names a record that matching has never seen."""

    def __init__(self, system: str, side: str) -> None:
        self.system = system
        self.side = side
        super().__init__(
            f"The {side} record of the decision is not known in system '{system}'.",
            remedy="take system and record id from the review (`hrorch exceptions show`)",
        )


class NotUndoable(HrorchError, ValueError):  # noqa: N818
    """The event cannot be undone: it is unknown, of another kind, or undone already."""

    def __init__(self, event_id: str, why: str) -> None:
        self.event_id = event_id
        super().__init__(
            f"Event {event_id} cannot be undone: {why}.",
            remedy="only merges, splits and links that still stand can be undone; look the event up in identity.events",
        )
