"""The endpoint: POST /webhooks/{system}, answered after the commit; /healthz and /readyz for whoever watches the process.

Checks stand in the order of their cost: source, size, signature, time, then the content. An answer says nothing but its status.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hrorch_pipelines.inbox.commit import GroupCommit
from hrorch_pipelines.inbox.doors import Door, doors
from hrorch_pipelines.inbox.errors import InboxBusyError
from hrorch_pipelines.inbox.events import hints
from hrorch_pipelines.inbox.reading import event_of
from hrorch_pipelines.inbox.signatures import refused
from hrorch_pipelines.inbox.sources import DEFAULT_RATE, Sources
from hrorch_pipelines.inbox.terms import NO_SYSTEM, STATUS, Refusal
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_errors import LedgerError
from hrorch_pipelines.workplace import Workplace

LARGEST = 1 << 20
"""Bytes of a message. What is larger is refused before it is read."""
SLOWEST = 10.0
"""Seconds a message may take to arrive."""
_LENGTH = re.compile(r"[0-9]{1,12}")
_TRY_AGAIN = {Refusal.TOO_MANY: "1", Refusal.BUSY: "5"}


class _NotTaken(Exception):  # noqa: N818  (an answer, not a fault; it never leaves this module)
    """Ends the handling of one message."""

    def __init__(self, reason: Refusal) -> None:
        self.reason = reason


def create_app(workplace: Workplace, *, rate: int = DEFAULT_RATE) -> Starlette:
    """The ASGI application. `rate`: messages per second that one source may send. Raises what opening the ledger raises."""
    ledger = workplace.ledger()
    endpoint = Endpoint(workplace, ledger, Sources(rate))
    return Starlette(
        routes=[
            Route("/webhooks/{system}", endpoint.take, methods=["POST"]),
            Route("/healthz", endpoint.healthz),
            Route("/readyz", endpoint.readyz),
        ],
        lifespan=endpoint.lifespan,
    )


class Endpoint:
    """The handlers and what they share."""

    def __init__(self, workplace: Workplace, ledger: Ledger, sources: Sources) -> None:
        self._clock = workplace.clock
        self._key = workplace.home.key()
        self._doors = doors(workplace.stack)
        self._ledger = ledger
        self._sources = sources
        self._commit = GroupCommit(ledger)

    @asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Write while it runs; at the end write what waits and close."""
        self._commit.start()
        try:
            yield
        finally:
            await self._commit.stop()
            self._sources.close()
            self._ledger.close()

    async def take(self, request: Request) -> Response:
        """200 when the event is in the ledger, now or since before; otherwise what `terms.STATUS` says."""
        name = str(request.path_params["system"])
        door = self._doors.get(name)
        try:
            await self._taken(request, door)
        except _NotTaken as refusal:
            system = door.system if door is not None else NO_SYSTEM
            self._commit.refuse(system, refusal.reason, self._clock.now())
            again = _TRY_AGAIN.get(refusal.reason)
            return Response(status_code=STATUS[refusal.reason], headers={"Retry-After": again} if again else None)
        return Response(status_code=200)

    async def healthz(self, _: Request) -> Response:
        """The process answers."""
        return JSONResponse({"status": "ok"})

    async def readyz(self, _: Request) -> Response:
        """Messages can be taken in: the ledger answers, the writer lives, and there is room to wait."""
        faults = []
        if not self._commit.alive:
            faults.append("nothing is written")
        if self._commit.full:
            faults.append("too many messages wait")
        try:
            waiting = await asyncio.to_thread(self._waiting)
        except LedgerError as error:
            faults.append(f"the ledger does not answer ({error.code})")
            waiting = {}
        status = {"status": "not ready" if faults else "ok", "faults": faults, "new": waiting}
        return JSONResponse(status, status_code=503 if faults else 200)

    def _waiting(self) -> dict[str, int]:
        with self._ledger.read() as con:
            return {name: hint.count for name, hint in hints(con).items()}

    async def _taken(self, request: Request, door: Door | None) -> None:
        if not self._sources.may_send(request.client.host if request.client else None):
            raise _NotTaken(Refusal.TOO_MANY)
        if door is None:
            raise _NotTaken(Refusal.UNKNOWN_SYSTEM)
        if not door.open:
            raise _NotTaken(Refusal.NO_SECRET)
        body = await _body(request)
        now = self._clock.now()
        reason = refused(door, request.headers, body, now)
        if reason is not None:
            raise _NotTaken(reason)
        event = event_of(door, request.headers, body, self._key, now)
        if event is None:
            raise _NotTaken(Refusal.MALFORMED)
        try:
            await self._commit.put(event)
        except InboxBusyError:
            raise _NotTaken(Refusal.BUSY) from None


async def _body(request: Request) -> bytes:
    """The bytes as they came. What says that it is too large is not read; what turns out to be is not read further."""
    claimed = request.headers.get("content-length", "0")
    if not _LENGTH.fullmatch(claimed) or int(claimed) > LARGEST:
        raise _NotTaken(Refusal.OVERSIZED)
    parts, size = [], 0
    try:
        async with asyncio.timeout(SLOWEST):
            async for part in request.stream():
                size += len(part)
                if size > LARGEST:
                    raise _NotTaken(Refusal.OVERSIZED)
                parts.append(part)
    except TimeoutError:
        raise _NotTaken(Refusal.SLOW) from None
    except ClientDisconnect:
        raise _NotTaken(Refusal.SLOW) from None
    return b"".join(parts)
