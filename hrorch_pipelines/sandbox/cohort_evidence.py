"""What there is to see of a member: records alive or ended, when they came, letters, events, payments. No verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from hrorch_pipelines.sandbox.calendar import calendar_events
from hrorch_pipelines.sandbox.cohort_hands import status_in_force
from hrorch_pipelines.sandbox.cohort_members import Member
from hrorch_pipelines.sandbox.cohort_reactions import yearly
from hrorch_pipelines.sandbox.cohort_records import Holdings
from hrorch_pipelines.sandbox.documents_payroll import PER_YEAR
from hrorch_pipelines.sandbox.mail import mailbox
from hrorch_pipelines.sandbox.store import Document

_HRIS_PER_YEAR = {**PER_YEAR, "Every other week": 26, "Twice a month": 24, "Day": 260}
_CANCELLED = {"cancelled", "canceled"}


@dataclass(frozen=True)
class SeenLetter:
    """A letter in the mailbox."""

    to: str = field(repr=False)
    attached: bool


@dataclass(frozen=True)
class SeenEvent:
    """An event in the calendar. `starts`: its day."""

    starts: date
    attendees: frozenset[str] = field(repr=False)
    cancelled: bool


def seen_letters(folder: Path) -> list[SeenLetter] | None:
    """What the sandbox's mailbox holds; None where there is none to look into."""
    if not (folder / "mail").is_dir():
        return None
    return [SeenLetter(one.to.strip().lower(), bool(one.attachments)) for one in mailbox(folder)]


def seen_events(folder: Path) -> list[SeenEvent] | None:
    """What the sandbox's calendar holds; None where there is none to look into."""
    if not (folder / "calendar").is_dir():
        return None
    return [
        SeenEvent(
            starts=one.starts.date() if isinstance(one.starts, datetime) else one.starts,
            attendees=frozenset(address.lower() for address in one.attendees),
            cancelled=one.status.upper() == "CANCELLED",
        )
        for one in calendar_events(folder)
    ]


@dataclass(frozen=True)
class Sight:
    """Of one thing that a handoff makes: how many there are that count, how many there ever were, and since when."""

    alive: int
    ever: int
    first: str | None = None


@dataclass(frozen=True)
class Evidence:
    """Everything to be seen of one member on a day. `letters` and `events` are None where nobody can look."""

    member: Member
    held: Holdings
    today: date
    created: Mapping[tuple[str, str, str], str]
    letters: Sequence[SeenLetter] | None
    events: Sequence[SeenEvent] | None

    def sight(self, handoff: str) -> Sight | None:
        """What there is of a handoff's making; None where nobody can look."""
        match handoff:
            case "offer-letter":
                return self._letters(self.member.person.personal_email, attached=True)
            case "manager-told" | "leaver-told":
                return self._letters(self.member.manager_email, attached=False)
            case "first-day":
                return self._events()
            case "check-order":
                return self._sight(self.held.of("check", "invitations"), "check", lambda _: True)
            case "hris-prehire":
                return self._sight(self.held.of("hris"), "hris", self._employed)
            case "onboarding-tasks":
                rows = self.held.of("onboarding")
                return self._sight(rows, "onboarding", lambda one: one.body.get("status") not in _CANCELLED)
            case "payroll-enrolment" | "leaver-payroll":
                return self._sight(self.held.of("payroll"), "payroll", lambda one: not ended(one))
            case "directory-account" | "leaver-directory":
                rows = self.held.of("directory")
                return self._sight(rows, "directory", lambda one: one.body.get("active") is not False)
            case "first-payday" | "last-payday":
                return self._sight(self.held.of("payroll", "payments"), "payroll", lambda _: True)
            case _:
                raise LookupError(f"no such handoff: {handoff}")

    def right(self, handoff: str) -> bool:
        """Whether a value is as agreed: pay of a year, first day, a status that counts, the first pay."""
        records = [one for one in self.held.of("hris") if self._employed(one)]
        start = self.member.start
        if start is None:
            raise LookupError(f"member {self.member.number} has no first day")
        counts = max(self.today, start)
        match handoff:
            case "hris-start":
                return [one.body.get("hireDate") for one in records] == [start.isoformat()]
            case "hris-pay":
                return len(records) == 1 and self._same(self._hris_yearly(records[0], counts))
            case "hris-first-day":
                return len(records) == 1 and self._word(records[0]) in {"Full-Time", "Part-Time", "Active"}
            case "payroll-pay":
                paid = [one for one in self.held.of("payroll") if not ended(one)]
                return len(paid) == 1 and self._same(yearly(paid[0], counts))
            case _:
                raise LookupError(f"no such value: {handoff}")

    def paid(self, payday: date) -> list[float]:
        """What was paid on a day, in dollars, a payment each."""
        rows = self.held.of("payroll", "payments")
        return [float(row.body["gross"]) for row in rows if row.body["payday"] == payday.isoformat()]

    def paid_since(self, day: date) -> int:
        """How many payments there were on a day or later."""
        rows = self.held.of("payroll", "payments")
        return sum(row.body["payday"] >= day.isoformat() for row in rows)

    def pay_is(self, dollars: float, periods: int) -> bool:
        """Whether an amount is what was agreed for one of `periods` in a year."""
        return abs(dollars - self.member.cents / 100 / periods) < 0.02

    def _same(self, cents: float) -> bool:
        return abs(cents - self.member.cents) < 50

    def _sight(self, rows: list[Document], system: str, counts: Callable[[Document], bool]) -> Sight:
        made = [self.created[place] for row in rows if (place := (system, row.collection, row.id)) in self.created]
        return Sight(sum(counts(row) for row in rows), len(rows), min(made, default=None))

    def _letters(self, to: str, *, attached: bool) -> Sight | None:
        if self.letters is None:
            return None
        count = sum(one.to == to.lower() and one.attached == attached for one in self.letters)
        return Sight(count, count)

    def _events(self) -> Sight | None:
        if self.events is None:
            return None
        own = [one for one in self.events if self.member.person.personal_email.lower() in one.attendees]
        there = [one for one in own if not one.cancelled and one.starts == self.member.start]
        return Sight(len(there), len(own))

    def _word(self, record: Document) -> str | None:
        row = status_in_force(self.held, record.id, self.today)
        return None if row is None else str(row.body.get("employmentStatus"))

    def _employed(self, record: Document) -> bool:
        """A record that stands for somebody who works here, or will."""
        return self._word(record) != "Terminated"

    def _hris_yearly(self, record: Document, day: date) -> float:
        rows = [one for one in self.held.of("hris", "compensation") if one.parent == record.id]
        begun = [one for one in rows if str(one.body.get("startDate") or "") <= day.isoformat()]
        if not begun:
            return 0
        body = max(begun, key=lambda one: (str(one.body["startDate"]), one.seq)).body
        return float((body.get("rate") or {}).get("value") or 0) * 100 * _HRIS_PER_YEAR.get(str(body.get("paidPer")), 0)


def ended(record: Document) -> bool:
    """Whether a payroll record is ended, or will be on a day that was entered."""
    return bool(record.body.get("terminated") or record.body.get("terminations"))
