"""The middleware that makes a sandbox system misbehave on the wire, as the fault board says. HTTP only, no domain."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hrorch_pipelines.sandbox.servers import bending
from hrorch_pipelines.sandbox.servers.answers import AnswerForm
from hrorch_pipelines.sandbox.servers.bending import Answer
from hrorch_pipelines.sandbox.servers.listening import DROP, HANG_UP
from hrorch_pipelines.sandbox.servers.records import WRITE_FATE, SystemRecords, WriteFate
from hrorch_pipelines.sandbox.transport import Fault, FaultBoard, FaultKind

SIGN_IN = "/sandbox-sign-in"
NO_ROWS = "/sandbox-no-rows"


@dataclass(frozen=True)
class _Exchange:
    """One request, its whole body read."""

    scope: Scope
    body: bytes
    receive: Receive
    send: Send

    @property
    def path(self) -> str:
        return str(self.scope["path"])


class FaultyTransport:
    """Passes requests on to `app`, or spoils them. `records` settles its late writes before each request."""

    def __init__(self, app: ASGIApp, system: str, board: FaultBoard, form: AnswerForm, records: SystemRecords) -> None:
        self.app, self.system, self.board, self.form, self.records = app, system, board, form, records
        self._drift = bending.PageDrift(form)
        self._plans: dict[FaultKind, Callable[[_Exchange, Fault], Awaitable[None]]] = {
            FaultKind.PAGE_DRIFT: self._page_drift,
            FaultKind.TRUNCATED_PAGE: self._truncated_page,
            FaultKind.REDIRECT_ZERO: self._redirect_zero,
            FaultKind.RATE_LIMITED: self._rate_limited,
            FaultKind.UNAVAILABLE: self._unavailable,
            FaultKind.TIMEOUT: self._timeout,
            FaultKind.HALF_FILE: self._half_file,
            FaultKind.OUTAGE: self._outage,
            FaultKind.HTML_200: self._html_200,
            FaultKind.EMPTY: self._empty,
            FaultKind.EXPIRED_CURSOR: self._expired_cursor,
            FaultKind.LAGGING_READS: self._lagging_reads,
            FaultKind.LOST_ANSWER: self._lost_answer,
            FaultKind.IGNORED_WRITE: self._ignored_write,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, await _whole_body(receive), receive, send)
        if exchange.path == SIGN_IN:
            await _answer(send, bending.sign_in_page())
            return
        if exchange.path == NO_ROWS:
            await _answer(send, Answer(200, {}, json.dumps(bending.no_rows(self.form)).encode(), self.form.media_type))
            return
        write = self._writes(exchange)
        self.records.settle(read=not write)
        fault = self._take(exchange, write=write)
        if fault is None:
            await self._pass_on(exchange, read=not write)
        else:
            await self._plans[fault.fault](exchange, fault)

    def _writes(self, exchange: _Exchange) -> bool:
        method = exchange.scope["method"]
        if method in {"GET", "HEAD", "OPTIONS"} or self._signs_in(exchange):
            return False
        reading = self.form.reading_posts
        return not (method == "POST" and reading and re.search(reading, exchange.path))

    def _signs_in(self, exchange: _Exchange) -> bool:
        return bool(self.form.sign_in) and exchange.path == self.form.sign_in

    def _take(self, exchange: _Exchange, *, write: bool) -> Fault | None:
        query = dict(parse_qsl(exchange.scope["query_string"].decode("latin-1"), keep_blank_values=True))
        continues = self.form.asks_for_more(query, exchange.body)
        fault = self.board.take(
            self.system, path=exchange.path, write=write, sign_in=self._signs_in(exchange), continues=continues
        )
        if (
            fault is not None
            and fault.fault is FaultKind.PAGE_DRIFT
            and not self.form.is_later_page(query, exchange.body)
        ):
            return None
        return fault

    async def _run(self, exchange: _Exchange) -> Answer:
        """The application's whole answer, kept back."""
        start: MutableMapping[str, Any] = {}
        parts: list[bytes] = []

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            else:
                parts.append(message.get("body", b""))

        await self.app(exchange.scope, _replay(exchange), keep)
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in start["headers"]}
        media = headers.pop("content-type", "")
        headers.pop("content-length", None)
        return Answer(start["status"], headers, b"".join(parts), media)

    async def _pass_on(self, exchange: _Exchange, *, read: bool) -> None:
        if read and self.board.on(self.system, FaultKind.PAGE_DRIFT):
            answer = await self._run(exchange)
            self._drift.remember(exchange.path, answer)
            await _answer(exchange.send, answer)
            return
        await self.app(exchange.scope, _replay(exchange), exchange.send)

    async def _page_drift(self, exchange: _Exchange, fault: Fault) -> None:
        answer = await self._run(exchange)
        await _answer(exchange.send, self._drift.shift(exchange.path, answer, fault.drift))

    async def _truncated_page(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await _answer(exchange.send, bending.truncate(await self._run(exchange), self.form))

    async def _redirect_zero(self, exchange: _Exchange, fault: Fault) -> None:
        host = dict(exchange.scope["headers"]).get(b"host", b"127.0.0.1").decode("latin-1")
        target = SIGN_IN if fault.to == "sign_in" else NO_ROWS
        await _answer(exchange.send, Answer(302, {"location": f"http://{host}{target}"}, b"", "text/html"))

    async def _rate_limited(self, exchange: _Exchange, fault: Fault) -> None:
        await _answer(exchange.send, self._try_later(429, self.form.limited, fault))

    async def _unavailable(self, exchange: _Exchange, fault: Fault) -> None:
        await _answer(exchange.send, self._try_later(503, {"message": "Service unavailable."}, fault))

    def _try_later(self, status: int, content: Any, fault: Fault) -> Answer:
        headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
        return Answer(status, headers, json.dumps(content).encode(), self.form.media_type)

    async def _timeout(self, exchange: _Exchange, fault: Fault) -> None:
        answer = await self._run(exchange)
        if not await _client_left_within(exchange.receive, self.board.hold(fault.seconds)):
            await _answer(exchange.send, answer)

    async def _half_file(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        answer = await self._run(exchange)
        await exchange.send(answer.start())
        await exchange.send(
            {"type": "http.response.body", "body": answer.body[: len(answer.body) // 2], "more_body": True}
        )
        exchange.scope[HANG_UP]()
        await _client_left_within(exchange.receive, 5)

    async def _outage(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await _drop(exchange)

    async def _html_200(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await _answer(exchange.send, bending.maintenance_page())

    async def _empty(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await _answer(exchange.send, bending.empty(await self._run(exchange), self.form))

    async def _expired_cursor(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        status, content = self.form.expired
        await _answer(exchange.send, Answer(status, {}, json.dumps(content).encode(), self.form.media_type))

    async def _lagging_reads(self, exchange: _Exchange, fault: Fault) -> None:
        await self._with_fate(exchange, WriteFate("late", fault.reads, fault.seconds))

    async def _ignored_write(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await self._with_fate(exchange, WriteFate("ignored"))

    async def _with_fate(self, exchange: _Exchange, fate: WriteFate) -> None:
        token = WRITE_FATE.set(fate)
        try:
            await self.app(exchange.scope, _replay(exchange), exchange.send)
        finally:
            WRITE_FATE.reset(token)

    async def _lost_answer(self, exchange: _Exchange, fault: Fault) -> None:  # noqa: ARG002
        await self._run(exchange)
        await _drop(exchange)


async def _whole_body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return b"".join(parts)


def _replay(exchange: _Exchange) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return await exchange.receive()
        sent = True
        return {"type": "http.request", "body": exchange.body, "more_body": False}

    return receive


async def _answer(send: Send, answer: Answer) -> None:
    await send(answer.start())
    await send({"type": "http.response.body", "body": answer.body})


async def _drop(exchange: _Exchange) -> None:
    exchange.scope[DROP]()
    await _client_left_within(exchange.receive, 5)


async def _client_left_within(receive: Receive, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True
