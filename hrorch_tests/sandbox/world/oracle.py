"""A small, slow reading of the stores' documents, written apart from both generator and product: what each system says."""

from __future__ import annotations

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

from hrorch_pipelines.sandbox.store import Store

CENTRES = {
    row["source"]: row["canonical"]
    for row in csv.DictReader((Path(__file__).parents[3] / "data/catalogues/departments.csv").open(encoding="utf-8"))
}
PER_YEAR = {"Year": 1, "Month": 12, "Paycheck": 26, "Week": 52, "Hour": 2080}
STATUS = {
    "Full-Time": "active", "Part-Time": "active", "Contractor": "active", "Pre-Hire": "prehire",
    "Leave of Absence": "leave", "Terminated": "terminated",
}  # fmt: skip
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


def in_force(rows: list[dict], column: str, day: date) -> dict:
    """The effective-dated row that counts: the latest date not after `day`, then the greatest id."""
    due = [row for row in rows if row[column] <= day.isoformat()]
    return max(due, key=lambda row: (row[column], int(row.get("id", 0))), default={})


def phone(text: str | None) -> str | None:
    return text and "".join(c for c in text if c in "+0123456789")


def hris(folder: Path, day: date) -> dict[str, dict]:
    """HRIS id → canonical values."""
    store, tables = Store(folder, "hris"), {}
    for table in ("jobInfo", "compensation", "employmentStatus"):
        for document in store.each(table):
            tables.setdefault((table, document.parent), []).append(document.body)
    found = {}
    for document in store.each("employees"):
        b = document.body
        job = in_force(tables.get(("jobInfo", document.id), []), "date", day)
        pay = in_force(tables.get(("compensation", document.id), []), "startDate", day)
        status = in_force(tables.get(("employmentStatus", document.id), []), "date", day)
        found[document.id] = {
            "employee_number": b["employeeNumber"], "legal_first_name": b["firstName"], "legal_last_name": b["lastName"],
            "preferred_name": b["preferredName"], "work_email": b["workEmail"], "personal_email": b["homeEmail"],
            "phone": phone(b["mobilePhone"]), "date_of_birth": b["birthDate"], "postcode": b["zipcode"],
            "manager": b["reportsToId"], "start_date": b["hireDate"], "end_date": b["terminationDate"],
            "job_title": job.get("jobTitle"), "department": job.get("department"),
            "employment_type": (job.get("employmentType") or "").lower() or None,
            "pay_amount": Decimal(pay["rate"]["value"]) * PER_YEAR[pay["paidPer"]] if pay else None,
            "flsa_status": pay["exempt"].replace("-", "").lower() if pay else None,
            "employment_status": STATUS.get(status.get("employmentStatus")),
            "hidden": {
                {"birthDate": "date_of_birth", "homeEmail": "personal_email", "mobilePhone": "phone", "zipcode": "postcode"}[f]
                for f in b.get("_restrictedFields", [])
            },
        }  # fmt: skip
    return found


def payroll(folder: Path, day: date) -> dict[str, dict]:
    """Payroll uuid → canonical values; `manager` is a payroll uuid."""
    found = {}
    for document in Store(folder, "payroll").each("employees"):
        b = document.body
        job = b["jobs"][0]
        pay = in_force(job["compensations"], "effective_date", day) if len(job["compensations"]) else {}
        status = "terminated" if b["terminated"] else "leave" if b["on_leave"] else "active"
        found[document.id] = {
            "employee_number": b["employee_code"], "legal_first_name": b["first_name"], "legal_last_name": b["last_name"],
            "preferred_name": b["preferred_first_name"], "work_email": b["work_email"], "personal_email": b["email"],
            "phone": phone(b["phone"]), "date_of_birth": b["date_of_birth"], "postcode": b["current_home_address"]["zip"],
            "manager": b["manager_uuid"], "department": b["department"], "employment_status": status,
            "end_date": b["terminations"][0]["effective_date"] if b["terminations"] else None,
            "job_title": job["title"], "start_date": job["hire_date"],
            "pay_amount": Decimal(pay["rate"]) * PER_YEAR[pay["payment_unit"]] if pay else None,
            "flsa_status": pay["flsa_status"].lower() if pay else None,
        }  # fmt: skip
    return found


def directory(folder: Path) -> dict[str, dict]:
    """SCIM id → canonical values; `manager` is a SCIM id."""
    found = {}
    for document in Store(folder, "directory").each("users"):
        b = document.body
        found[document.id] = {
            "employee_number": b[ENTERPRISE].get("employeeNumber"), "legal_first_name": b["name"]["givenName"],
            "legal_last_name": b["name"]["familyName"], "preferred_name": b.get("nickName"),
            "work_email": next(e["value"] for e in b["emails"] if e["primary"]),
            "phone": phone(next((p["value"] for p in b["phoneNumbers"]), None)),
            "job_title": b["title"], "department": b[ENTERPRISE]["department"],
            "manager": b[ENTERPRISE].get("manager", {}).get("value"),
            "employment_status": "terminated" if not b["active"] else "leave" if b["userType"] == "Leave" else "active",
        }  # fmt: skip
    return found


