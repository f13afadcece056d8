"""Runs the endpoint: uvicorn, one process. TLS ends at the reverse proxy in front of it."""

from __future__ import annotations

import uvicorn

from hrorch_pipelines.inbox.app import create_app
from hrorch_pipelines.inbox.doors import doors
from hrorch_pipelines.inbox.errors import NothingToListenForError
from hrorch_pipelines.inbox.sources import DEFAULT_RATE
from hrorch_pipelines.workplace import Workplace

AT_ONCE = 512
"""Connections served at once; more are told to come again before anything of theirs is read."""
_GRACE_S = 20


def serve(
    workplace: Workplace,
    *,
    host: str = "127.0.0.1",
    port: int = 8790,
    rate: int = DEFAULT_RATE,
    proxies: str | None = None,
) -> None:
    """Listen until SIGTERM or SIGINT; then finish what was begun.

    `proxies`: addresses (comma-separated) whose `X-Forwarded-For` is believed. Without it nobody's is: who could write it
    would choose its own source. Raises NothingToListenForError.
    """
    made = doors(workplace.stack)
    if not any(door.open for door in made.values()):
        raise NothingToListenForError(sorted(made))
    uvicorn.run(
        create_app(workplace, rate=rate),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        server_header=False,
        proxy_headers=proxies is not None,
        forwarded_allow_ips=proxies,
        limit_concurrency=AT_ONCE,
        timeout_graceful_shutdown=_GRACE_S,
    )
