"""What a sandbox server reads and writes: its system's store, the world's time, and what becomes of a write.

A write is applied, ignored (answered as if done) or applied late, as the transport fault of the request says.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.sandbox.store import Body, Document, Store, VersionConflict, stamp, version_of


@dataclass(frozen=True)
class WriteFate:
    """What becomes of the writes of one request. `late` ones are seen after `reads` reads or `seconds` seconds."""

    kind: Literal["applied", "ignored", "late"] = "applied"
    reads: int | None = None
    seconds: float = 0


APPLIED = WriteFate()
WRITE_FATE: ContextVar[WriteFate] = ContextVar("write_fate")

FIRST_CLIENT_NUMBER = 9_000_000_000


@dataclass
class _Late:
    apply: Callable[[], object]
    reads: int | None
    due: float


def current_fate() -> WriteFate:
    """What becomes of the writes of the request under way."""
    return WRITE_FATE.get(APPLIED)


class Missing(Exception):  # noqa: N818  (servers answer it as 404)
    """There is no such document, or it is deleted."""


class SystemRecords:
    """The documents of one system as its server handles them; used from that server's thread only."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self.closing: list[Callable[[], None]] = []
        self._late: list[_Late] = []
        self._given: dict[str, int] = {}

    def get(self, collection: str, key: str) -> Document:
        """A live document. Raises Missing."""
        found = self.store.get(collection, key)
        if found is None or found.deleted:
            raise Missing
        return found

    def put(
        self,
        collection: str,
        key: str,
        body: Body,
        *,
        by: str | None,
        parent: str | None = None,
        version: str | None = None,
        expected: str | None = None,
    ) -> Document:
        """Write a document now, never or later (WRITE_FATE); the answer always looks as if it were done.

        Raises VersionConflict when it is no longer at version `expected`.
        """
        fate, at = current_fate(), self.clock.now()

        def apply() -> Document:
            return self.store.put(
                collection, key, body, at=at, by=by, parent=parent, version=version, expected=expected
            )

        if fate.kind == "applied":
            return apply()
        old = self.store.get(collection, key)
        if expected is not None and (old is None or old.version != expected):
            raise VersionConflict(collection, key)
        if fate.kind == "late":
            self.postpone(fate, apply)
        token = version or version_of("answered", collection, key, stamp(at), body)
        if old is None:
            return Document(collection, key, parent, 0, token, stamp(at), by, False, body)
        return replace(old, version=token, updated_at=stamp(at), updated_by=by, deleted=False, body=body)

    def delete(self, collection: str, key: str, *, by: str | None) -> None:
        """Mark a document deleted, with the same fates as `put`."""
        fate, at = current_fate(), self.clock.now()
        if fate.kind == "applied":
            self.store.delete(collection, key, at=at, by=by)
        elif fate.kind == "late":
            self.postpone(fate, lambda: self.store.delete(collection, key, at=at, by=by))

    def new_number(self, collection: str) -> int:
        """A number for a record that a client creates: above all there are, and above any the world will ever use."""
        taken = (int(one.id) for one in self.store.each(collection, deleted=True) if one.id.isdecimal())
        given = self._given.get(collection, FIRST_CLIENT_NUMBER - 1)  # also to records that are written late, or never
        self._given[collection] = max(given, max(taken, default=0)) + 1
        return self._given[collection]

    def settle(self, *, read: bool = False, everything: bool = False) -> None:
        """Apply late writes that are due; called before each request, which counts against them when it is a `read`."""
        left = []
        for late in self._late:
            due = late.due <= time.monotonic() if late.reads is None else late.reads <= 0
            if due or everything:
                late.apply()
                continue
            if read and late.reads is not None:
                late.reads -= 1
            left.append(late)
        self._late = left

    def close(self) -> None:
        """Apply what is still late and let go of the file."""
        self.settle(everything=True)
        while self.closing:
            self.closing.pop()()
        self.store.close()

    def postpone(self, fate: WriteFate, apply: Callable[[], object]) -> None:
        """Do a write later, as its fate says."""
        self._late.append(_Late(apply, fate.reads, time.monotonic() + fate.seconds))
