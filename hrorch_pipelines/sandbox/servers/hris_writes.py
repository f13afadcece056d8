"""Writes to the HRIS's employees: partial, no version to check, invalid values refused with 409."""

from __future__ import annotations

from datetime import date
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.sandbox.servers.access import actor
from hrorch_pipelines.sandbox.servers.answers import Refused, json_body
from hrorch_pipelines.sandbox.servers.hris_answers import refuse
from hrorch_pipelines.sandbox.servers.hris_tables import add_row
from hrorch_pipelines.sandbox.servers.hris_view import FIELD_TYPES, RESTRICTED, TABLES, is_known, row_in_force, table_of
from hrorch_pipelines.sandbox.servers.records import FIRST_CLIENT_NUMBER, SystemRecords

_READ_ONLY = {"id", "employeeId", "lastChanged", "lastChangedBy", "status", RESTRICTED}


class EmployeeWrites:
    """Handlers that write the collection employees."""

    def __init__(self, records: SystemRecords) -> None:
        self._records = records

    async def create(self, request: Request) -> Response:
        """POST /employees: 201, no body, the new id in Location. Who comes without an employee number is given one."""
        sent = await json_body(request, refuse(400, "Malformed JSON"))
        if not sent.get("firstName") or not sent.get("lastName"):
            raise Refused(refuse(400, "firstName and lastName are required"))
        self._check(sent, {}, None)
        number = self._records.new_number("employees")
        key, own = str(number), {name: value for name, value in sent.items() if table_of(name) is None}
        own["employeeNumber"] = own.get("employeeNumber") or _employee_number(number)
        self._records.put("employees", key, {"id": key, "status": "Active", **own}, by=actor(request))
        self._tables(key, sent, actor(request))
        return Response(status_code=201, headers={"Location": str(request.url.replace(query="")) + f"/{key}"})

    async def update(self, request: Request) -> Response:
        """POST /employees/{id}: only the fields named; those of a table become a row that begins today."""
        employee = self._records.get("employees", request.path_params["id"])
        sent = await json_body(request, refuse(400, "Malformed JSON"))
        withheld = set(employee.body.get(RESTRICTED, []))
        if withheld & set(sent):
            raise Refused(refuse(403, f"no permission to change {min(withheld & set(sent))}"))
        self._check(sent, employee.body, employee.id)
        own = {name: value for name, value in sent.items() if table_of(name) is None or name in employee.body}
        if own:
            self._records.put("employees", employee.id, {**employee.body, **own}, by=actor(request))
        self._tables(employee.id, {name: value for name, value in sent.items() if name not in own}, actor(request))
        return Response(status_code=200)

    def _tables(self, employee: str, sent: dict[str, Any], by: str) -> None:
        """New rows for table fields: the row in force with the new values, from today on."""
        today = self._records.clock.now().date().isoformat()
        for name, table in TABLES.items():
            values = {column: sent[field] for field, column in table.supplies.items() if field in sent}
            if values:
                current = row_in_force(self._records, name, employee)
                kept = (
                    {} if current is None else {k: v for k, v in current.body.items() if k not in {"id", "employeeId"}}
                )
                add_row(self._records, name, employee, {**kept, **values, table.dated: today}, by)

    def _check(self, sent: dict[str, Any], known: dict[str, Any], employee: str | None) -> None:
        for name, value in sent.items():
            if name in _READ_ONLY or not is_known(name, known):
                raise Refused(refuse(400, f"{name} is not a field that can be written"))
            kind = FIELD_TYPES.get(name)
            if kind == "date" and value not in ("", None) and not _is_date(value):
                raise Refused(refuse(409, f"{name} is not a valid date"))
            if kind == "email" and value and "@" not in str(value):
                raise Refused(refuse(409, f"{name} is not a valid email address"))
        if sent.get("workEmail") and self._taken(str(sent["workEmail"]), employee):
            raise Refused(refuse(409, "workEmail is already in use"))

    def _taken(self, address: str, employee: str | None) -> bool:
        return any(
            str(one.body.get("workEmail") or "").lower() == address.lower() and one.id != employee
            for one in self._records.store.each("employees")
        )


def _employee_number(number: int) -> str:
    """Scattered as the world's own, and of seven digits, which none of those has."""
    return f"7{((number - FIRST_CLIENT_NUMBER) * 374_321 + 4_177) % 999_983:06d}"


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True
