"""The HRIS, in the shape of BambooHR's published specification: which paths there are and who may ask."""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from hrorch_pipelines.sandbox.servers.access import Guarded, basic
from hrorch_pipelines.sandbox.servers.answers import AnswerForm, JSONAnswer, refusals
from hrorch_pipelines.sandbox.servers.hris_answers import refuse
from hrorch_pipelines.sandbox.servers.hris_datasets import DatasetRoutes
from hrorch_pipelines.sandbox.servers.hris_employees import EmployeeReads
from hrorch_pipelines.sandbox.servers.hris_tables import TableRoutes
from hrorch_pipelines.sandbox.servers.hris_view import FIELD_TYPES
from hrorch_pipelines.sandbox.servers.hris_writes import EmployeeWrites
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords

FORM = AnswerForm(
    rows=("data", "employees"),
    totals=("meta.total", "meta.totalItems"),
    nexts=("meta.page.nextCursor", "links.next", "_links.next"),
    pages={"page[after]": (), "page": "1"},
    windows=("since",),
    reading_posts=r"^/api/v\d(_\d)?/datasets/",
    limited={"error": {"code": "TooManyRequests", "message": "Too many requests."}},
    expired=(400, {"error": {"code": "BadPage", "message": "The page cursor is no longer valid"}}),
)


def create_app(records: SystemRecords, *, api_key: str) -> ASGIApp:
    """The HRIS over a store with the collections employees, jobInfo, compensation and employmentStatus."""
    reads, writes = EmployeeReads(records), EmployeeWrites(records)
    tables, datasets = TableRoutes(records), DatasetRoutes(records)
    row = "/api/{version}/employees/{id}/tables/{table}/{row}"
    app = Starlette(
        routes=[
            Route("/api/v1/employees", reads.read_all, methods=["GET"]),
            Route("/api/v1/employees", writes.create, methods=["POST"]),
            Route("/api/v1/employees/directory", reads.directory, methods=["GET"]),
            Route("/api/v1/employees/changed", reads.changed, methods=["GET"]),
            Route("/api/v1/employees/changed/tables/{table}", tables.changed, methods=["GET"]),
            Route("/api/v1/employees/{id}", reads.read_one, methods=["GET"]),
            Route("/api/v1/employees/{id}", writes.update, methods=["POST"]),
            Route("/api/v1/employees/{id}/tables/{table}", tables.read, methods=["GET"]),
            Route("/api/{version}/employees/{id}/tables/{table}", tables.add, methods=["POST"]),
            Route(row, tables.change, methods=["POST"]),
            Route(row, tables.delete, methods=["DELETE"]),
            Route("/api/v1/meta/fields", _meta_fields, methods=["GET"]),
            Route("/api/v1_2/datasets", datasets.catalogue, methods=["GET"]),
            Route("/api/v1_2/datasets/{name}/fields", datasets.fields, methods=["GET"]),
            Route("/api/v2/datasets/{name}/data", datasets.data, methods=["POST"]),
        ],
        exception_handlers=refusals({Missing: lambda: refuse(404, "Not found")}),
    )
    return Guarded(app, basic(api_key), lambda: Response(status_code=401, headers={"WWW-Authenticate": "Basic"}))


async def _meta_fields(request: Request) -> Response:  # noqa: ARG001
    """GET /meta/fields."""
    fields = [
        {"id": number, "name": name, "type": kind, "alias": name}
        for number, (name, kind) in enumerate(FIELD_TYPES.items(), start=1)
    ]
    return JSONAnswer(fields)
