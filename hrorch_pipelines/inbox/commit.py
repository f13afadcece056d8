"""Group commit: messages that arrive together share one transaction, and each is answered only when that has been committed.

One thread writes. While it waits for the disk or another writer, the next batch gathers.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from hrorch_pipelines.inbox import events
from hrorch_pipelines.inbox.errors import InboxBusyError
from hrorch_pipelines.inbox.terms import Event, Refusal
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_errors import LedgerError

LINGER = timedelta(milliseconds=3)
"""How long the first of a batch waits for others. A commit to disk takes longer."""
MOST = 500
"""Events in one transaction: others wait for it."""
WAITING = 5000
"""Messages that may wait at once; more are told to come again."""
QUIET = timedelta(seconds=1)
"""Counts of refusals are written this often: a flood must not become a flood of writes."""
HEARTBEAT = "webhooks"
_HEARTBEAT_EVERY = timedelta(seconds=30)

log = logging.getLogger("hrorch.inbox")
_Waiting = tuple[Event, "asyncio.Future[None]"]


class GroupCommit:
    """Takes events and counts of refusals, and writes them to the ledger in batches. Lives in one event loop."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(WAITING)
        self._refused: Counter[tuple[str, Refusal, datetime]] = Counter()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="inbox")
        self._task: asyncio.Task[None] | None = None
        self._beaten: datetime | None = None
        self.taken = 0
        """Messages answered as taken in since the start, those known already included."""

    @property
    def alive(self) -> bool:
        """Whether it writes; False before the start, after the end, and after a failure that nobody foresaw."""
        return self._task is not None and not self._task.done()

    @property
    def full(self) -> bool:
        """Whether no more can wait."""
        return self._queue.full()

    def start(self) -> None:
        """Begin to write, in the running event loop."""
        self._task = asyncio.create_task(self._run(), name="inbox-commit")

    async def put(self, event: Event) -> None:
        """Return when the event is committed. Raises InboxBusyError when it is not and should be sent again."""
        if not self.alive:
            raise InboxBusyError("it does not write any more")
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((event, done))
        except asyncio.QueueFull:
            raise InboxBusyError("too many messages wait") from None
        await done
        self.taken += 1

    def refuse(self, system: str, reason: Refusal, now: datetime) -> None:
        """Count a refusal; it is written within a second or two."""
        self._refused[system, reason, now.replace(minute=0, second=0, microsecond=0)] += 1

    async def stop(self) -> None:
        """Write what waits, then end. What cannot be written is refused: its senders send it again.

        Raises what ended the writing before, if something nobody foresaw did.
        """
        try:
            if self._task is not None:
                await self._queue.join()
                self._task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await self._task
                await self._write([])
                await asyncio.get_running_loop().run_in_executor(self._thread, self._end_beat)
        finally:
            self._thread.shutdown()

    async def _run(self) -> None:
        batch: list[_Waiting] = []
        try:
            while True:
                batch = await self._gathered()
                await self._write(batch)
                for _ in batch:
                    self._queue.task_done()
                batch = []
        finally:  # after an error nobody foresaw: it ends this task and is raised by `stop`; nobody is left waiting
            while not self._queue.empty():
                batch.append(self._queue.get_nowait())
            for _, done in batch:
                self._queue.task_done()
                if not done.done():
                    done.set_exception(InboxBusyError("writing failed"))

    async def _gathered(self) -> list[_Waiting]:
        """The next batch; empty when for a while nothing came and there is something else to write."""
        try:
            async with asyncio.timeout(QUIET.total_seconds()):
                batch = [await self._queue.get()]
        except TimeoutError:
            return []
        await asyncio.sleep(LINGER.total_seconds())
        while len(batch) < MOST and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        return batch

    async def _write(self, batch: list[_Waiting]) -> None:
        """One transaction, then the answers. A ledger that is busy, full or away is told to the senders, not kept silent."""
        now = self._ledger.clock.now()
        counted, self._refused = self._refused, Counter()
        beats = self._beaten is None or now - self._beaten >= _HEARTBEAT_EVERY
        if not batch and not counted and not beats:
            return
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._thread, self._commit, [event for event, _ in batch], counted, now if beats else None
            )
        except LedgerError as error:
            self._refused += counted
            for _, done in batch:
                if not done.done():
                    done.set_exception(InboxBusyError(error.what))
            log.warning("%d messages could not be taken in: %s", len(batch), error.what)
            return
        if beats:
            self._beaten = now
        for _, done in batch:
            if not done.done():
                done.set_result(None)
        for (system, reason, _), count in sorted(counted.items()):
            log.warning("refused %d messages: system %s, reason %s", count, system, reason.value)

    def _end_beat(self) -> None:
        try:
            with self._ledger.write() as con:
                events.end_beat(con, HEARTBEAT)
        except LedgerError as error:
            log.warning("the end could not be noted, so that it will be missed: %s", error.what)

    def _commit(
        self, batch: list[Event], counted: Counter[tuple[str, Refusal, datetime]], beat: datetime | None
    ) -> None:
        with self._ledger.write() as con:
            events.put(con, batch)
            events.count_refused(con, counted)
            if beat is not None:
                events.beat(con, HEARTBEAT, beat, _HEARTBEAT_EVERY)
