"""What the other systems do by themselves with what they hold of a member: checks come back, dates count, payroll pays."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import date, timedelta

from hrorch_pipelines.sandbox.cohort_hands import Deed
from hrorch_pipelines.sandbox.cohort_members import Kind, Member, is_payday
from hrorch_pipelines.sandbox.cohort_records import Holdings
from hrorch_pipelines.sandbox.company import token
from hrorch_pipelines.sandbox.documents_payroll import PER_YEAR
from hrorch_pipelines.sandbox.ids import at
from hrorch_pipelines.sandbox.servers.hris_status import told_by_status
from hrorch_pipelines.sandbox.store import Body, Document

PAY_PERIODS = 26


def reactions(member: Member, held: Holdings, day: date) -> Iterator[Deed]:
    """What happens on this day to what is there already."""
    yield from _check(member, held, day)
    yield from _onboarding(member, held, day)
    yield from _hris(held, day)
    yield from _payroll(held, day)


def check_days(member: Member) -> int:
    """Days from the order to the result."""
    return 2 if member.kind is Kind.EARLY_RESULT else 2 + int(member.person.draws[9] * 3)


def _check(member: Member, held: Holdings, day: date) -> Iterator[Deed]:
    """A day after the invitation the candidate fills in the form and the report begins; some days later it is complete."""
    candidates = {one.id: one for one in held.of("check")}
    for invitation in held.of("check", "invitations"):
        candidate, key = candidates[str(invitation.parent)], token("cohort report", invitation.id)[:24]
        if invitation.body.get("status") != "pending" or not _days_since(invitation.body["created_at"], 1, day):
            continue
        done = {**invitation.body, "status": "completed", "report_id": key, "completed_at": at(day, 16)}
        yield Deed("check", "invitations", invitation.id, done, "Checkr", candidate.id, 16)
        report: Body = {
            "id": key, "object": "report", "uri": f"/v1/reports/{key}", "candidate_id": candidate.id, "status": "pending",
            "result": None, "package": invitation.body.get("package"), "created_at": at(day, 16), "completed_at": None,
        }  # fmt: skip
        yield Deed("check", "reports", key, report, "Checkr", candidate.id, 16)
        who = member.person
        own = {"zipcode": who.postcode, "dob": who.born.isoformat(), "ssn": f"XXX-XX-{who.ssn[-4:]}"}
        told = {**candidate.body, **own, "report_ids": [*candidate.body.get("report_ids", []), key]}
        yield Deed("check", "candidates", candidate.id, told, f"{who.first} {who.last}", None, 16)
    for report_document in held.of("check", "reports"):
        body = report_document.body
        if body.get("status") == "pending" and _days_since(body["created_at"], check_days(member), day):
            result = "consider" if member.kind is Kind.ADVERSE else "clear"
            complete = {**body, "status": "complete", "result": result, "completed_at": at(day, 17)}
            yield Deed("check", "reports", report_document.id, complete, "Checkr", report_document.parent)


def _onboarding(member: Member, held: Holdings, day: date) -> Iterator[Deed]:
    """Half of the tasks on the first day, the rest within a fortnight; nobody works on cancelled ones."""
    if member.start is None or member.start > day or member.kind is Kind.NO_SHOW or member.rescinded:
        return
    over = member.start + timedelta(days=14) <= day
    for record in held.of("onboarding"):
        tasks = [task for task in held.of("onboarding", "tasks") if task.parent == record.id]
        wanted = "completed" if over else "in_progress"
        if record.body.get("status") in {wanted, "completed", "cancelled", "canceled"}:
            continue
        finished = tasks if over else tasks[: len(tasks) // 2]
        for task in finished:
            if task.body.get("status") != "done":
                yield Deed("onboarding", "tasks", task.id, {**task.body, "status": "done"}, "onboarding", record.id)
        body = {**record.body, "status": wanted, "openTasks": len(tasks) - len(finished)}
        yield Deed("onboarding", "newhires", record.id, body, f"{member.person.first} {member.person.last}")


def _hris(held: Holdings, day: date) -> Iterator[Deed]:
    """Rows of the status table count by date: an end makes a record inactive, a return takes the old end away."""
    for record in held.of("hris"):
        rows = [row for row in held.of("hris", "employmentStatus") if row.parent == record.id]
        if change := told_by_status(record.body, rows, day):
            yield Deed("hris", "employees", record.id, {**record.body, **change}, "BambooHR")


def _payroll(held: Holdings, day: date) -> Iterator[Deed]:
    """An end that was entered takes effect after its day; on every other Friday whoever is not ended is paid."""
    for record in held.of("payroll"):
        ends = [str(one.get("effective_date") or "") for one in record.body.get("terminations") or []]
        over = bool(record.body.get("terminated"))
        if not over and any(end and end < day.isoformat() for end in ends):
            body = copy.deepcopy(record.body) | {"terminated": True}
            body["terminations"] = [{**one, "active": True} for one in body["terminations"]]
            yield Deed("payroll", "employees", record.id, body, "Gusto", None, 16)
            over = True
        if is_payday(day) and not over and (gross := period_pay(record, day)):
            key = f"{day.isoformat()}-{record.id}"
            paid = {"id": key, "employee_uuid": record.id, "payday": day.isoformat(), "gross": f"{gross / 100:.2f}"}
            yield Deed("payroll", "payments", key, paid, "Gusto", record.id)


def period_pay(record: Document, day: date) -> int:
    """What payroll pays somebody for a fortnight, in cents; nothing before they have a job that has begun."""
    return round(yearly(record, day) / PAY_PERIODS)


def yearly(record: Document, day: date) -> float:
    """Cents a year, of the compensation in force on a day in the first job that has begun."""
    for job in record.body.get("jobs") or []:
        if str(job.get("hire_date") or "") > day.isoformat():
            continue
        rows = [
            row for row in job.get("compensations") or [] if str(row.get("effective_date") or "") <= day.isoformat()
        ]
        if rows:
            row = max(rows, key=lambda one: str(one.get("effective_date") or ""))
            return float(row.get("rate") or 0) * 100 * PER_YEAR.get(str(row.get("payment_unit")), 0)
    return 0


def _days_since(moment: str, days: int, day: date) -> bool:
    return date.fromisoformat(moment[:10]) + timedelta(days=days) <= day
