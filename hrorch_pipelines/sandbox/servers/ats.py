"""The ATS, in the shape of Greenhouse's Harvest API v3: cursors in the Link header, newest ids first, closed windows."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hrorch_pipelines.sandbox.servers.access import Guarded, actor, bearer_of
from hrorch_pipelines.sandbox.servers.answers import AnswerForm, JSONAnswer, Refused, json_body, refusals, whole_number
from hrorch_pipelines.sandbox.servers.ats_access import TOKEN_PATH, RequestWindow, known_token, sign_in
from hrorch_pipelines.sandbox.servers.ats_paging import Listing, first_listing, next_listing
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document, stamp

COLLECTIONS = ("candidates", "applications", "offers")
FORM = AnswerForm(
    next_headers=("link",),
    pages={"cursor": ()},
    windows=("updated_at",),
    sign_in=TOKEN_PATH,
    expired=(410, {"message": "The cursor has expired."}),
)
_FIXED = {"id", "created_at", "updated_at", "version", "candidate_id", "application_id"}
_OFFER_STATES = {
    "created", "draft", "approved", "sent", "extended", "candidate_signed", "accepted", "countersigned",
    "rejected", "declined", "expired", "rescinded",
}  # fmt: skip


def create_app(records: SystemRecords, *, client_id: str, client_secret: str) -> ASGIApp:
    """The ATS over a store with the collections candidates, applications and offers."""

    async def token(request: Request) -> Response:
        return await sign_in(request, client_id, client_secret)

    async def read(request: Request) -> Response:
        return _page(records, request.path_params["collection"], request)

    async def write(request: Request) -> Response:
        return await _patch(records, request)

    app = Starlette(
        routes=[
            Route(TOKEN_PATH, token, methods=["POST"]),
            Route("/v3/{collection}", read, methods=["GET"]),
            Route("/v3/{collection}/{id}", write, methods=["PATCH"]),
        ],
        exception_handlers=refusals({Missing: lambda: JSONAnswer({"message": "Resource not found"}, 404)}),
    )
    guarded = Guarded(
        app,
        lambda request: known_token(bearer_of(request), client_secret),
        lambda: JSONAnswer({"message": "Invalid or expired access token."}, 401),
        open_paths={TOKEN_PATH},
    )
    return RequestWindow(guarded)


def _page(records: SystemRecords, collection: str, request: Request) -> Response:
    if collection not in COLLECTIONS:
        raise Missing
    query = dict(request.query_params)
    if "cursor" in query:
        if len(request.query_params.multi_items()) > 1:
            raise _invalid("cursor", "must be the only query parameter")
        listing = next_listing(query["cursor"], collection)
        if listing is None:
            raise _invalid("cursor", "is invalid")
    else:
        size = whole_number(query.pop("per_page", None), 100, most=500)
        if size is None:
            raise _invalid("per_page", "must be between 1 and 500")
        listing, wrong = first_listing(collection, size, query)
        if listing is None:
            raise _invalid(wrong, "is invalid")
    found = _found(records, listing)
    headers = {}
    if len(found) > listing.size:
        cursor = listing.after_row(found[listing.size - 1].seq).cursor()
        headers["Link"] = f'<{request.url.replace(query=f"cursor={cursor}")}>; rel="next"'
    return JSONAnswer([_shown(document) for document in found[: listing.size]], headers=headers)


def _found(records: SystemRecords, listing: Listing) -> list[Document]:
    """One row more than the page, to know whether another page follows."""
    if listing.ids is not None:
        chosen = [records.store.get(listing.collection, key) for key in listing.ids]
        live = [document for document in chosen if document is not None and not document.deleted]
        past = [document for document in live if listing.after is None or document.seq < listing.after]
        return sorted(past, key=lambda document: -document.seq)
    return records.store.page(
        listing.collection,
        limit=listing.size + 1,
        after=listing.after,
        descending=True,
        parent=listing.parent,
        since=listing.since,
        until=listing.until,
    )


def _shown(document: Document) -> dict[str, Any]:
    return {**document.body, "updated_at": document.updated_at}


async def _patch(records: SystemRecords, request: Request) -> Response:
    collection = request.path_params["collection"]
    if collection not in COLLECTIONS:
        raise Missing
    change = await json_body(request, JSONAnswer({"message": "The body is not a JSON object."}, 400))
    document = records.get(collection, request.path_params["id"])
    for name, value in change.items():
        if name in _FIXED or name not in document.body:
            raise _invalid(name, "is not an editable field")
        if name == "starts_on" and not _is_date(value):
            raise _invalid(name, "is not a date")
        if collection == "offers" and name == "status" and value not in _OFFER_STATES:
            raise _invalid(name, "is not a status")
        if name in {"first_name", "last_name"} and not value:
            raise _invalid(name, "can't be blank")
    if collection == "offers" and set(change) - {"status"}:
        return JSONAnswer(_shown(_new_version(records, document, change, actor(request))))
    merged = {**document.body, **change, "updated_at": stamp(records.clock.now())}
    return JSONAnswer(_shown(records.put(collection, document.id, merged, by=actor(request), parent=document.parent)))


def _new_version(records: SystemRecords, old: Document, change: dict[str, Any], by: str) -> Document:
    """Terms of an offer are never edited: the old version is deprecated and a new one begins as a draft."""
    if old.body.get("status") == "deprecated":
        raise _invalid("id", "is not the current version of the offer")
    now = stamp(records.clock.now())
    new_id = records.new_number("offers")
    records.put("offers", old.id, {**old.body, "status": "deprecated", "updated_at": now}, by=by)
    body = {
        **old.body,
        "status": "draft",
        **change,
        "id": new_id if isinstance(old.body.get("id"), int) else str(new_id),
        "version": int(old.body.get("version", 1)) + 1,
        "created_at": now,
        "updated_at": now,
    }
    return records.put("offers", str(new_id), body, by=by, parent=old.parent)


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _invalid(field: str, problem: str) -> Refused:
    return Refused(JSONAnswer({"message": "Validation error", "errors": [{"message": problem, "field": field}]}, 422))
