"""A small web service: `/metrics`, `/healthz`, `/readyz`; and a monitor that does not depend on what it watches.

The sensor of the same name runs inside Dagster's daemon and dies with it; this one notices.
"""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from datetime import timedelta

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.monitoring import run
from hrorch_pipelines.monitoring.gauges import exposition
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.workplace import Workplace

LOG = logging.getLogger("hrorch.monitor")


def create_app(workplace: Workplace, *, every: timedelta | None = run.EVERY) -> Starlette:
    """The service. `every`: how often it watches by itself; None: it only answers."""
    ledger = workplace.ledger()
    stop = threading.Event()
    thread = threading.Thread(target=_watch, args=(workplace, ledger, every, stop), name="monitor", daemon=True)

    async def healthz(_: Request) -> Response:
        """The process is alive, and looks if it was told to."""
        alive = every is None or thread.is_alive()
        return PlainTextResponse("ok\n" if alive else "the monitor has stopped looking\n", 200 if alive else 503)

    async def readyz(_: Request) -> Response:
        """Whether the ledger answers and a result is published; 503 and the reason when not."""
        faults = await run_in_threadpool(_not_ready, workplace, ledger)
        return PlainTextResponse("".join(f"{fault}\n" for fault in faults) or "ready\n", 503 if faults else 200)

    async def metrics(_: Request) -> Response:
        try:
            text = await run_in_threadpool(exposition, ledger, workplace.stack)
        except HrorchError as error:
            return PlainTextResponse(f"{error.what}\n", 503)
        return Response(text, media_type=CONTENT_TYPE_LATEST)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        if every is not None:
            thread.start()
        yield
        stop.set()
        if every is not None:
            await run_in_threadpool(thread.join, 30.0)
        ledger.close()

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)], lifespan=lifespan
    )


def _watch(workplace: Workplace, ledger: Ledger, every: timedelta | None, stop: threading.Event) -> None:
    """Pass after pass until told to stop. A pass that fails is logged by its error's class, and the next one tries again."""
    seconds = (every or run.EVERY).total_seconds()
    while not stop.is_set():
        try:
            passed = run.watch(ledger, workplace.stack, every=every)
            if passed.noted.changed or passed.delivered.taken:
                LOG.warning("%s", passed.sentence())
        except HrorchError as error:
            LOG.error("The monitor could not look: %s", error.what)  # noqa: TRY400  (the sentence is all there is to tell)
        stop.wait(seconds)


def _not_ready(workplace: Workplace, ledger: Ledger) -> list[str]:
    faults = []
    try:
        with ledger.read() as con:
            con.exec_driver_sql("SELECT 1")
    except HrorchError as error:
        faults.append(error.what)
    if not workplace.home.published.exists():
        faults.append("No result has been published yet.")
    return faults
