"""BambooHR's way of refusing: an empty body and the reason in X-BambooHR-Error-Message."""

from __future__ import annotations

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.sandbox.servers.answers import JSONAnswer, Refused
from hrorch_pipelines.sandbox.store import stamp


def refuse(status: int, reason: str) -> Response:
    """A refusal; `reason` names fields, never values."""
    return Response(status_code=status, headers={"X-BambooHR-Error-Message": reason})


def problem(status: int, detail: str) -> Response:
    """A refusal of the Datasets API (RFC 7807)."""
    content = {"type": "about:blank", "title": "Invalid request", "status": status, "detail": detail, "code": "invalid"}
    return JSONAnswer(content, status)


def since_of(request: Request) -> str:
    """The `since` parameter as the store's stamp. Raises Refused when it is missing or no ISO 8601 moment."""
    try:
        moment = datetime.fromisoformat(request.query_params.get("since", "").replace(" ", "+"))
    except ValueError:
        raise Refused(refuse(400, "since must be an ISO 8601 timestamp")) from None
    if moment.tzinfo is None:
        raise Refused(refuse(400, "since must name its time zone"))
    return stamp(moment)
