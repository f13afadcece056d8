"""The HRIS's effective-dated tables: read whole and unsorted, rows added, changed and deleted."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.sandbox.servers.access import actor
from hrorch_pipelines.sandbox.servers.answers import JSONAnswer, Refused, json_body
from hrorch_pipelines.sandbox.servers.hris_answers import refuse, since_of
from hrorch_pipelines.sandbox.servers.hris_status import told_by_status
from hrorch_pipelines.sandbox.servers.hris_view import TABLES
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document


class TableRoutes:
    """Handlers over the collections jobInfo, compensation and employmentStatus (parent: the employee)."""

    def __init__(self, records: SystemRecords) -> None:
        self._records = records

    async def read(self, request: Request) -> Response:
        """GET /employees/{id|all}/tables/{table}."""
        table, employee = _table(request), request.path_params["id"]
        if employee == "all":
            living = {document.id for document in self._records.store.each("employees")}
            rows = [row for row in self._records.store.each(table) if row.parent in living]
        else:
            rows = self._records.store.page(table, parent=self._records.get("employees", employee).id)
        return JSONAnswer([_shown(row) for row in sorted(rows, key=_no_order)])

    async def changed(self, request: Request) -> Response:
        """GET /employees/changed/tables/{table}?since=: all rows of every employee who changed."""
        table, since = _table(request), since_of(request)
        employees: dict[str, Any] = {}
        for name in ("employees", *TABLES):
            for document in self._records.store.page(name, since=since):
                employee = document.id if name == "employees" else str(document.parent)
                entry = employees.setdefault(employee, {"lastChanged": document.updated_at, "rows": []})
                entry["lastChanged"] = max(entry["lastChanged"], document.updated_at)
        for employee, entry in employees.items():
            entry["rows"] = [_shown(row) for row in self._records.store.page(table, parent=employee)]
        return JSONAnswer({"table": table, "employees": employees})

    async def add(self, request: Request) -> Response:
        """POST /employees/{id}/tables/{table}: a new row."""
        table = _table(request)
        employee = self._records.get("employees", request.path_params["id"])
        sent = await json_body(request, refuse(400, "Malformed JSON"))
        self._check(table, sent, whole=True)
        add_row(self._records, table, employee.id, sent, actor(request))
        self._settle(table, employee.id, actor(request))
        return Response(status_code=200)

    async def change(self, request: Request) -> Response:
        """POST /employees/{id}/tables/{table}/{rowId}: the fields named, no others."""
        table, row = self._row(request)
        sent = await json_body(request, refuse(400, "Malformed JSON"))
        self._check(table, sent, whole=False)
        self._records.put(table, row.id, {**row.body, **sent}, by=actor(request), parent=row.parent)
        self._settle(table, str(row.parent), actor(request))
        return Response(status_code=200)

    async def delete(self, request: Request) -> Response:
        """DELETE /employees/{id}/tables/{table}/{rowId}."""
        table = _table(request)
        try:
            _, row = self._row(request)
        except Missing:
            return JSONAnswer({"success": False, "error": "Row not found"})
        self._records.delete(table, row.id, by=actor(request))
        return JSONAnswer({"success": True})

    def _settle(self, table: str, key: str, by: str) -> None:
        """Status rows decide whether their employee is active and when they ended."""
        if table != "employmentStatus":
            return
        employee = self._records.get("employees", key)
        rows = self._records.store.page(table, parent=key)
        if change := told_by_status(employee.body, rows, self._records.clock.now().date()):
            self._records.put("employees", key, {**employee.body, **change}, by=by)

    def _row(self, request: Request) -> tuple[str, Document]:
        table = _table(request)
        row = self._records.get(table, request.path_params["row"])
        if row.parent != request.path_params["id"]:
            raise Missing
        return table, row

    @staticmethod
    def _check(table: str, sent: dict[str, Any], *, whole: bool) -> None:
        dated = TABLES[table].dated
        if whole and not sent.get(dated):
            raise Refused(refuse(400, f"{dated} is required"))
        if dated in sent:
            try:
                date.fromisoformat(sent[dated])
            except (TypeError, ValueError):
                raise Refused(refuse(406, f"{dated} is not a date")) from None
        if {"id", "employeeId"} & set(sent):
            raise Refused(refuse(406, "id and employeeId cannot be set"))


def add_row(records: SystemRecords, table: str, employee: str, values: dict[str, Any], by: str) -> Document:
    """Append a row to an employee's table, with the next free row id."""
    row_id = str(records.new_number(table))
    return records.put(table, row_id, {"id": row_id, "employeeId": employee, **values}, by=by, parent=employee)


def _table(request: Request) -> str:
    table = str(request.path_params["table"])
    if table not in TABLES:
        raise Missing
    return table


def _shown(row: Document) -> dict[str, Any]:
    return {"id": row.id, "employeeId": row.parent, **row.body}


def _no_order(row: Document) -> str:
    """The vendor promises no order, so ours is arbitrary, yet the same each time."""
    return hashlib.blake2b(row.id.encode(), digest_size=8).hexdigest()
