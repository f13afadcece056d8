"""The background check system, in the shape of Checkr: `next_href` pages, status and result as two fields, invitations."""

from __future__ import annotations

import hashlib
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hrorch_pipelines.sandbox.servers.access import Guarded, actor, basic
from hrorch_pipelines.sandbox.servers.answers import AnswerForm, JSONAnswer, Refused, json_body, refusals, whole_number
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document, stamp

FORM = AnswerForm(
    rows=("data",),
    totals=("count",),
    nexts=("next_href",),
    pages={"page": "1"},
    limited={"error": "Too many requests"},
    expired=(410, {"error": "The page is no longer available"}),
)
_CANDIDATE_FIELDS = {
    "first_name", "middle_name", "no_middle_name", "last_name", "email", "phone", "zipcode", "dob", "custom_id",
    "geo_ids", "work_locations", "metadata",
}  # fmt: skip


def create_app(records: SystemRecords, *, api_key: str) -> ASGIApp:
    """The check system over a store with the collections candidates, reports and invitations."""

    async def read_all(request: Request) -> Response:
        return _page(records, request.path_params["collection"], request)

    async def read_one(request: Request) -> Response:
        document = records.get(_known(request.path_params["collection"]), request.path_params["id"])
        return JSONAnswer(_shown(document))

    async def create(request: Request) -> Response:
        if request.path_params["collection"] == "candidates":
            return await _create_candidate(records, request)
        if request.path_params["collection"] == "invitations":
            return await _invite(records, request)
        raise Missing

    app = Starlette(
        routes=[
            Route("/v1/{collection}", read_all, methods=["GET"]),
            Route("/v1/{collection}", create, methods=["POST"]),
            Route("/v1/{collection}/{id}", read_one, methods=["GET"]),
        ],
        exception_handlers=refusals({Missing: lambda: JSONAnswer({"error": "Resource not found"}, 404)}),
    )
    return Guarded(app, basic(api_key, ""), lambda: JSONAnswer({"error": "Bad authentication error"}, 401))


def _page(records: SystemRecords, collection: str, request: Request) -> Response:
    query = request.query_params
    page = whole_number(query.get("page"), 1)
    size = whole_number(query.get("per_page"), 25, most=100)
    if page is None or size is None:
        raise Refused(JSONAnswer({"error": "page and per_page must be whole numbers, per_page at most 100"}, 400))
    scope: dict[str, Any] = {
        "parent": query.get("candidate_id"),
        "deleted": query.get("include_deleted") == "true",
    }
    count = records.store.count(_known(collection), **scope)
    rows = records.store.page(collection, limit=size, offset=(page - 1) * size, **scope)

    def href(number: int) -> str:
        return str(request.url.replace(query=urlencode({**query, "page": number})))

    return JSONAnswer(
        {
            "object": "list",
            "data": [_shown(document) for document in rows],
            "next_href": href(page + 1) if page * size < count else None,
            "previous_href": href(page - 1) if page > 1 else None,
            "count": count,
        }
    )


def _known(collection: str) -> str:
    if collection not in {"candidates", "reports", "invitations"}:
        raise Missing
    return collection


def _shown(document: Document) -> dict[str, Any]:
    return {**document.body, "deleted_at": document.updated_at} if document.deleted else document.body


async def _create_candidate(records: SystemRecords, request: Request) -> Response:
    sent = await _sent(request)
    unknown = sorted(set(sent) - _CANDIDATE_FIELDS)
    if unknown or not sent.get("email"):
        named = f"unknown field {unknown[0]}" if unknown else "email is required"
        raise Refused(JSONAnswer({"error": named}, 400))
    now = stamp(records.clock.now())
    key = _new_id(records, "candidates", now)
    body = {
        "id": key,
        "object": "candidate",
        "uri": f"/v1/candidates/{key}",
        "created_at": now,
        **sent,
        "report_ids": [],
    }
    return JSONAnswer(records.put("candidates", key, body, by=actor(request)).body, 201)


async def _invite(records: SystemRecords, request: Request) -> Response:
    sent = await _sent(request)
    candidate = records.store.get("candidates", str(sent.get("candidate_id", "")))
    if candidate is None or candidate.deleted or not sent.get("package"):
        raise Refused(JSONAnswer({"error": "candidate_id of a known candidate and package are required"}, 400))
    now = stamp(records.clock.now())
    key = _new_id(records, "invitations", now)
    body = {
        "id": key,
        "object": "invitation",
        "uri": f"/v1/invitations/{key}",
        "status": "pending",
        "created_at": now,
        "candidate_id": candidate.id,
        "package": sent["package"],
        "report_id": None,
    }
    return JSONAnswer(records.put("invitations", key, body, by=actor(request), parent=candidate.id).body, 201)


async def _sent(request: Request) -> dict[str, Any]:
    if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        from urllib.parse import parse_qsl

        return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    return await json_body(request, JSONAnswer({"error": "The body is not a JSON object"}, 400))


def _new_id(records: SystemRecords, collection: str, now: str) -> str:
    """Twenty-four hexadecimal digits as the vendor's, from a number so that replays give the same ids."""
    count = records.store.count(collection, deleted=True) + records.new_number(collection)
    return hashlib.blake2b(f"{collection}{count}{now}".encode(), digest_size=12).hexdigest()
