"""What a new employee, job, pay or termination of the payroll system looks like, and which fields it takes."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

from hrorch_pipelines.sandbox.store import version_of

Part = dict[str, Any]

HIRED_WITH = frozenset(
    {
        *("first_name", "middle_initial", "last_name", "preferred_first_name", "email", "work_email", "date_of_birth"),
        *("ssn", "self_onboarding"),
    }
)
JOB_WITH = frozenset({"title", "hire_date", "location_id", "two_percent_shareholder", "state_wc_covered"})
ENDED_WITH = frozenset({"effective_date", "run_termination_payroll"})

_BLANK: Part = {
    "preferred_first_name": None,
    "work_email": None,
    "email": None,
    "phone": None,
    "date_of_birth": None,
    "employee_code": None,
    "department": None,
    "manager_uuid": None,
    "current_home_address": None,
    "terminated": False,
    "onboarded": False,
    "on_leave": False,
}


def new_employee(number: int, company: str, sent: Part) -> Part:
    """An employee with nothing but what was sent; the social security number is taken and never shown."""
    told = {name: value for name, value in sent.items() if name not in {"ssn", "self_onboarding"}}
    key = _uuid(f"employee {number}")
    ssn = {"ssn": "", "has_ssn": bool(sent.get("ssn"))}
    return {**_BLANK, **told, **ssn, "uuid": key, "company_uuid": company, "jobs": [], "terminations": []}


def new_job(employee: str, number: int, sent: Part, now: str) -> Part:
    """A job, the primary one when it is the first, with the hourly pay of 0.00 that comes with every new job."""
    key = _uuid(f"job {employee} {number}")
    pay: Part = {
        "uuid": _uuid(f"compensation {key} 0"),
        "job_uuid": key,
        "employee_uuid": employee,
        "rate": "0.00",
        "payment_unit": "Hour",
        "flsa_status": "Nonexempt",
        "effective_date": sent["hire_date"],
    }
    pay["version"] = version_of(pay, now)
    job = {
        **sent,
        "uuid": key,
        "employee_uuid": employee,
        "primary": number == 0,
        "rate": "0.00",
        "payment_unit": "Hour",
    }
    return {
        **job,
        "current_compensation_uuid": pay["uuid"],
        "version": version_of(job, now),
        "compensations": [pay],
    }


def new_termination(employee: str, number: int, sent: Part, now: str) -> Part:
    """A termination; it is active from the day after the last day of work."""
    made = {
        "uuid": _uuid(f"termination {employee} {number}"),
        "employee_uuid": employee,
        "run_termination_payroll": False,
        **sent,
        "active": False,
    }
    return {**made, "version": version_of(made, now)}


def in_effect(termination: Part, today: str) -> bool:
    """Whether one made here has come; those of the world's own story say it themselves."""
    return "run_termination_payroll" in termination and str(termination["effective_date"]) < today


def is_date(value: Any) -> bool:
    """An ISO date."""
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, name))