def onboarding(folder: Path) -> list[dict]:
    """Canonical values of each new hire."""
    return [
        {
            "id": document.id, "employee_number": document.body["employeeNumber"],
            "legal_first_name": document.body["firstName"], "legal_last_name": document.body["lastName"],
            "personal_email": document.body["personalEmail"], "work_email": document.body["workEmail"],
            "start_date": datetime.strptime(document.body["startDate"], "%m/%d/%Y").date().isoformat(),  # noqa: DTZ007
            "department": CENTRES[document.body["department"]],
        }
        for document in Store(folder, "onboarding").each("newhires")
    ]  # fmt: skip


def ats(folder: Path) -> dict[str, dict]:
    """Candidate id → canonical values; of the offers the latest version counts."""
    store, found, offers = Store(folder, "ats"), {}, {}
    for document in store.each("offers"):
        known = offers.get(document.parent)
        if known is None or document.body["version"] > known["version"]:
            offers[document.parent] = document.body
    for document in store.each("candidates"):
        b, offer = document.body, offers.get(document.id)
        found[document.id] = {
            "legal_first_name": b["first_name"], "legal_last_name": b["last_name"], "preferred_name": b["preferred_name"],
            "personal_email": b["email_addresses"][0]["value"], "phone": phone(b["phone_numbers"][0]["value"]),
        }  # fmt: skip
        if offer:
            custom = {name: item["value"] for name, item in offer["custom_fields"].items()}
            found[document.id] |= {
                "start_date": offer["starts_on"], "job_title": custom["job_title"], "department": custom["department"],
                "employment_type": custom["employment_type"].lower(),
                "pay_amount": Decimal(custom["salary"]["amount"]) * PER_YEAR[custom["pay_unit"]],
            }  # fmt: skip
    return found


def check(folder: Path) -> dict[str, dict]:
    """Candidate id → canonical values."""
    return {
        document.id: {
            "legal_first_name": document.body["first_name"], "legal_last_name": document.body["last_name"],
            "personal_email": document.body["email"], "phone": phone(document.body["phone"]),
            "postcode": document.body["zipcode"], "date_of_birth": document.body["dob"],
        }
        for document in Store(folder, "check").each("candidates")
    }  # fmt: skip


def disagreements(folder: Path, day: date) -> list[tuple[str, str, str]]:
    """Every (system, source id, attribute) that contradicts its authority, and every record nobody can place."""
    workers, wrong = hris(folder, day), []
    by_number = {values["employee_number"]: (key, values) for key, values in workers.items()}
    by_email = {}
    for key, values in workers.items():  # of two records of one person the later start counts
        known = by_email.get(values["personal_email"])
        if known is None or values["start_date"] >= known[1]["start_date"]:
            by_email[values["personal_email"]] = key, values
    payroll_records, accounts, candidates = payroll(folder, day), directory(folder), ats(folder)
    payroll_of = {
        by_number[v["employee_number"]][0]: k for k, v in payroll_records.items() if v["employee_number"] in by_number
    }
    account_of = {
        by_number[v["employee_number"]][0]: k for k, v in accounts.items() if v["employee_number"] in by_number
    }

    def compare(system: str, key: str, copy: dict, authority: dict, leave_out: frozenset[str] = frozenset()) -> None:
        for name, value in copy.items():
            if name in authority and name not in authority.get("hidden", ()) and name not in leave_out | {"id"}:
                one, other = value or None, authority[name] or None
                if one != other:
                    wrong.append((system, key, name))

    for system, records, ids in (("payroll", payroll_records, payroll_of), ("directory", accounts, account_of)):
        for key, copy in records.items():
            if copy["employee_number"] not in by_number:
                wrong.append((system, key, "employee_number"))
                continue
            authority = dict(by_number[copy["employee_number"]][1])
            authority["manager"] = ids.get(authority["manager"])
            compare(system, key, copy, authority)
    for copy in onboarding(folder):
        if copy["employee_number"] in by_number:
            compare("onboarding", copy["id"], copy, by_number[copy["employee_number"]][1])
        else:
            wrong.append(("onboarding", copy["id"], "employee_number"))
    by_candidate = {v["personal_email"]: v for v in candidates.values()}
    for system, records in (("ats", candidates), ("check", check(folder))):
        for key, copy in records.items():
            if copy["personal_email"] in by_email:
                compare(system, key, copy, by_email[copy["personal_email"]][1])
            elif system == "check" and copy["personal_email"] in by_candidate:
                compare(system, key, copy, by_candidate[copy["personal_email"]])
            elif system == "check":
                wrong.append((system, key, "personal_email"))
    return wrong


def absences(folder: Path, day: date, grace: dict[str, int]) -> list[tuple[str, str, str]]:
    """(system, HRIS id, 'missing' | 'ghost') for workers who must (not) be in payroll and directory, beyond the grace days."""
    workers, found = hris(folder, day), []
    records = {
        "payroll": {v["employee_number"]: v for v in payroll(folder, day).values()},
        "directory": {v["employee_number"]: v for v in directory(folder).values()},
    }
    for key, worker in workers.items():
        for system, held in records.items():
            copy = held.get(worker["employee_number"])
            if worker["employment_status"] in {"active", "leave"}:
                late = (day - date.fromisoformat(worker["start_date"])).days > grace[system]
                if late and (copy is None or copy["employment_status"] == "terminated"):
                    found.append((system, key, "missing"))
            elif worker["employment_status"] == "terminated" and copy and copy["employment_status"] != "terminated":
                found.append((system, key, "ghost"))
    return found
