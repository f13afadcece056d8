"""The sandbox's control server: health, faults of transport, time, reset. It serves no HR data and no labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.sandbox.servers.answers import JSONAnswer, Refused, json_body
from hrorch_pipelines.sandbox.servers.errors import UnknownSandboxSystem
from hrorch_pipelines.sandbox.transport import FaultBoard


@dataclass(frozen=True)
class Controls:
    """What the control server steers. `advance` takes days and tells the world's new moment; `urls` are the systems'.

    `cohort` begins one of so many applicants and tells the day after which nothing more is to come of it.
    """

    board: FaultBoard
    urls: Callable[[], dict[str, str]]
    now: Callable[[], str]
    advance: Callable[[int], str]
    cohort: Callable[[int], str]
    reset: Callable[[], str]


def create_app(controls: Controls) -> ASGIApp:
    """GET /health, GET and POST /faults, POST and DELETE /faults/{system}, POST /advance, /cohort, /reset."""

    async def health(request: Request) -> Response:  # noqa: ARG001
        return JSONAnswer({"status": "ok", "now": await run_in_threadpool(controls.now), "systems": controls.urls()})

    async def faults(request: Request) -> Response:  # noqa: ARG001
        return JSONAnswer(_told(controls.board))

    async def switch(request: Request) -> Response:
        sent = await json_body(request, JSONAnswer({"error": "the body is not a JSON object"}, 400))
        system = request.path_params.get("system") or sent.pop("system", None)
        _known(system, controls)
        if sent.get("fault") in {None, "none"}:
            controls.board.switch_off(system)
        else:
            controls.board.switch_on(system, **sent)
        return JSONAnswer(_told(controls.board))

    async def clear(request: Request) -> Response:
        system = request.path_params.get("system")
        if system is not None:
            _known(system, controls)
        controls.board.switch_off(system)
        return JSONAnswer(_told(controls.board))

    async def advance(request: Request) -> Response:
        sent = await json_body(request, JSONAnswer({"error": "the body is not a JSON object"}, 400))
        days = sent.get("days", 1)
        if not isinstance(days, int) or isinstance(days, bool) or not 0 < days <= 3660:
            raise Refused(JSONAnswer({"error": "days must be a whole number from 1 to 3660"}, 422))
        return JSONAnswer({"now": await run_in_threadpool(controls.advance, days)})

    async def cohort(request: Request) -> Response:
        sent = await json_body(request, JSONAnswer({"error": "the body is not a JSON object"}, 400))
        size = sent.get("size", 18)
        if not isinstance(size, int) or isinstance(size, bool) or not 0 < size <= 500:
            raise Refused(JSONAnswer({"error": "size must be a whole number from 1 to 500"}, 422))
        return JSONAnswer({"ends": await run_in_threadpool(controls.cohort, size)})

    async def reset(request: Request) -> Response:  # noqa: ARG001
        return JSONAnswer({"now": await run_in_threadpool(controls.reset)})

    return Starlette(
        routes=[
            Route("/health", health, methods=["GET"]),
            Route("/faults", faults, methods=["GET"]),
            Route("/faults", switch, methods=["POST"]),
            Route("/faults", clear, methods=["DELETE"]),
            Route("/faults/{system}", switch, methods=["POST"]),
            Route("/faults/{system}", clear, methods=["DELETE"]),
            Route("/advance", advance, methods=["POST"]),
            Route("/cohort", cohort, methods=["POST"]),
            Route("/reset", reset, methods=["POST"]),
        ],
        exception_handlers={Refused: _refused, ValidationError: _refused, HrorchError: _refused},
    )


def _refused(request: Request, wrong: Exception) -> Response:  # noqa: ARG001
    if isinstance(wrong, Refused):
        return wrong.answer
    if isinstance(wrong, ValidationError):
        told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in wrong.errors(include_url=False))
        return JSONAnswer({"error": told}, 422)
    return JSONAnswer({"error": str(wrong)}, 404 if isinstance(wrong, UnknownSandboxSystem) else 409)


def _known(system: Any, controls: Controls) -> None:
    if system not in controls.urls():
        raise UnknownSandboxSystem(str(system), tuple(controls.urls()))


def _told(board: FaultBoard) -> dict[str, Any]:
    everything = board.everything()
    return {system: [one.model_dump(mode="json") for one in faults] for system, faults in everything.items()}
