"""What every target does: say what it would send, read one record again, change it if it still is as expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal, Protocol, runtime_checkable

from hrorch_pipelines.errors import HrorchError


@dataclass(frozen=True)
class Change:
    """One attribute's value, canonical text as in the snapshots (pay per year, ISO dates, a source key for `person`)."""

    attribute: str
    before: str | None = field(repr=False)
    after: str | None = field(repr=False)


@dataclass(frozen=True)
class Write:
    """Changes of one record, sent together. `source_id` is the base record's; `record` the record type that holds them.

    `effective_from`: for effective-dated records, the day from which the value counts; None = the row in force now is wrong
    and is itself corrected.
    """

    system: str
    record: str
    source_id: str
    changes: tuple[Change, ...]
    idempotency_key: str
    effective_from: date | None = None


@dataclass(frozen=True)
class Held:
    """What the target holds now. `values`: attribute → canonical text (absent: it cannot be told)."""

    found: bool
    values: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    version: str | None = None
    changed_by: str | None = None
    changed_at: datetime | None = None
    raw: Any = field(default=None, repr=False)  # the source record, for targets that must send it whole


@dataclass(frozen=True)
class Preview:
    """One request, as it would be sent; values of persons masked unless asked for."""

    method: str
    where: str  # a path, a statement, a file name; ids only
    body: Mapping[str, Any]
    condition: str | None = None  # the compare-and-set, in words


@dataclass(frozen=True)
class Receipt:
    """What the target answered. `deferred`: the answer comes later (a file and its acknowledgement)."""

    reference: str | None = None
    version: str | None = None
    deferred: bool = False


Outcome = Literal["not_done", "unknown", "refused", "changed", "unwritable"]


class WriteFault(HrorchError):  # noqa: N818  (a fault, as in the rest of the house)
    """A write did not go through, or may have.

    `outcome`: `not_done` = surely nothing happened, try later (429, 503, no connection); `unknown` = it may have happened
    (timed out, answer lost): read again before anything else; `refused` = the target says no for good (422, 403);
    `changed` = somebody changed the record since it was read (409 version, 412, no row matched); `unwritable` = we cannot
    express this value in the target's terms, nothing was sent. `after`: seconds the target asked us to wait.
    """

    def __init__(
        self,
        code: str,
        what: str,
        *,
        outcome: Outcome,
        remedy: str,
        status: int | None = None,
        after: float | None = None,
    ) -> None:
        super().__init__(what, remedy=remedy)
        self.code, self.outcome, self.status, self.after = code, outcome, status, after


class Target(Protocol):
    """One system that can be written. Rate limits are respected inside; retries are not: `corrections.push` decides them."""

    def preview(self, write: Write, held: Held | None = None) -> tuple[Preview, ...]:
        """The requests a write would send; sends nothing. Raises WriteFault `unwritable`."""

    def read(self, write: Write) -> Held:
        """Read the record again, with the same mapping as a snapshot. Raises WriteFault (`not_done` when unreachable)."""

    def send(self, write: Write, held: Held) -> Receipt:
        """Change what `held` still shows as `before`, atomically where the target can. Raises WriteFault."""

    def close(self) -> None:
        """Give connections back."""


@dataclass(frozen=True)
class Answer:
    """What became of a write whose receipt was `deferred`.

    `pending`: no answer yet; ask again. `unseen`: asked without a reference, and neither the row nor an answer to it is
    there. `code`: the target's own word for a refusal, never its text.
    """

    state: Literal["accepted", "refused", "pending", "unseen"]
    code: str | None = None
    reference: str | None = None  # the change file the row was found in


@runtime_checkable
class BatchTarget(Target, Protocol):
    """A target that takes many writes at once and answers later: files. `isinstance(target, BatchTarget)` tells.

    Keys of both mappings are idempotency keys, and every write asked about is in them. A fault is that row's alone; the
    others went. Neither method is ever the cause of a second application: rows found in an earlier change file or answer
    are not written again, their receipt names that file.
    """

    def send_batch(self, writes: Sequence[Write]) -> Mapping[str, Receipt | WriteFault]:
        """Send as one change file. Receipts are `deferred`; `reference` is the file's name, to be kept for `acknowledged`.

        Raises WriteFault about all of them: `not_done` when the place cannot be reached before the file had its name,
        `unknown` when it broke while the name was given.
        """

    def acknowledged(self, references: Mapping[str, str | None]) -> Mapping[str, Answer | WriteFault]:
        """What became of writes, by idempotency key → `Receipt.reference`.

        None as reference: it was lost in a crash between sending and noting; all change files and answers are searched.
        An answer that cannot be trusted (rows that are not ours, a cut file, a status nobody declared) is a WriteFault
        `unknown` for its rows. Raises WriteFault `not_done` when the place cannot be reached.
        """
