"""A program that does what a chain of handoffs should, by plain documents: the judge's other side, written apart from the product."""

from __future__ import annotations

import copy
from datetime import date, timedelta

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.cohort import cohort_in, opened
from hrorch_pipelines.sandbox.cohort_evidence import SeenEvent, SeenLetter
from hrorch_pipelines.sandbox.cohort_members import Kind
from hrorch_pipelines.sandbox.documents_hris import money
from hrorch_pipelines.sandbox.world_clock import WorldClock

BY = "hrorch-integration"


class Program:
    """One pass looks at everything and makes what is missing. `leave_out`: (kind, handoff) that it forgets."""

    def __init__(self, folder, *, leave_out=(), twice=()):
        self.folder, self.cohort = folder, cohort_in(folder)
        self.leave_out, self.twice = set(leave_out), set(twice)
        self.told: set[tuple] = set()
        self.letters: list[SeenLetter] = []
        self.events: dict[int, SeenEvent] = {}
        self.made = 0

    def live(self, days):
        for _ in range(days):
            advance(self.folder, 1)
            self.look()

    def look(self):
        self.now = WorldClock(self.folder).now()
        self.today = self.now.date()
        with opened(self.folder) as self.stores:
            held = self.cohort.held(self.stores, self.today).by_member
            for member in self.cohort.members:
                self.own = held[member.number]
                self.member = member
                (self.leaver if member.leaving else self.applicant)()

    def leaver(self):
        hris = self.own.of("hris")[-1]
        if self.status(hris) != "Terminated":
            return
        self.end("leaver-payroll", "leaver-directory", hris.body["terminationDate"])
        self.letter("leaver-told", self.member.manager_email, attached=False)

    def applicant(self):
        who = self.member.person
        offers = sorted(self.own.of("ats", "offers"), key=lambda one: one.body["version"])
        if not offers:
            return
        offer = offers[-1].body
        fields = {name: field["value"] for name, field in offer["custom_fields"].items()}
        open_ = offer["status"] in {"sent", "candidate_signed", "accepted"}
        if open_:
            self.letter("offer-letter", who.personal_email, attached=True)
        if (
            open_
            and fields["check_authorization"]
            and self.free("check-order")
            and not self.own.of("check", "invitations")
        ):
            for _ in range(self.times("check-order")):
                key = self.made_id()
                self.put(
                    "check",
                    "candidates",
                    key,
                    {
                        "id": key,
                        "email": who.personal_email,
                        "first_name": who.first,
                        "last_name": who.last,
                        "phone": who.phone,
                        "report_ids": [],
                    },
                )
                other = self.made_id()
                self.put(
                    "check",
                    "invitations",
                    other,
                    {
                        "id": other,
                        "candidate_id": key,
                        "status": "pending",
                        "package": "p",
                        "created_at": self.now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                        "report_id": None,
                    },
                    parent=key,
                )
        if offer["status"] == "rescinded":
            self.take_back()
        if offer["status"] == "accepted":
            self.hire(offer, fields)

    def hire(self, offer, fields):
        member, start = self.member, offer["starts_on"]
        records = self.own.of("hris")
        if not records and self.free("hris-prehire"):
            for _ in range(self.times("hris-prehire")):
                self.new_hris(start)
            return
        if not records:
            return
        hris = records[-1]
        back = bool(member.life.spells)
        if self.status(hris) == "Terminated" and member.kind is Kind.REHIRE:
            self.row("employmentStatus", hris.id, {"date": self.today.isoformat(), "employmentStatus": "Pre-Hire"})
            self.row(
                "compensation",
                hris.id,
                {"startDate": start, "rate": {"currency": "USD", "value": money(member.cents)}, "paidPer": "Year"},
            )
            self.put("hris", "employees", hris.id, {**hris.body, "hireDate": start, "terminationDate": None})
            return
        if not back and hris.body["hireDate"] != start:
            self.put("hris", "employees", hris.id, {**hris.body, "hireDate": start})
            hris = self.stores["hris"].get("employees", hris.id)
        reports = [one.body.get("result") for one in self.own.of("check", "reports")]
        wanted = "Contractor" if member.kind is Kind.CONTRACTOR_TO_EMPLOYEE else "Pre-Hire"
        if self.today.isoformat() >= start and self.status(hris) == wanted and "clear" in reports:
            self.row("employmentStatus", hris.id, {"date": start, "employmentStatus": "Full-Time"})
        self.letter("manager-told", fields["hiring_manager_email"], attached=False)
        days = (date.fromisoformat(start) - self.today).days
        if not back:
            self.downstream(hris, start, days)
        elif member.kind is Kind.REHIRE and days <= 5:
            account = self.own.of("directory")[0]
            self.put("directory", "users", account.id, {**account.body, "active": True})
        if member.kind is not Kind.CONTRACTOR_TO_EMPLOYEE and self.free("first-day"):
            attendees = frozenset({member.person.personal_email.lower()})
            self.events[member.number] = SeenEvent(date.fromisoformat(start), attendees, cancelled=False)

    def downstream(self, hris, start, days):
        who, number = self.member.person, hris.body.get("employeeNumber")
        if not self.own.of("onboarding") and self.free("onboarding-tasks"):
            for _ in range(self.times("onboarding-tasks")):
                key = self.made_id()
                self.put(
                    "onboarding",
                    "newhires",
                    key,
                    {
                        "id": key,
                        "employeeNumber": number,
                        "firstName": who.first,
                        "lastName": who.last,
                        "personalEmail": who.personal_email,
                        "status": "not_started",
                        "openTasks": 2,
                    },
                )
                for task in ("1", "2"):
                    self.put(
                        "onboarding", "tasks", f"{key}-{task}", {"id": f"{key}-{task}", "status": "open"}, parent=key
                    )
        payroll = self.own.of("payroll")
        if not payroll and days <= 14 and self.free("payroll-enrolment"):
            for _ in range(self.times("payroll-enrolment")):
                self.enrol(start, number)
        elif payroll and payroll[0].body["jobs"][0]["hire_date"] != start:
            body = copy.deepcopy(payroll[0].body)
            body["jobs"][0]["hire_date"] = body["jobs"][0]["compensations"][0]["effective_date"] = start
            self.put("payroll", "employees", payroll[0].id, body)
        if payroll and self.member.kind is Kind.MANUAL_REKEY_TYPO and self.free("payroll-pay"):
            body = copy.deepcopy(payroll[0].body)
            if body["jobs"][0]["compensations"][0]["rate"] != self.rate():
                body["jobs"][0]["compensations"][0]["rate"] = self.rate()
                self.put("payroll", "employees", payroll[0].id, body)
        if not self.own.of("directory") and days <= 5 and self.free("directory-account"):
            for _ in range(self.times("directory-account")):
                key = self.made_id()
                self.put(
                    "directory",
                    "users",
                    key,
                    {
                        "id": key,
                        "userName": f"new{key}@lakeside.example",
                        "active": True,
                        "name": {"givenName": who.first, "familyName": who.last},
                    },
                )

    def rate(self):
        return money(self.member.cents // 2080 if self.member.hourly else self.member.cents)

    def enrol(self, start, number):
        key, who = self.made_id(), self.member.person
        row = {"rate": self.rate(), "payment_unit": "Hour" if self.member.hourly else "Year", "effective_date": start}
        self.put(
            "payroll",
            "employees",
            key,
            {
                "uuid": key,
                "first_name": who.first,
                "last_name": who.last,
                "employee_code": number,
                "email": who.personal_email,
                "terminated": False,
                "terminations": [],
                "jobs": [{"uuid": f"j{key}", "hire_date": start, "compensations": [row]}],
            },
        )

    def new_hris(self, start):
        key, who = self.made_id(), self.member.person
        self.put(
            "hris",
            "employees",
            key,
            {
                "id": key,
                "employeeNumber": f"N{key}",
                "firstName": who.first,
                "lastName": who.last,
                "homeEmail": who.personal_email,
                "hireDate": start,
                "status": "Active",
                "terminationDate": None,
            },
        )
        self.row("employmentStatus", key, {"date": self.today.isoformat(), "employmentStatus": "Pre-Hire"})
        rate = {"currency": "USD", "value": self.rate()}
        self.row(
            "compensation",
            key,
            {"startDate": self.today.isoformat(), "rate": rate, "paidPer": "Hour" if self.member.hourly else "Year"},
        )

    def take_back(self):
        if not self.free("undo"):
            return
        for hris in self.own.of("hris"):
            if self.status(hris) != "Terminated":
                self.row(
                    "employmentStatus", hris.id, {"date": self.today.isoformat(), "employmentStatus": "Terminated"}
                )
        for one in self.own.of("onboarding"):
            self.put("onboarding", "newhires", one.id, {**one.body, "status": "cancelled"})
        self.end("undo", "undo", (self.today - timedelta(days=1)).isoformat())
        if (event := self.events.get(self.member.number)) is not None:
            self.events[self.member.number] = SeenEvent(event.starts, event.attendees, cancelled=True)

    def end(self, payroll, directory, last):
        for one in self.own.of("payroll") if self.free(payroll) else ():
            if not one.body["terminations"]:
                self.put("payroll", "employees", one.id, {**one.body, "terminations": [{"effective_date": last}]})
        for one in self.own.of("directory") if self.free(directory) else ():
            self.put("directory", "users", one.id, {**one.body, "active": False})

    def letter(self, handoff, to, *, attached):
        if self.free(handoff) and (self.member.number, handoff) not in self.told:
            self.told.add((self.member.number, handoff))
            self.letters += [SeenLetter(to.lower(), attached)] * self.times(handoff)

    def status(self, hris):
        rows = self.stores["hris"].page("employmentStatus", parent=hris.id)
        begun = [one for one in rows if one.body["date"] <= self.today.isoformat()]
        return max(begun, key=lambda one: (one.body["date"], one.seq)).body["employmentStatus"] if begun else None

    def free(self, handoff):
        return (self.member.kind, handoff) not in self.leave_out

    def times(self, handoff):
        return 2 if (self.member.kind, handoff) in self.twice else 1

    def made_id(self):
        self.made += 1
        return str(9_000_000_000 + self.made)

    def row(self, table, employee, values):
        key = self.made_id()
        self.put("hris", table, key, {"id": key, "employeeId": employee, **values}, parent=employee)

    def put(self, system, collection, key, body, parent=None):
        self.stores[system].put(collection, key, body, at=self.now, by=BY, parent=parent)
