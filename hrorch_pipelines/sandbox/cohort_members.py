"""Who is in a cohort, each of a kind, and what was agreed with them: plain facts, from which documents and truth follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from hrorch_pipelines.sandbox.company import employee_number
from hrorch_pipelines.sandbox.life import Life, Person
from hrorch_pipelines.sandbox.people import World


class Kind(StrEnum):
    """What is particular about a member's way in, or out."""

    PLAIN = "plain"
    RESCINDED = "rescinded"  # by the company, some days after countersignature
    DECLINED = "declined"
    MOVED_START = "moved_start"  # twice, each time by a new version of the offer
    EARLY_RESULT = "early_result"  # the check is back before countersignature
    LATE_AUTHORIZATION = "late_authorization"  # … is allowed only after it
    ADVERSE = "adverse"  # … finds something; people rescind the offer after the waits
    MANUAL_REKEY = "manual_rekey"  # a person types the HRIS record before anybody
    MANUAL_REKEY_PAYROLL = "manual_rekey_payroll"  # … and the payroll record
    MANUAL_REKEY_TYPO = "manual_rekey_typo"  # … with an error in the pay
    REHIRE = "rehire"  # left the company and comes back
    CONTRACTOR_TO_EMPLOYEE = "contractor_to_employee"
    NO_SHOW = "no_show"  # the first day passes; two days later people end it
    FATHER_SON = "father_son"  # has an employee's name and address
    LEAVER = "leaver"  # an employee whose end is entered ahead
    GHOST = "ghost"  # … entered late: payroll goes on paying until somebody acts


LEAVING = frozenset({Kind.LEAVER, Kind.GHOST})
RETURNING = frozenset({Kind.REHIRE, Kind.CONTRACTOR_TO_EMPLOYEE})
TYPED = frozenset({Kind.MANUAL_REKEY, Kind.MANUAL_REKEY_PAYROLL, Kind.MANUAL_REKEY_TYPO})
ENDING = frozenset({Kind.RESCINDED, Kind.ADVERSE, Kind.NO_SHOW})
"""Who does not stay although the offer was countersigned."""

APPLICANTS = (
    Kind.PLAIN, Kind.MOVED_START, Kind.RESCINDED, Kind.MANUAL_REKEY, Kind.EARLY_RESULT, Kind.REHIRE, Kind.ADVERSE,
    Kind.LATE_AUTHORIZATION, Kind.MANUAL_REKEY_TYPO, Kind.CONTRACTOR_TO_EMPLOYEE, Kind.NO_SHOW, Kind.DECLINED, Kind.FATHER_SON,
    Kind.MANUAL_REKEY_PAYROLL,
)  # fmt: skip
"""In this order they apply; who comes after them is plain."""

LEAVERS = (Kind.LEAVER, Kind.LEAVER, Kind.GHOST)


@dataclass(frozen=True)
class Member:
    """One member. Applicants have `steps` of an offer, leavers have `end` and `entered`. Pay: cents a year.

    `life` is what the company's systems hold of them already (an employee's, a former employee's), else empty.
    """

    kind: Kind
    person: Person
    life: Life
    department: str
    title: str
    cents: int
    hourly: bool
    manager: int
    manager_email: str
    applied: date | None = None
    steps: tuple[tuple[date, int, str], ...] = ()  # date, version, status in the ATS's words
    starts: tuple[date, ...] = ()  # by version of the offer
    authorized: date | None = None
    end: date | None = None
    entered: date | None = None

    @property
    def number(self) -> int:
        """The world's number of the person."""
        return self.person.number

    @property
    def leaving(self) -> bool:
        """An employee who leaves, no applicant."""
        return self.kind in LEAVING

    @property
    def start(self) -> date | None:
        """The first day as agreed in the end."""
        return self.starts[-1] if self.starts else None

    @property
    def countersigned(self) -> date | None:
        """When the offer was first countersigned."""
        return self.on("accepted")

    @property
    def rescinded(self) -> date | None:
        """When the company took the offer back."""
        return self.on("rescinded")

    def on(self, status: str) -> date | None:
        """The first day of a status of the offer."""
        return next((step[0] for step in self.steps if step[2] == status), None)

    def number_in(self, world: World) -> str:
        """The employee number a clerk gives."""
        return employee_number(world.people, self.number, 0)


def payday_after(day: date) -> date:
    """The first payday later than a day: every other Friday."""
    payday = day + timedelta(days=(4 - day.weekday()) % 7 or 7)
    return payday if is_payday(payday) else payday + timedelta(days=7)


def is_payday(day: date) -> bool:
    """Every other Friday."""
    return day.weekday() == 4 and day.toordinal() // 7 % 2 == 0
