"""One HTTP server in a thread: uvicorn on loopback, able to cut a connection in the middle. Knows no system."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from hrorch_pipelines.sandbox.servers.errors import SandboxUnavailable

HOST = "127.0.0.1"
DROP = "hrorch.drop"
"""Key in the ASGI scope: a function that resets the connection at once, unsent bytes and all."""
HANG_UP = "hrorch.hang_up"
"""Key in the ASGI scope: a function that closes the connection after what was sent."""


class _CuttableConnection(H11Protocol):
    """Hands the application the means to cut its own connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        app: Any = self.app

        async def with_scissors(scope: Scope, receive: Receive, send: Send) -> None:
            scope[DROP], scope[HANG_UP] = transport.abort, transport.close
            await app(scope, receive, send)

        self.app = with_scissors


class Listener:
    """Serves an ASGI application at a port of the loopback interface (any free one when `port` is None)."""

    def __init__(self, name: str, make_app: Callable[[], ASGIApp], port: int | None, ended: Callable[[], None]) -> None:
        self.name = name
        self._make_app, self._ended = make_app, ended
        self._wanted = port
        self.port = port or 0
        self._thread: threading.Thread | None = None
        self._server: uvicorn.Server | None = None
        self._failure: BaseException | None = None

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end."""
        return f"http://{HOST}:{self.port}"

    @property
    def running(self) -> bool:
        """Whether it was started and not stopped since."""
        return self._thread is not None

    def start(self) -> None:
        """Take the port and begin to answer; the same port again after a stop. Raises SandboxUnavailable."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sets TCP_NODELAY only so
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HOST, self.port))
        except OSError as taken:
            sock.close()
            raise SandboxUnavailable(self.name, self.port) from taken
        self.port = sock.getsockname()[1]
        sock.listen(256)
        self._failure = None
        self._thread = threading.Thread(target=self._run, args=(sock,), name=f"sandbox-{self.name}", daemon=True)
        self._thread.start()

    def wait_until_ready(self, seconds: float = 10) -> None:
        """Return when it answers. Raises SandboxUnavailable when it does not come up."""
        end = time.monotonic() + seconds
        while self._server is None or not self._server.started:
            if time.monotonic() > end or self._thread is None or not self._thread.is_alive():
                raise SandboxUnavailable(self.name, self.port) from self._failure
            time.sleep(0.005)

    def ask_to_stop(self) -> None:
        """Begin to stop without waiting, so that several can stop at once."""
        if self._server is not None:
            self._server.should_exit = True

    def stop(self) -> None:
        """Stop answering and free the port; requests under way get a second to end."""
        if self._thread is None:
            return
        self.ask_to_stop()
        self._thread.join(10)
        self._server = self._thread = None

    def _run(self, sock: socket.socket) -> None:
        """The thread: makes the application too, so that its database connections are this thread's own."""
        try:
            self._server = uvicorn.Server(_settings(self._make_app()))
            self._server.run(sockets=[sock])
        except BaseException as failure:  # noqa: BLE001  (told by wait_until_ready, in the thread that started us)
            self._failure = failure
        finally:
            sock.close()
            self._ended()


def _settings(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_CuttableConnection,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        server_header=False,
    )
