"""The HRIS's employees: list, one, directory, what changed, and partial writes. Tables are in `hris_tables`."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.sandbox.servers.answers import JSONAnswer, Refused, whole_number
from hrorch_pipelines.sandbox.servers.hris_answers import refuse, since_of
from hrorch_pipelines.sandbox.servers.hris_view import RESTRICTED, TABLES, EmployeeView, as_text
from hrorch_pipelines.sandbox.servers.records import SystemRecords
from hrorch_pipelines.sandbox.store import Document

_LISTED = ("employeeId", "firstName", "lastName", "preferredName", "photoUrl", "jobTitleName", "status")
_EXTRA = {
    "workEmail", "homeEmail", "bestEmail", "middleName", "workPhone", "mobilePhone", "homePhone", "birthDate", "hireDate",
    "divisionName", "departmentName", "locationName", "employmentStatusName", "reportsToName", "reportsToId",
}  # fmt: skip
_SORTABLE = {"employeeId", "firstName", "lastName", "preferredName", "jobTitleName", "status"}
_DIRECTORY = {
    "displayName": "text", "firstName": "text", "lastName": "text", "preferredName": "text", "jobTitle": "list",
    "workEmail": "email", "mobilePhone": "text", "department": "list", "location": "list", "supervisor": "employee",
}  # fmt: skip


class EmployeeReads:
    """Handlers that read the collection employees."""

    def __init__(self, records: SystemRecords) -> None:
        self._records = records

    async def read_all(self, request: Request) -> Response:
        """GET /employees: cursor pages, a fixed set of fields and a few more on request, inactive ones included."""
        query = request.query_params
        size = whole_number(query.get("page[limit]"), 50, most=100)
        if size is None:
            raise _bad("BadRequest", "page[limit] must be between 1 and 100")
        asked = [name for name in ",".join(query.getlist("fields")).split(",") if name in _EXTRA]
        fields = [*_LISTED, *asked]
        view = EmployeeView(self._records, [*fields, "status", "jobTitleName"])
        chosen = [one for one in self._records.store.each("employees") if _fits(view, one, query)]
        for rule in reversed([part for part in query.get("sort", "").split(",") if part]):
            name = rule.removeprefix("-")
            if name not in _SORTABLE:
                raise _bad("BadRequest", f"cannot sort by {name}")
            chosen.sort(key=lambda one: as_text(view.value(one, name)), reverse=rule.startswith("-"))
        start = _position(query.get("page[after]"), chosen)
        rows = chosen[start : start + size]
        more = start + size < len(chosen)
        following = _cursor(rows[-1].id) if rows and more else None
        links = {"self": {"href": str(request.url)}}
        if following:
            again = {
                **{name: value for name, value in query.items() if name != "page[before]"},
                "page[after]": following,
            }
            links["next"] = {"href": str(request.url.replace(query=urlencode(again)))}
        return JSONAnswer(
            {
                "data": [_row(view, one, fields) for one in rows],
                "meta": {"total": len(chosen), "page": {"limit": size, "nextCursor": following, "prevCursor": None}},
                "_links": links,
            }
        )

    async def read_one(self, request: Request) -> Response:
        """GET /employees/{id}?fields=&onlyCurrent=: withheld fields are left out."""
        fields = request.query_params.get("fields", "firstName,lastName").split(",")
        if len(fields) > 400:
            raise Refused(refuse(400, "too many fields"))
        employee = self._records.get("employees", request.path_params["id"])
        future = request.query_params.get("onlyCurrent", "true") == "false"
        view = EmployeeView(self._records, fields, one=employee.id, future=future)
        withheld = view.restricted(employee)
        shown = {name: view.value(employee, name) for name in fields if name and name not in withheld}
        for name in {"payRate"} & set(shown):
            shown[name] = as_text(shown[name])
        extra = {RESTRICTED: [name for name in withheld if name in fields]} if set(withheld) & set(fields) else {}
        return JSONAnswer({**shown, "id": employee.id, **extra})

    async def directory(self, request: Request) -> Response:
        """GET /employees/directory: active employees only; future ones with onlyCurrent=false."""
        view = EmployeeView(self._records, _DIRECTORY)
        today = self._records.clock.now().date().isoformat()
        current = request.query_params.get("onlyCurrent", "true") != "false"
        shown = []
        for one in self._records.store.each("employees"):
            future = as_text(view.value(one, "hireDate")) > today
            if view.value(one, "status") == "Active" and not (current and future):
                row = {name: view.value(one, name) for name in _DIRECTORY}
                row["displayName"] = f"{as_text(row['firstName'])} {as_text(row['lastName'])}".strip()
                shown.append({"id": one.id, **row, "canUploadPhoto": 0})
        if not shown:
            raise Refused(refuse(404, "The directory is empty"))
        fields = [{"id": name, "type": kind, "name": name} for name, kind in _DIRECTORY.items()]
        return JSONAnswer({"fields": fields, "employees": shown})

    async def changed(self, request: Request) -> Response:
        """GET /employees/changed?since=&type=: a change in any table counts as the employee's."""
        since, kind = since_of(request), request.query_params.get("type", "all")
        if kind not in {"inserted", "updated", "deleted", "all"}:
            raise Refused(refuse(400, "type is invalid"))
        created = {
            event.id
            for event in self._records.store.events(collection="employees")
            if event.action == "created" and event.at >= since
        }
        found: dict[str, dict[str, str]] = {}
        for name in ("employees", *TABLES):
            for document in self._records.store.page(name, since=since, deleted=True):
                employee = document.id if name == "employees" else str(document.parent)
                entry = found.setdefault(employee, {"id": employee, "action": "Updated", "lastChanged": ""})
                entry["lastChanged"] = max(entry["lastChanged"], document.updated_at)
                if name == "employees" and (document.deleted or employee in created):
                    entry["action"] = "Deleted" if document.deleted else "Inserted"
        chosen = {key: entry for key, entry in found.items() if kind in {"all", entry["action"].lower()}}
        latest = max((entry["lastChanged"] for entry in chosen.values()), default=since)
        return JSONAnswer({"latest": latest, "employees": chosen})


