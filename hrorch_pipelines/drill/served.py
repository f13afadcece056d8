"""Servers a drill needs beside the sandbox: any ASGI application on a free port, and a mail server that refuses every letter."""

from __future__ import annotations

import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
_REFUSED = b"550 5.7.1 no letters today\r\n"


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """Serve an application, its start and end included, in a thread; gives its URL."""
    server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=0, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, name="drill", daemon=True)
    thread.start()
    try:
        while not server.started:
            if not thread.is_alive():
                raise RuntimeError("the endpoint could not be started")
            time.sleep(0.005)
        yield f"http://{HOST}:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


class RefusingMailServer:
    """Speaks enough SMTP (RFC 5321) to say no to every recipient. `port` is a free one."""

    def __init__(self) -> None:
        self._server = socketserver.ThreadingTCPServer((HOST, 0), _Refuses)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, name="drill mail", daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


class _Refuses(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        self.wfile.write(b"220 drill ESMTP\r\n")
        for line in self.rfile:
            verb = line.split(b" ")[0].strip().upper()
            if verb == b"QUIT":
                self.wfile.write(b"221 bye\r\n")
                return
            self.wfile.write(_REFUSED if verb == b"RCPT" else b"250 fine\r\n")
