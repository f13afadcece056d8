"""Where each system's documents keep an attribute, and in which form: how a planted value gets into them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from hrorch_pipelines.sandbox.company import DEPARTMENTS
from hrorch_pipelines.sandbox.documents_directory import ENTERPRISE
from hrorch_pipelines.sandbox.documents_hris import money
from hrorch_pipelines.sandbox.documents_payroll import PER_YEAR
from hrorch_pipelines.sandbox.ids import account
from hrorch_pipelines.sandbox.store import Body

Path_ = tuple[str | int, ...]


@dataclass(frozen=True)
class Place:
    """An attribute in a system: the record type's name in presets, the collection, the path, the form of the value."""

    record: str
    collection: str
    path: Path_
    form: Callable[[str], Any] = str


def _us_date(text: str) -> str:
    return date.fromisoformat(text).strftime("%m/%d/%Y")


PLACES: dict[tuple[str, str], Place] = {
    ("payroll", "legal_first_name"): Place("worker", "employees", ("first_name",)),
    ("payroll", "legal_last_name"): Place("worker", "employees", ("last_name",)),
    ("payroll", "preferred_name"): Place("worker", "employees", ("preferred_first_name",)),
    ("payroll", "personal_email"): Place("worker", "employees", ("email",)),
    ("payroll", "phone"): Place("worker", "employees", ("phone",)),
    ("payroll", "date_of_birth"): Place("worker", "employees", ("date_of_birth",)),
    ("payroll", "postcode"): Place("worker", "employees", ("current_home_address", "zip")),
    ("payroll", "department"): Place("worker", "employees", ("department",)),
    ("payroll", "end_date"): Place("worker", "employees", ("terminations", 0, "effective_date")),
    ("payroll", "job_title"): Place("job", "employees", ("jobs", 0, "title")),
    ("payroll", "start_date"): Place("job", "employees", ("jobs", 0, "hire_date")),
    ("payroll", "pay_amount"): Place("compensation", "employees", ("jobs", 0, "compensations", -1, "rate")),
    ("directory", "employee_number"): Place("user", "users", (ENTERPRISE, "employeeNumber")),
    ("directory", "legal_first_name"): Place("user", "users", ("name", "givenName")),
    ("directory", "legal_last_name"): Place("user", "users", ("name", "familyName")),
    ("directory", "preferred_name"): Place("user", "users", ("nickName",)),
    ("directory", "phone"): Place("user", "users", ("phoneNumbers", 0, "value")),
    ("directory", "job_title"): Place("user", "users", ("title",)),
    ("directory", "department"): Place("user", "users", (ENTERPRISE, "department")),
    ("directory", "manager"): Place("user", "users", (ENTERPRISE, "manager", "value"), lambda n: account(int(n))),
    ("ats", "legal_first_name"): Place("candidate", "candidates", ("first_name",)),
    ("ats", "legal_last_name"): Place("candidate", "candidates", ("last_name",)),
    ("ats", "phone"): Place("candidate", "candidates", ("phone_numbers", 0, "value")),
    ("ats", "start_date"): Place("offer", "offers", ("starts_on",)),
    ("ats", "job_title"): Place("offer", "offers", ("custom_fields", "job_title", "value")),
    ("ats", "pay_amount"): Place("offer", "offers", ("custom_fields", "salary", "value", "amount")),
    ("check", "legal_first_name"): Place("candidate", "candidates", ("first_name",)),
    ("check", "legal_last_name"): Place("candidate", "candidates", ("last_name",)),
    ("check", "phone"): Place("candidate", "candidates", ("phone",)),
    ("check", "postcode"): Place("candidate", "candidates", ("zipcode",)),
    ("check", "date_of_birth"): Place("candidate", "candidates", ("dob",)),
    ("onboarding", "employee_number"): Place("newhire", "newhires", ("employeeNumber",)),
    ("onboarding", "legal_first_name"): Place("newhire", "newhires", ("firstName",)),
    ("onboarding", "legal_last_name"): Place("newhire", "newhires", ("lastName",)),
    ("onboarding", "personal_email"): Place("newhire", "newhires", ("personalEmail",)),
    ("onboarding", "start_date"): Place("newhire", "newhires", ("startDate",), _us_date),
    ("onboarding", "department"): Place("newhire", "newhires", ("department",), DEPARTMENTS.__getitem__),
}


def put_value(body: Body, system: str, attribute: str, value: str | None) -> None:
    """Write a canonical value (pay: cents a year) into a document, in the vendor's form; None empties the field."""
    place = PLACES[system, attribute]
    if attribute == "pay_amount" and value is not None:
        if system == "payroll":
            job = body["jobs"][0]
            job["rate"] = job["compensations"][-1]["rate"] = money(round(int(value) / PER_YEAR[job["payment_unit"]]))
        else:
            put_at(body, place.path, money(round(int(value) / PER_YEAR[body["custom_fields"]["pay_unit"]["value"]])))
        return
    if value is None and place.path == ("phoneNumbers", 0, "value"):
        body["phoneNumbers"] = []
        return
    if value is None and place.path == ("nickName",):
        body.pop("nickName", None)
        return
    put_at(body, place.path, None if value is None else place.form(value))


def put_at(body: Any, path: Path_, value: Any) -> None:
    """Set what a path leads to."""
    for step in path[:-1]:
        body = body[step]
    body[path[-1]] = value
