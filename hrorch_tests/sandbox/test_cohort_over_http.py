"""A cohort meets the running sandbox: what is made there over the vendors' own protocols is seen, answered, and judged."""

from __future__ import annotations

import smtplib
from email.message import EmailMessage

import httpx
import pytest

from hrorch_pipelines.sandbox.calendar import PASSWORD, USER
from hrorch_pipelines.sandbox.cohort import cohort_in, opened
from hrorch_pipelines.sandbox.cohort_judge import judge
from hrorch_pipelines.sandbox.cohort_members import Kind
from hrorch_pipelines.sandbox.serve import COMPANY, KEY, TOKEN, run_sandbox

BEARER = {"Authorization": f"Bearer {TOKEN}"}
EVENT = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//test//EN
BEGIN:VEVENT
UID:first-day-1
DTSTAMP:20260701T000000Z
DTSTART;VALUE=DATE:{day}
DTEND;VALUE=DATE:{next}
SUMMARY:First day
ATTENDEE:mailto:{who}
STATUS:{status}
END:VEVENT
END:VCALENDAR
"""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    with run_sandbox(tmp_path_factory.mktemp("world"), base_port=None, people=200, faults=False) as running:
        yield running


@pytest.fixture(scope="module")
def cohort(sandbox):
    answer = httpx.post(f"{sandbox.control.url}/cohort", json={"size": 3}, timeout=60)
    begun = cohort_in(sandbox.folder)
    assert answer.json() == {"ends": begun.ends.isoformat()}
    return begun


def state(sandbox, member, handoff):
    (found,) = [one.state for one in judge(sandbox.folder) if (one.member, one.handoff) == (member.number, handoff)]
    return found


def test_control_refuses_a_second_cohort_and_nonsense(sandbox, cohort):
    control = f"{sandbox.control.url}/cohort"
    assert httpx.post(control, json={}, timeout=60).status_code == 409
    assert httpx.post(control, json={"size": 0}).status_code == 422


def test_what_is_made_over_the_vendors_protocols_is_the_members(sandbox, cohort):
    member = cohort.members[0]
    who, start = member.person, member.start
    sandbox.advance((member.countersigned - cohort.begun).days)
    hris = f"{sandbox.url('hris')}/api/v1/employees"
    made = httpx.post(
        hris,
        auth=(KEY, "x"),
        json={
            "firstName": who.first,
            "lastName": who.last,
            "homeEmail": who.personal_email,
            "hireDate": start.isoformat(),
        },
    )
    assert made.status_code == 201
    tables = f"{made.headers['Location']}/tables"
    today = sandbox.clock.now().date().isoformat()
    pay = {"startDate": today, "rate": {"value": f"{member.cents / 100:.2f}", "currency": "USD"}, "paidPer": "Year"}
    for table, row in (("employmentStatus", {"date": today, "employmentStatus": "Pre-Hire"}), ("compensation", pay)):
        assert httpx.post(f"{tables}/{table}", auth=(KEY, "x"), json=row).status_code == 200
    check = f"{sandbox.url('check')}/v1"
    candidate = httpx.post(f"{check}/candidates", auth=(KEY, ""), json={"email": who.personal_email, "first_name": who.first,
                                                                        "last_name": who.last}).json()  # fmt: skip
    httpx.post(
        f"{check}/invitations", auth=(KEY, ""), json={"candidate_id": candidate["id"], "package": "clinical_standard"}
    )
    payroll = f"{sandbox.url('payroll')}/v1"
    employee = httpx.post(f"{payroll}/companies/{COMPANY}/employees", headers=BEARER, json={"first_name": who.first,
                          "last_name": who.last, "email": who.personal_email}).json()  # fmt: skip
    job = httpx.post(
        f"{payroll}/employees/{employee['uuid']}/jobs",
        headers=BEARER,
        json={"title": member.title, "hire_date": start.isoformat()},
    ).json()
    laid_out = job["compensations"][0]
    httpx.put(f"{payroll}/compensations/{laid_out['uuid']}", headers=BEARER, json={"version": laid_out["version"],
              "rate": f"{member.cents / 100:.2f}", "payment_unit": "Year"}).raise_for_status()  # fmt: skip
    number = httpx.get(f"{made.headers['Location']}?fields=employeeNumber", auth=(KEY, "x")).json()["employeeNumber"]
    httpx.post(
        f"{sandbox.url('onboarding')}/api/newhires",
        headers=BEARER,
        json={
            "employeeNumber": number,
            "firstName": who.first,
            "lastName": who.last,
            "startDate": start.strftime("%m/%d/%Y"),
        },
    ).raise_for_status()
    enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
    httpx.post(
        f"{sandbox.url('directory')}/Users",
        headers={**BEARER, "Content-Type": "application/scim+json"},
        json={"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", enterprise], "userName": "n.n@lakeside.example",
              "active": True, enterprise: {"employeeNumber": number}},
    ).raise_for_status()  # fmt: skip
    made_here = ("check-order", "hris-prehire", "onboarding-tasks", "payroll-enrolment", "directory-account")
    assert {state(sandbox, member, handoff) for handoff in made_here} == {"once"}
    assert {state(sandbox, member, value) for value in ("hris-start", "hris-pay", "payroll-pay")} == {"right"}
    assert not [one for one in judge(sandbox.folder) if one.state == "unexpected"]


def test_letters_and_events_are_seen_where_the_sandbox_keeps_them(sandbox, cohort):
    member = cohort.members[0]
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = (
        "people@lakeside.example",
        member.person.personal_email,
        "Your offer",
    )
    letter.set_content("Dear")
    letter.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="offer.pdf")
    with smtplib.SMTP(sandbox.env["MAIL_HOST"], int(sandbox.env["MAIL_PORT"])) as line:
        line.send_message(letter)
    assert state(sandbox, member, "offer-letter") == "once"
    days = {"day": f"{member.start:%Y%m%d}", "next": f"{member.start:%Y%m}{member.start.day + 1:02d}"}
    url = f"{sandbox.env['CALENDAR_URL']}first-day-1.ics"
    for status, seen in (("CONFIRMED", "once"), ("CANCELLED", "pending")):
        body = EVENT.format(**days, who=member.person.personal_email, status=status).replace("\n", "\r\n")
        httpx.put(
            url, content=body, auth=(USER, PASSWORD), headers={"Content-Type": "text/calendar"}
        ).raise_for_status()
        assert state(sandbox, member, "first-day") == seen


def test_time_answers_what_was_ordered_over_http(sandbox, cohort):
    member = cohort.members[0]
    sandbox.advance((cohort.ends - sandbox.clock.now().date()).days)
    with opened(sandbox.folder) as stores:
        own = cohort.held(stores, cohort.ends).by_member[member.number]
    assert [one.body["result"] for one in own.of("check", "reports")] == ["clear"]
    assert own.of("onboarding")[0].body["openTasks"] < len(own.of("onboarding", "tasks"))
    assert own.of("hris")[0].body["birthDate"] == member.person.born.isoformat()
    assert state(sandbox, member, "first-payday") == "right"
    assert member.kind is Kind.PLAIN


def test_a_status_row_ends_and_brings_back_at_once(sandbox, cohort):
    """As the vendor works it out itself: nobody has to wait for time to pass."""
    member = cohort.members[0]
    with opened(sandbox.folder) as stores:
        key = cohort.held(stores, cohort.ends).by_member[member.number].of("hris")[0].id
    rows = f"{sandbox.url('hris')}/api/v1/employees/{key}/tables/employmentStatus"
    told = []
    for word in ("Terminated", "Pre-Hire"):
        httpx.post(
            rows, auth=(KEY, "x"), json={"date": sandbox.clock.now().date().isoformat(), "employmentStatus": word}
        )
        shown = httpx.get(
            f"{sandbox.url('hris')}/api/v1/employees/{key}",
            params={"fields": "status,terminationDate"},
            auth=(KEY, "x"),
        ).json()
        told.append((shown["status"], bool(shown["terminationDate"])))
    assert told == [("Inactive", True), ("Active", False)]
