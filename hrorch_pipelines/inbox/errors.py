"""What may go wrong with the inbox, each with its remedy. No message holds anything of what was sent."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError


class InboxBusyError(HrorchError):
    """An event could not be committed now; whoever sent it is told to send it again."""

    def __init__(self, why: str) -> None:
        super().__init__(
            f"The event was not taken in: {why}.", remedy="the sender tries again; if it lasts, look at the ledger"
        )


class NothingToListenForError(HrorchError):
    """The endpoint is started for a stack in which no system may send anything."""

    def __init__(self, without_secret: list[str]) -> None:
        self.without_secret = without_secret
        some = f" ({', '.join(without_secret)} could, with a secret)" if without_secret else ""
        super().__init__(
            f"No system of the stack file may send messages{some}.",
            remedy="give a system a `webhook` and the credential its `secret` names (docs/webhooks.md)",
        )
