"""A small, hand-made world in the vendors' shapes, so that these tests know every value. No test in here."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from hrorch_pipelines.sandbox.store import Row, Store, version_of

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
LONG_AGO = "2026-01-01T00:00:00Z"
PEOPLE = 23
USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def fill(folder: Path, people: int = PEOPLE) -> None:
    """Write `people` persons into all six systems; employee 7 is terminated, employee 9 has withheld fields."""
    for system, rows_of in _ROWS.items():
        store = Store(folder, system)
        store.load(row for n in range(1, people + 1) for row in rows_of(n))
        store.close()


def first(n: int) -> str:
    return f"Given{n:04d}"


def last(n: int) -> str:
    return f"Family{n:04d}"


def employee_uuid(n: int) -> str:
    return f"00000000-0000-4000-8000-{n:012d}"


def _row(
    collection: str, key: object, body: dict[str, Any], parent: object = None, by: str | None = "Dana Whitfield"
) -> Row:
    return (
        collection,
        str(key),
        None if parent is None else str(parent),
        version_of(collection, key),
        LONG_AGO,
        by,
        body,
    )


def _ats(n: int) -> list[Row]:
    candidate = {
        "id": 1000 + n, "first_name": first(n), "last_name": last(n), "preferred_name": None,
        "email_addresses": [{"type": "personal", "value": f"p{n}@mail.example"}],
        "phone_numbers": [{"type": "mobile", "value": f"+1312555{n:04d}"}],
        "created_at": LONG_AGO, "updated_at": LONG_AGO,
    }  # fmt: skip
    offer = {
        "id": 5000 + n, "candidate_id": 1000 + n, "application_id": 3000 + n, "version": 1, "status": "accepted",
        "created_at": LONG_AGO, "updated_at": LONG_AGO, "starts_on": "2026-02-01",
        "custom_fields": {"job_title": {"name": "Job Title", "type": "short_text", "value": "Nurse"}},
    }  # fmt: skip
    application = {
        "id": 3000 + n,
        "candidate_id": 1000 + n,
        "status": "hired",
        "created_at": LONG_AGO,
        "updated_at": LONG_AGO,
    }
    return [
        _row("candidates", 1000 + n, candidate),
        _row("applications", 3000 + n, application, 1000 + n),
        _row("offers", 5000 + n, offer, 1000 + n),
    ]


def _hris(n: int) -> list[Row]:
    gone = n == 7
    employee = {
        "id": str(n), "employeeNumber": f"{n:06d}", "firstName": first(n), "lastName": last(n), "preferredName": None,
        "workEmail": f"w{n}@lakeside.example", "homeEmail": f"p{n}@mail.example", "mobilePhone": f"+1312555{n:04d}",
        "birthDate": "1980-05-17", "ssn": f"900-00-{n:04d}", "zipcode": "02134", "hireDate": "2026-02-01",
        "originalHireDate": "2026-02-01", "terminationDate": "2026-05-01" if gone else "0000-00-00",
        "status": "Inactive" if gone else "Active", "reportsToId": "1", "photoUrl": None,
    }  # fmt: skip
    if n == 9:
        employee["_restrictedFields"] = ["birthDate", "homeEmail"]
    job = {"date": "2026-02-01", "jobTitle": "Nurse", "department": "Radiology", "location": "Chicago"}
    pay = {
        "startDate": "2026-02-01",
        "rate": {"value": "60000.00", "currency": "USD"},
        "paidPer": "Year",
        "exempt": "Exempt",
    }
    raised = {**pay, "startDate": "2026-09-01", "rate": {"value": "66000.00", "currency": "USD"}}
    status = {"date": "2026-02-01", "employmentStatus": "Full-Time"}
    tables = [
        ("jobInfo", n, job),
        ("compensation", 2 * n, pay),
        ("compensation", 2 * n + 1, raised),
        ("employmentStatus", n, status),
    ]
    return [
        _row("employees", n, employee),
        *(_row(table, key, {"id": str(key), "employeeId": str(n), **body}, n) for table, key, body in tables),
    ]


def _payroll(n: int) -> list[Row]:
    key, job = employee_uuid(n), f"10000000-0000-4000-8000-{n:012d}"
    pay = [
        {"uuid": f"2000000{at}-0000-4000-8000-{n:012d}", "version": version_of("pay", n, at), "job_uuid": job,
         "rate": rate, "payment_unit": "Year", "flsa_status": "Exempt", "effective_date": since}
        for at, (rate, since) in enumerate([("60000.00", "2026-02-01"), ("66000.00", "2026-09-01")])
    ]  # fmt: skip
    body = {
        "uuid": key, "version": version_of("employees", key), "first_name": first(n), "last_name": last(n),
        "work_email": f"w{n}@lakeside.example", "ssn": f"900-00-{n:04d}", "has_ssn": True, "terminated": n == 7,
        "current_home_address": {"zip": "02134"}, "terminations": [],
        "jobs": [{"uuid": job, "version": version_of("job", n), "employee_uuid": key, "primary": True, "title": "Nurse",
                  "rate": "60000.00", "payment_unit": "Year", "hire_date": "2026-02-01", "compensations": pay}],
    }  # fmt: skip
    return [_row("employees", key, body)]


def _check(n: int) -> list[Row]:
    candidate = {
        "id": f"c{n:03d}",
        "object": "candidate",
        "first_name": first(n),
        "last_name": last(n),
        "email": f"p{n}@mail.example",
    }
    report = {
        "id": f"r{n:03d}",
        "object": "report",
        "candidate_id": f"c{n:03d}",
        "status": "complete",
        "result": "clear",
    }
    return [_row("candidates", f"c{n:03d}", candidate), _row("reports", f"r{n:03d}", report, f"c{n:03d}")]


def _onboarding(n: int) -> list[Row]:
    newhire = {
        "id": f"n{n:03d}",
        "firstName": first(n),
        "lastName": last(n),
        "startDate": "02/01/2026",
        "status": "done",
        "openTasks": 0,
    }
    task = {"id": f"t{n:03d}", "newHireId": f"n{n:03d}", "title": "Badge", "status": "done"}
    return [_row("newhires", f"n{n:03d}", newhire), _row("tasks", f"t{n:03d}", task, f"n{n:03d}")]


def _directory(n: int) -> list[Row]:
    body = {
        "schemas": [USER, ENTERPRISE], "userName": f"w{n}@lakeside.example", "active": n != 7, "title": "Nurse",
        "name": {"givenName": first(n), "familyName": last(n)},
        "emails": [{"value": f"w{n}@lakeside.example", "primary": True, "type": "work"}],
        ENTERPRISE: {"employeeNumber": f"{n:06d}", "department": "Radiology"},
    }  # fmt: skip
    return [_row("users", f"u{n:03d}", body)]


_ROWS = {
    "ats": _ats, "hris": _hris, "payroll": _payroll, "check": _check, "onboarding": _onboarding, "directory": _directory,
}  # fmt: skip
