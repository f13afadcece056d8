"""The payroll system, in the shape of Gusto: page numbers with totals in headers, every PUT names the version it read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hrorch_pipelines.sandbox.servers.access import Guarded, actor, bearer
from hrorch_pipelines.sandbox.servers.answers import AnswerForm, JSONAnswer, Refused, json_body, refusals, whole_number
from hrorch_pipelines.sandbox.servers.payroll_new import ENDED_WITH, HIRED_WITH, JOB_WITH, is_date
from hrorch_pipelines.sandbox.servers.payroll_records import PayrollRecords, StaleVersion
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords

API_VERSION = "2024-04-01"
_LATEST = "2026-02-01"
FORM = AnswerForm(
    total_headers=("x-total-count",),
    next_headers=("link",),
    pages={"page": "1"},
    limited={"errors": [{"error_key": "base", "category": "rate_limit_exceeded", "message": "Too many requests"}]},
    expired=(410, {"errors": [{"error_key": "base", "category": "gone", "message": "The page is gone"}]}),
)


def create_app(records: SystemRecords, *, token: str, company_id: str) -> ASGIApp:
    """The payroll system over a store whose employees hold their jobs, and these their compensations."""
    routes = _Routes(PayrollRecords(records), company_id)
    app = Starlette(
        routes=[
            Route("/v1/companies/{company}/employees", routes.employees, methods=["GET"]),
            Route("/v1/companies/{company}/employees", routes.hire, methods=["POST"]),
            Route("/v1/jobs/{id}/compensations", routes.raise_pay, methods=["POST"]),
            Route("/v1/employees/{id}/jobs", routes.employ, methods=["POST"]),
            Route("/v1/employees/{id}/terminations", routes.terminate, methods=["POST"]),
            Route("/v1/{kind}/{id}", routes.read, methods=["GET"]),
            Route("/v1/{kind}/{id}", routes.write, methods=["PUT"]),
            Route("/v1/{kind}/{id}/{part}", routes.parts, methods=["GET"]),
        ],
        exception_handlers=refusals(
            {
                Missing: lambda: _refused(404, "base", "not_found", "Not found").answer,
                StaleVersion: lambda: (
                    _refused(409, "base", "invalid_resource_version", "The resource was changed: read it again").answer
                ),
            }
        ),
    )
    return _Versioned(
        Guarded(app, bearer(token), lambda: _refused(401, "base", "unauthenticated", "Unauthorized").answer)
    )


class _Routes:
    """Handlers over PayrollRecords, for one company."""

    def __init__(self, payroll: PayrollRecords, company_id: str) -> None:
        self._payroll, self._company_id = payroll, company_id

    async def employees(self, request: Request) -> Response:
        self._own_company(request)
        return _page(self._payroll, request)

    async def hire(self, request: Request) -> Response:
        self._own_company(request)
        sent = await _sent(request)
        _require(sent, "first_name", "last_name")
        _only(sent, HIRED_WITH)
        return JSONAnswer(self._payroll.create_employee(sent, self._company_id, actor(request)), 201)

    async def read(self, request: Request) -> Response:
        kind, key = request.path_params["kind"], request.path_params["id"]
        return JSONAnswer(self._payroll.read(kind, key, _included(request)))

    async def parts(self, request: Request) -> Response:
        wanted = request.path_params
        return JSONAnswer(self._payroll.parts(wanted["kind"], wanted["id"], wanted["part"]))

    async def write(self, request: Request) -> Response:
        sent = await _sent(request)
        if not sent.get("version"):
            raise _refused(422, "version", "missing_attribute", "version is required")
        kind, key = request.path_params["kind"], request.path_params["id"]
        unknown = self._payroll.unwritable(kind, key, sent)
        if unknown:
            raise _refused(422, unknown, "invalid_attribute_value", "is not valid")
        return JSONAnswer(self._payroll.update(kind, key, sent, actor(request)))

    async def raise_pay(self, request: Request) -> Response:
        sent = await _sent(request)
        _require(sent, "rate", "payment_unit", "effective_date")
        return JSONAnswer(self._payroll.add_compensation(request.path_params["id"], sent, actor(request)), 201)

    async def employ(self, request: Request) -> Response:
        """POST /employees/{id}/jobs: a job, and with it a pay of nothing an hour."""
        sent = await _sent(request)
        _require(sent, "title", "hire_date")
        _only(sent, JOB_WITH)
        return JSONAnswer(self._payroll.add_job(request.path_params["id"], sent, actor(request)), 201)

    async def terminate(self, request: Request) -> Response:
        """POST /employees/{id}/terminations: the last day of work."""
        sent = await _sent(request)
        _require(sent, "effective_date")
        _only(sent, ENDED_WITH)
        made = self._payroll.add_termination(request.path_params["id"], sent, actor(request))
        if made is None:
            raise _refused(422, "base", "invalid_operation", "The employee has a termination already")
        return JSONAnswer(made, 201)

    def _own_company(self, request: Request) -> None:
        if request.path_params["company"] != self._company_id:
            raise Missing


def _require(sent: dict[str, Any], *names: str) -> None:
    for name in names:
        if not sent.get(name):
            raise _refused(422, name, "invalid_attribute_value", "can't be blank")


def _only(sent: dict[str, Any], known: frozenset[str]) -> None:
    for name, value in sent.items():
        if name not in known or (name.endswith("_date") and value and not is_date(value)):
            raise _refused(422, name, "invalid_attribute_value", "is not valid")


def _page(payroll: PayrollRecords, request: Request) -> Response:
    query = request.query_params
    page, size = whole_number(query.get("page"), 1), whole_number(query.get("per"), 25, most=100)
    terminated = query.get("terminated")
    if page is None or size is None or terminated not in {None, "true", "false"}:
        raise _refused(422, "base", "invalid_attribute_value", "page, per (at most 100) or terminated is not valid")
    wanted = None if terminated is None else terminated == "true"
    rows, total = payroll.page(page, size, _included(request), terminated=wanted)
    pages = max(1, -(-total // size))
    headers = {
        "X-Total-Count": str(total),
        "X-Total-Pages": str(pages),
        "X-Page": str(page),
        "X-Per-Page": str(size),
    }
    if page < pages:
        following = request.url.replace(query=urlencode({**query, "page": page + 1}))
        headers["Link"] = f'<{following}>; rel="next"'
    return JSONAnswer(rows, headers=headers)


def _included(request: Request) -> set[str]:
    return set(request.query_params.get("include", "").split(","))


async def _sent(request: Request) -> dict[str, Any]:
    return await json_body(request, _refused(400, "base", "invalid_json", "The body is not a JSON object").answer)


def _refused(status: int, field: str, category: str, message: str) -> Refused:
    return Refused(JSONAnswer({"errors": [{"error_key": field, "category": category, "message": message}]}, status))


class _Versioned:
    """X-Gusto-API-Version: the default when missing, 406 when older than that or unknown; told back in every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        version = Request(scope).headers.get("x-gusto-api-version", API_VERSION)
        if not API_VERSION <= version <= _LATEST:
            content = {
                "name": "Invalid X-Gusto-API-Version Header",
                "message": f"Version must be >= your application's minimum API version `{API_VERSION}` and not in the future.",
            }
            await JSONAnswer(content, 406)(scope, receive, send)
            return

        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], (b"x-gusto-api-version", version.encode())]}
            await send(message)

        await self._app(scope, receive, send_with_version)
