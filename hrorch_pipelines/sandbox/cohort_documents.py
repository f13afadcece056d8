"""A cohort's own documents: what the ATS holds of an applicant, and what a person in HR types before anybody else."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from hrorch_pipelines.sandbox.cohort_members import TYPED, Kind, Member
from hrorch_pipelines.sandbox.cohort_script import working_days
from hrorch_pipelines.sandbox.company import CLERKS
from hrorch_pipelines.sandbox.documents_hiring import ats_documents
from hrorch_pipelines.sandbox.documents_hris import hris_documents, money
from hrorch_pipelines.sandbox.documents_payroll import payroll_documents
from hrorch_pipelines.sandbox.ids import at, ats_application
from hrorch_pipelines.sandbox.life import Hiring, Job, Life, Pay, Spell, Status
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Body, Row

RECRUITER, HR_CLERK, PAYROLL_CLERK = CLERKS[2], CLERKS[0], CLERKS[1]


def story(world: World, member: Member, day: date) -> dict[str, list[Row]]:
    """System → what the cohort's story has put there of a member by a day. Nothing else appears by itself."""
    if member.leaving:
        return {}
    rows = {"ats": list(_ats(world, member, day))}
    if member.kind in TYPED and member.countersigned and member.countersigned <= day:
        rows["hris"] = list(_typed_hris(world, member))
        if member.kind is not Kind.MANUAL_REKEY:
            rows["payroll"] = list(_typed_payroll(world, member))
    return rows


def employment(member: Member) -> Spell:
    """The employment that was agreed."""
    entered, start, who = member.countersigned, member.start, member.person
    if entered is None or start is None:
        raise ValueError(f"member {member.number} was never hired")
    return Spell(
        record=0,
        kind="Full-Time",
        fte="1.00",
        unit="Hour" if member.hourly else "Year",
        entered=entered,
        start=start,
        end=None,
        end_entered=None,
        jobs=(Job(entered, entered, member.department, who.city, member.title, member.manager),),
        pays=(Pay(entered, entered, member.cents, "Hire"),),
        statuses=(Status(entered, entered, "Pre-Hire"), Status(start, entered, "Full-Time")),
    )


def _ats(world: World, member: Member, day: date) -> Iterator[Row]:
    """Candidate, application with its stage, and every version of the offer with this company's own fields."""
    if member.applied is None or member.applied > day:
        return
    hiring = Hiring(
        applied=member.applied,
        department=member.department,
        location=member.person.city,
        title=member.title,
        kind="Full-Time",
        cents=member.cents,
        start=member.starts[0],
        offers=member.steps,
        checks=(),
        purged=None,
    )
    # Who comes back applies under the name and address they have now; their past is no part of the application.
    last = member.life.last_name(day)
    alone = Life(member.person, hiring=hiring, married=(date.min, last))
    for collection, key, parent, version, moment, _, body in ats_documents(world, alone, day):
        more: Body = {}
        if collection == "applications":
            more = {"current_stage": {"name": _stage(member, day)}}
        if collection == "offers":
            more = _terms(member, body, day)
        yield collection, key, parent, version, moment, RECRUITER, {**body, **more}


def _terms(member: Member, body: Body, day: date) -> Body:
    """What a version of the offer says of its own: first day, pay in the terms agreed, four more fields of this company."""
    authorized = member.authorized.isoformat() if member.authorized and member.authorized <= day else None
    salary = {"amount": money(member.cents // 2080 if member.hourly else member.cents), "unit": "USD"}
    more = {
        "salary": {"name": "Salary", "type": "currency", "value": salary},
        "pay_unit": {"name": "Pay unit", "type": "single_select", "value": "Hour" if member.hourly else "Year"},
        "location": {"name": "Location", "type": "single_select", "value": member.person.city},
        "hiring_manager_email": {"name": "Hiring manager email", "type": "short_text", "value": member.manager_email},
        "check_authorization": {"name": "Check authorization", "type": "date", "value": authorized},
    }
    return {
        "starts_on": member.starts[body["version"] - 1].isoformat(),
        "custom_fields": {**body["custom_fields"], **more},
    }


def _stage(member: Member, day: date) -> str:
    """How far the application has come."""
    if member.steps[0][0] <= day:
        return "Offer"
    return "Interview" if member.applied and working_days(member.applied, 3) <= day else "Application Review"


def _typed_hris(world: World, member: Member) -> Iterator[Row]:
    """The HRIS record as typed in the afternoon of the countersignature."""
    spell = employment(member)
    for collection, key, parent, version, _, _, body in hris_documents(
        world, Life(member.person, spells=(spell,)), spell.entered
    ):
        yield collection, key, parent, version, at(spell.entered, 16), HR_CLERK, body


def _typed_payroll(world: World, member: Member) -> Iterator[Row]:
    """The payroll record as typed an hour later; one with a digit of the pay wrong."""
    spell = employment(member)
    for collection, key, parent, version, _, _, body in payroll_documents(
        world, Life(member.person, spells=(spell,)), spell.start
    ):
        if member.kind is Kind.MANUAL_REKEY_TYPO:
            _mistype(body)
        yield collection, key, parent, version, at(spell.entered, 17), PAYROLL_CLERK, {**body, "work_email": None}


def _mistype(body: Body) -> None:
    """Two digits behind the first change places, in the rate."""
    job = body["jobs"][0]
    digits = list(job["rate"])
    places = range(1, len(digits) - 1)
    place = next(n for n in places if digits[n] != digits[n + 1] and "." not in digits[n : n + 2])
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    job["rate"] = job["compensations"][0]["rate"] = "".join(digits)


def application_of(member: Member) -> str:
    """The ATS's id of the application."""
    return ats_application(member.number)
