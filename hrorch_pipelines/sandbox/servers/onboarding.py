"""The onboarding system: a plain JSON API of new hires and their tasks, page numbers, ETags and If-Match."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hrorch_pipelines.sandbox.documents_hiring import TASKS
from hrorch_pipelines.sandbox.servers.access import Guarded, actor, bearer
from hrorch_pipelines.sandbox.servers.answers import AnswerForm, JSONAnswer, Refused, json_body, refusals, whole_number
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document, VersionConflict

FORM = AnswerForm(
    rows=("items",),
    totals=("total",),
    pages={"page": "1"},
    limited={"error": "too many requests"},
    expired=(410, {"error": "the page is gone"}),
)
_META = ("updatedAt", "updatedBy")
_HIRED_WITH = ("employeeNumber", "firstName", "lastName", "personalEmail", "workEmail", "startDate", "department")
_REQUIRED = ("firstName", "lastName", "startDate")
_DATES = "%m/%d/%Y"


def create_app(records: SystemRecords, *, token: str) -> ASGIApp:
    """The onboarding system over a store with the collections newhires and tasks (parent: the new hire)."""

    async def read_all(request: Request) -> Response:
        return _page(records, request)

    async def create(request: Request) -> Response:
        return await _post(records, request)

    async def read_one(request: Request) -> Response:
        return _one(records.get(_known(request), request.path_params["id"]))

    async def replace(request: Request) -> Response:
        return await _put(records, request)

    app = Starlette(
        routes=[
            Route("/api/{collection}", read_all, methods=["GET"]),
            Route("/api/newhires", create, methods=["POST"]),
            Route("/api/{collection}/{id}", read_one, methods=["GET"]),
            Route("/api/{collection}/{id}", replace, methods=["PUT"]),
        ],
        exception_handlers=refusals(
            {
                Missing: lambda: JSONAnswer({"error": "not found"}, 404),
                VersionConflict: lambda: JSONAnswer({"error": "changed since it was read"}, 412),
            }
        ),
    )
    return Guarded(
        app, bearer(token), lambda: JSONAnswer({"error": "unauthorized"}, 401, {"WWW-Authenticate": "Bearer"})
    )


def _known(request: Request) -> str:
    collection = str(request.path_params["collection"])
    if collection not in {"newhires", "tasks"}:
        raise Missing
    return collection


def _page(records: SystemRecords, request: Request) -> Response:
    collection = _known(request)
    page = whole_number(request.query_params.get("page"), 1)
    size = whole_number(request.query_params.get("size"), 50, most=200)
    if page is None or size is None:
        raise Refused(JSONAnswer({"error": "page and size must be whole numbers, size at most 200"}, 400))
    parent = request.query_params.get("newHireId")
    rows = records.store.page(collection, limit=size, offset=(page - 1) * size, parent=parent)
    total = records.store.count(collection, parent=parent)
    return JSONAnswer({"items": [_shown(document) for document in rows], "total": total, "page": page, "size": size})


def _shown(document: Document) -> dict[str, Any]:
    return {**document.body, "updatedAt": document.updated_at, "updatedBy": document.updated_by}


def _one(document: Document) -> Response:
    return JSONAnswer(_shown(document), headers={"ETag": f'"{document.version}"'})


async def _post(records: SystemRecords, request: Request) -> Response:
    """A new hire, with the tasks that everybody gets."""
    sent = await json_body(request, JSONAnswer({"error": "the body is not a JSON object"}, 400))
    wrong = next((name for name in sent if name not in _HIRED_WITH), None)
    wrong = wrong or next((name for name in _REQUIRED if not sent.get(name)), None)
    starts = _day(sent.get("startDate"))
    if wrong is not None or starts is None:
        raise Refused(JSONAnswer({"error": "missing, unknown or invalid field", "field": wrong or "startDate"}, 422))
    by, key = actor(request), str(records.new_number("newhires"))
    blank = {**dict.fromkeys(_HIRED_WITH), **sent, "status": "not_started", "openTasks": len(TASKS)}
    made = records.put("newhires", key, {"id": key, **blank}, by=by)
    due = (starts + timedelta(days=3)).strftime(_DATES)
    for number, name in enumerate(TASKS, start=1):
        task = {"id": f"{key}-{number}", "newHireId": key, "name": name, "status": "open", "dueDate": due}
        records.put("tasks", task["id"], task, by=by, parent=key)
    return JSONAnswer(_shown(made), 201, {"ETag": f'"{made.version}"'})


def _day(text: Any) -> datetime | None:
    try:
        return datetime.strptime(text, _DATES)  # noqa: DTZ007  (a day)
    except (TypeError, ValueError):
        return None


async def _put(records: SystemRecords, request: Request) -> Response:
    """Replace a record: what the body does not name is cleared, as PUT says. Needs If-Match (RFC 6585, section 3)."""
    collection, key = _known(request), request.path_params["id"]
    old = records.get(collection, key)
    match = request.headers.get("if-match")
    if match is None:
        raise Refused(JSONAnswer({"error": "If-Match is required"}, 428))
    sent = await json_body(request, JSONAnswer({"error": "the body is not a JSON object"}, 400))
    if str(sent.get("id", key)) != key or any(name not in old.body for name in set(sent) - set(_META)):
        raise Refused(JSONAnswer({"error": "unknown field, or another record's id"}, 422))
    body = {name: sent.get(name) for name in old.body} | {"id": old.body.get("id", key)}
    expected = old.version if match == "*" else match.strip('"')
    return _one(records.put(collection, key, body, by=actor(request), parent=old.parent, expected=expected))
