"""What the HRIS shows of an employee: stored fields, fields of effective-dated tables as of a day, withheld fields."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from hrorch_pipelines.sandbox.servers.records import SystemRecords
from hrorch_pipelines.sandbox.store import Body, Document

RESTRICTED = "_restrictedFields"
"""In a stored body: names of fields this API key may not see of this employee."""


@dataclass(frozen=True)
class Table:
    """An effective-dated table: its date column, and employee field → column for the values it supplies."""

    dated: str
    supplies: dict[str, str]


TABLES = {
    "jobInfo": Table(
        "date",
        {"jobTitle": "jobTitle", "department": "department", "division": "division", "location": "location",
         "reportsTo": "reportsTo"},
    ),
    "compensation": Table(
        "startDate", {"payRate": "rate", "payType": "type", "paidPer": "paidPer", "exempt": "exempt"}
    ),
    "employmentStatus": Table("date", {"employmentStatus": "employmentStatus"}),
}  # fmt: skip
_TABLE_OF = {field: name for name, table in TABLES.items() for field in table.supplies}
_ALIASES = {
    "employeeId": "id",
    "jobTitleName": "jobTitle",
    "departmentName": "department",
    "divisionName": "division",
    "locationName": "location",
    "employmentStatusName": "employmentStatus",
    "reportsToName": "reportsTo",
    "supervisorEId": "reportsToId",
}
FIELD_TYPES = {
    "id": "int", "employeeNumber": "text", "firstName": "text", "middleName": "text", "lastName": "text",
    "preferredName": "text", "workEmail": "email", "homeEmail": "email", "bestEmail": "email", "mobilePhone": "phone",
    "workPhone": "phone", "homePhone": "phone", "birthDate": "date", "ssn": "ssn", "address1": "text", "city": "text",
    "state": "state", "zipcode": "text", "country": "country", "hireDate": "date", "originalHireDate": "date",
    "terminationDate": "date", "status": "status", "reportsToId": "employee", "reportsTo": "employee", "jobTitle": "list",
    "department": "list", "division": "list", "location": "list", "employmentStatus": "list", "payRate": "currency",
    "payType": "text", "paidPer": "list", "exempt": "list", "photoUrl": "url", "fte": "text",
    "lastChanged": "timestamp", "lastChangedBy": "text",
}  # fmt: skip


def table_of(field: str) -> str | None:
    """The table that supplies an employee field, if one does."""
    return _TABLE_OF.get(_ALIASES.get(field, field))


def is_known(field: str, body: Body) -> bool:
    """Whether a field exists in this account."""
    return _ALIASES.get(field, field) in FIELD_TYPES or field in body


class EmployeeView:
    """Reads fields of employees as of one day, with the tables' rows fetched once."""

    def __init__(
        self, records: SystemRecords, fields: Iterable[str], *, one: str | None = None, future: bool = False
    ) -> None:
        day = date.max.isoformat() if future else records.clock.now().date().isoformat()
        needed = {name for name in map(table_of, fields) if name}
        self._rows = {name: _rows_in_force(records, name, day, one) for name in needed}

    def value(self, employee: Document, field: str) -> Any:
        """A field's value; None when empty, withheld or unknown."""
        name = _ALIASES.get(field, field)
        if name in self.restricted(employee) or field in self.restricted(employee):
            return None
        if name == "lastChanged":
            return employee.updated_at
        if name == "lastChangedBy":
            return employee.updated_by
        table = _TABLE_OF.get(name)
        if name in employee.body or table is None:
            return employee.body.get(name)
        row = self._rows.get(table, {}).get(employee.id)
        return None if row is None else row.body.get(TABLES[table].supplies[name])

    @staticmethod
    def restricted(employee: Document) -> list[str]:
        """Fields withheld of this employee."""
        return list(employee.body.get(RESTRICTED, []))


def row_in_force(records: SystemRecords, table: str, employee: str) -> Document | None:
    """The row of a table that counts today for one employee."""
    return _rows_in_force(records, table, records.clock.now().date().isoformat(), employee).get(employee)


def as_text(value: Any) -> str:
    """A value as reports show it: text, empty for nothing, `52000.00 USD` for money."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return f"{value.get('value', '')} {value.get('currency', '')}".strip()
    return str(value)


def _rows_in_force(records: SystemRecords, table: str, day: str, one: str | None) -> dict[str, Document]:
    dated = TABLES[table].dated
    best: dict[str, Document] = {}
    rows = records.store.page(table, parent=one) if one is not None else records.store.each(table)
    for row in rows:
        employee, since = row.parent or "", str(row.body.get(dated) or "")
        known = best.get(employee)
        if since <= day and (known is None or (str(known.body.get(dated) or ""), known.seq) <= (since, row.seq)):
            best[employee] = row
    return best
