"""Employees of the payroll system with their jobs and compensations inside, each with a version of its own."""

from __future__ import annotations

import copy
import uuid
from typing import Any

from hrorch_pipelines.sandbox.servers.payroll_new import in_effect, new_employee, new_job, new_termination
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document, VersionConflict, stamp, version_of

_KINDS = ("employees", "jobs", "compensations")
_FIXED = {"uuid", "ssn", "has_ssn", "jobs", "compensations", "employee_uuid", "job_uuid", "current_compensation_uuid"}
_UNITS = {"Hour", "Week", "Month", "Year", "Paycheck"}
Part = dict[str, Any]


class StaleVersion(Exception):  # noqa: N818  (answered as 409)
    """The version named is not the current one."""


class PayrollRecords:
    """Reads and writes whole employees, or one job or compensation inside one."""

    def __init__(self, records: SystemRecords) -> None:
        self._records = records

    def page(self, page: int, size: int, include: set[str], *, terminated: bool | None) -> tuple[list[Part], int]:
        """One page of employees in order of creation, and how many there are; terminated ones are included unless asked."""
        if terminated is None:
            rows = self._records.store.page("employees", limit=size, offset=(page - 1) * size)
            return [self._shown(one, include) for one in rows], self._records.store.count("employees")
        everybody = self._records.store.each("employees")
        chosen = [one for one in everybody if bool(self._ended(one.body).get("terminated")) is terminated]
        return [self._shown(one, include) for one in chosen[(page - 1) * size : page * size]], len(chosen)

    def read(self, kind: str, key: str, include: set[str]) -> Part:
        """One employee, job or compensation. Raises Missing."""
        if kind == "employees":
            return self._shown(self._records.get("employees", key), include)
        return self._find(kind, key)[2]

    def parts(self, kind: str, key: str, part: str) -> list[Part]:
        """The jobs or terminations of an employee, or the compensations of a job. Raises Missing."""
        if (kind, part) == ("employees", "jobs"):
            return list(self._records.get("employees", key).body.get("jobs", []))
        if (kind, part) == ("employees", "terminations"):
            return list(self._ended(self._records.get("employees", key).body).get("terminations", []))
        if (kind, part) == ("jobs", "compensations"):
            return list(self._find("jobs", key)[2].get("compensations", []))
        raise Missing

    def unwritable(self, kind: str, key: str, sent: Part) -> str | None:
        """The first field sent that does not exist, cannot be written or has no valid value."""
        known = self.read(kind, key, {"all_compensations", "current_home_address"})
        for name, value in sent.items():
            if name == "version":
                continue
            if name not in known or name in _FIXED or (name == "payment_unit" and value not in _UNITS):
                return name
            if name == "rate" and not _is_amount(value):
                return name
        return None

    def update(self, kind: str, key: str, sent: Part, by: str) -> Part:
        """Change the fields named, if `version` is current. Raises Missing, StaleVersion."""
        change = {name: value for name, value in sent.items() if name != "version"}
        if kind == "employees":
            old = self._records.get("employees", key)
            return self._shown(self._put(old, {**old.body, **change}, by, expected=sent["version"]), set())
        old, body, part = self._find(kind, key)
        if part.get("version") != sent["version"]:
            raise StaleVersion
        part.update(change, version=version_of(part.get("version"), change, stamp(self._records.clock.now())))
        self._put(old, body, by, expected=old.version)
        return part

    def create_employee(self, sent: Part, company: str, by: str) -> Part:
        """A new employee without jobs."""
        body = new_employee(self._records.new_number("employees"), company, sent)
        return self._shown(self._records.put("employees", body["uuid"], body, by=by), set())

    def add_job(self, employee: str, sent: Part, by: str) -> Part:
        """A new job of an employee, with the pay of nothing that comes with it. Raises Missing."""
        old = self._records.get("employees", employee)
        jobs = old.body.get("jobs", [])
        new = new_job(employee, len(jobs), sent, stamp(self._records.clock.now()))
        self._put(old, {**old.body, "jobs": [*jobs, new]}, by, expected=old.version)
        return new

    def add_termination(self, employee: str, sent: Part, by: str) -> Part | None:
        """A termination of an employee; None when there is one already. Raises Missing."""
        old = self._records.get("employees", employee)
        held = old.body.get("terminations", [])
        if old.body.get("terminated") or held:
            return None
        new = new_termination(employee, len(held), sent, stamp(self._records.clock.now()))
        self._put(old, {**old.body, "terminations": [new]}, by, expected=old.version)
        return new

    def add_compensation(self, job_uuid: str, sent: Part, by: str) -> Part:
        """A new compensation of a job, effective from a date. Raises Missing."""
        old, body, job = self._find("jobs", job_uuid)
        rows = job.setdefault("compensations", [])
        new: Part = {
            "uuid": str(uuid.uuid5(uuid.NAMESPACE_OID, f"compensation {job_uuid} {len(rows)}")),
            "job_uuid": job_uuid,
            **{name: sent[name] for name in ("rate", "payment_unit", "flsa_status", "effective_date") if name in sent},
        }
        new["version"] = version_of(new, stamp(self._records.clock.now()))
        rows.append(new)
        self._put(old, body, by, expected=old.version)
        return new

    def _shown(self, document: Document, include: set[str]) -> Part:
        body = {**self._ended(document.body), "uuid": document.id, "version": document.version, "ssn": ""}
        if "current_home_address" not in include:
            body.pop("current_home_address", None)
        if "all_compensations" not in include:
            today = self._records.clock.now().date().isoformat()
            body["jobs"] = [{**job, "compensations": _in_force(job, today)} for job in body.get("jobs", [])]
        return body

    def _ended(self, body: Part) -> Part:
        """As it is today: a termination made here takes effect when its last day of work is past."""
        today = self._records.clock.now().date().isoformat()
        if not any(in_effect(one, today) for one in body.get("terminations", [])):
            return body
        ended = [{**one, "active": one.get("active") or in_effect(one, today)} for one in body["terminations"]]
        return {**body, "terminated": True, "terminations": ended}

    def _put(self, old: Document, body: Part, by: str, *, expected: str) -> Document:
        try:
            return self._records.put("employees", old.id, body, by=by, parent=old.parent, expected=expected)
        except VersionConflict:
            raise StaleVersion from None

    def _find(self, kind: str, key: str) -> tuple[Document, Part, Part]:
        """The employee who holds a job or compensation, a copy of the body to change, and the part inside that copy."""
        if kind not in _KINDS:
            raise Missing
        for document in self._records.store.each("employees"):
            for at, job in enumerate(document.body.get("jobs", [])):
                places: list[tuple[str, Part, int | None]] = [("jobs", job, None)]
                places += [("compensations", row, row_at) for row_at, row in enumerate(job.get("compensations", []))]
                for name, part, row_at in places:
                    if name == kind and part.get("uuid") == key:
                        body = copy.deepcopy(document.body)
                        held = body["jobs"][at]
                        return document, body, held if row_at is None else held["compensations"][row_at]
        raise Missing


def _in_force(job: Part, today: str) -> list[Part]:
    """The compensation that counts today: the last to begin by then."""
    begun = [row for row in job.get("compensations", []) if str(row.get("effective_date") or "") <= today]
    return [max(begun, key=lambda row: str(row.get("effective_date") or ""))] if begun else []


def _is_amount(value: Any) -> bool:
    try:
        return 0 <= float(value) < 10**9
    except (TypeError, ValueError):
        return False
