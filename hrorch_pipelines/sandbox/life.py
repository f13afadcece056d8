"""What a life in the company consists of: plain dated facts, from which every system's documents follow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum


class Role(StrEnum):
    """What somebody is in the story; decides which events they live through."""

    LEADER = "leader"
    STEADY = "steady"  # hired before the last eighteen months
    RECENT = "recent"
    PREHIRE = "prehire"
    CANDIDATE = "candidate"
    CONTRACTOR = "contractor"
    CONVERTED = "converted"  # contractor, then employee: two records
    REHIRED = "rehired"  # left, came back under the old id
    REHIRED_NEW_ID = "rehired_new_id"  # … under a new id
    TWIN = "twin"
    FATHER = "father"
    SON = "son"
    CHANGED_TODAY = "changed_today"  # an authority change that has not reached its copies yet
    STARTED_LATELY = "started_lately"  # payroll has until the end of the grace period


@dataclass(frozen=True, slots=True)
class Person:
    """Who someone is, apart from work. `number` is the world's own and is in no system."""

    number: int
    role: Role
    first: str
    preferred: str | None
    last: str
    born: date
    ssn: str
    street: str
    city: str
    state: str
    postcode: str
    phone: str
    personal_email: str
    work_email: str
    draws: tuple[float, ...]  # uniform on [0, 1): what else is decided about them


@dataclass(frozen=True, slots=True)
class Job:
    """A row of the job table: in force from `on`, known since `entered`."""

    on: date
    entered: date
    department: str
    location: str
    title: str
    manager: int | None


@dataclass(frozen=True, slots=True)
class Pay:
    """A row of the pay table. `cents` is per year of this person's own hours; divides into hours, weeks and months."""

    on: date
    entered: date
    cents: int
    reason: str


@dataclass(frozen=True, slots=True)
class Status:
    """A row of the status table, in the HRIS's words."""

    on: date
    entered: date
    word: str


@dataclass(frozen=True, slots=True)
class Spell:
    """One stretch of work. `record` counts HRIS records of the person from 0: a spell may reuse the one before."""

    record: int
    kind: str  # Full-Time, Part-Time, Contractor
    fte: str
    unit: str  # payroll's payment unit
    entered: date
    start: date
    end: date | None
    end_entered: date | None
    jobs: tuple[Job, ...]
    pays: tuple[Pay, ...]
    statuses: tuple[Status, ...]

    @property
    def rows(self) -> tuple[Job | Pay | Status, ...]:
        """All dated rows of the spell."""
        return (*self.jobs, *self.pays, *self.statuses)

    def over(self, day: date) -> bool:
        """Whether the last working day is past."""
        return self.end is not None and self.end < day


@dataclass(frozen=True, slots=True)
class Hiring:
    """One application: what was offered and how it went. Moments are dates; the day's order is the list's."""

    applied: date
    department: str
    location: str
    title: str
    kind: str
    cents: int
    start: date
    offers: tuple[tuple[date, int, str], ...]  # date, version, status in the ATS's words
    checks: tuple[tuple[date, str, str | None], ...]  # date, status, result
    purged: date | None  # when the ATS and the check system forget


@dataclass(frozen=True, slots=True)
class Life:
    """A person with all their past and future. Documents at a day are a function of this and the day."""

    person: Person
    spells: tuple[Spell, ...] = ()
    hiring: Hiring | None = None
    married: tuple[date, str] | None = None  # (entered, new last name)
    payroll_lag: int = 0  # days until an event reaches payroll
    copies_lag: int = 0  # … any copy
    restricted: tuple[str, ...] = field(default=())  # HRIS fields withheld from the integration

    def last_name(self, day: date) -> str:
        """The family name as of a day."""
        return self.married[1] if self.married and self.married[0] <= day else self.person.last

    def dates(self) -> set[date]:
        """Every day on which some system may change because of this person."""
        found = {self.married[0]} if self.married else set()
        for spell in self.spells:
            found |= {spell.entered, spell.start, spell.start + timedelta(days=14), spell.start + timedelta(days=90)}
            found |= {day for row in spell.rows for day in (row.on, row.entered)}
            if spell.end and spell.end_entered:
                found |= {spell.end_entered, spell.end, spell.end + timedelta(days=1)}
        if self.hiring:
            found |= {
                self.hiring.applied,
                *(row[0] for row in self.hiring.offers),
                *(row[0] for row in self.hiring.checks),
            }
            if self.hiring.purged:
                found.add(self.hiring.purged)
        lag = max(self.payroll_lag, self.copies_lag)
        return found | {day + timedelta(days=lag) for day in found} if lag else found