def _fits(view: EmployeeView, employee: Document, query: Any) -> bool:
    """The list's filters: substrings of names, a status, a choice of ids."""
    for name in ("firstName", "lastName", "jobTitleName"):
        wanted = query.get(f"filter[{name}]")
        if wanted is not None and wanted.lower() not in as_text(view.value(employee, name)).lower():
            return False
    status = query.get("filter[status]")
    if status is not None and status != as_text(view.value(employee, "status")).lower():
        return False
    ids = [*query.getlist("filter[ids][]"), *(query.get("filter[ids]") or "").split(",")]
    wanted_ids = {one for one in ids if one}
    return not wanted_ids or employee.id in wanted_ids


def _row(view: EmployeeView, employee: Document, fields: list[str]) -> dict[str, Any]:
    row = {name: view.value(employee, name) for name in fields}
    return {
        **row,
        "employeeId": employee.id,
        RESTRICTED: [name for name in view.restricted(employee) if name in fields],
    }


def _cursor(employee: str) -> str:
    return base64.urlsafe_b64encode(f"after:{employee}".encode()).decode().rstrip("=")


def _position(cursor: str | None, chosen: list[Document]) -> int:
    """Where the page begins. The boundary employee must still be there, else the cursor is void (`BadPage`)."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        text = ""
    for place, employee in enumerate(chosen):
        if text == f"after:{employee.id}":
            return place + 1
    raise _bad("BadPage", "The page cursor is no longer valid")


def _bad(code: str, message: str) -> Refused:
    return Refused(JSONAnswer({"error": {"code": code, "message": message}}, 400))
