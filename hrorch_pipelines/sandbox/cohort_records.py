"""Which documents in the stores belong to which member, whoever made them; and which belong to nobody at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

from hrorch_pipelines.sandbox.cohort_company import newcomers, reach_of
from hrorch_pipelines.sandbox.cohort_members import Member
from hrorch_pipelines.sandbox.company import hris_id
from hrorch_pipelines.sandbox.ids import account, ats_candidate, check_candidate, newhire, payroll_employee
from hrorch_pipelines.sandbox.people import World
from hrorch_pipelines.sandbox.store import Body, Document, Store
from hrorch_pipelines.sandbox.truth import records_of

BASE = {
    "ats": "candidates", "hris": "employees", "payroll": "employees", "check": "candidates", "onboarding": "newhires", "directory": "users",
}  # fmt: skip
"""System → the collection whose documents stand for persons."""

PARTS = {
    "ats": ("applications", "offers"), "hris": ("jobInfo", "compensation", "employmentStatus"), "payroll": ("payments",),
    "check": ("invitations", "reports"), "onboarding": ("tasks",), "directory": (),
}  # fmt: skip
"""System → the collections whose documents lie under a person's (parent: the person's document)."""

_MAILS = ("homeEmail", "email", "personalEmail")
_NUMBERS = ("employeeNumber", "employee_code")
_PHONES = ("mobilePhone", "phone")
_NAMES = (("firstName", "lastName"), ("first_name", "last_name"))
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"


_OF_RECORD = {
    ("hris", "job"): "jobInfo",
    ("hris", "compensation"): "compensation",
    ("hris", "status"): "employmentStatus",
}


def collection_of(system: str, record: str | None = None) -> str:
    """The collection in which a record type of the presets is kept; without one, or inside another record, the base's."""
    return _OF_RECORD.get((system, record or ""), BASE[system])


@dataclass
class Holdings:
    """The living documents of one member, by system and collection, in the order of creation."""

    documents: dict[tuple[str, str], list[Document]] = field(default_factory=dict)

    def of(self, system: str, collection: str | None = None) -> list[Document]:
        """Documents of a system: the person's own, or those of a collection below."""
        return self.documents.get((system, collection or BASE[system]), [])

    def add(self, system: str, document: Document) -> None:
        """Put one more."""
        self.documents.setdefault((system, document.collection), []).append(document)

    def places(self) -> Iterable[tuple[str, str, str]]:
        """(system, collection, id) of everything."""
        return ((system, one.collection, one.id) for (system, _), rows in self.documents.items() for one in rows)


@dataclass(frozen=True)
class Held:
    """Every member's documents, by number; `company`: what somebody made for others of the company's people, by number.

    `strangers`: what was made for nobody that is known, (system, collection, id).
    """

    by_member: Mapping[int, Holdings]
    company: Mapping[int, Holdings]
    strangers: tuple[tuple[str, str, str], ...]


def held_in(
    stores: Mapping[str, Store], world: World, members: Iterable[Member], since: Mapping[str, int], today: date
) -> Held:
    """Look through all stores. A document is a member's by the story's own id, or by what it says of whose it is.

    `since`: system → the last event before the cohort; whatever was made later and is nobody's in the story is looked at.
    """
    return _Search(stores, world, tuple(members), since, today).held()


class _Search:
    """One look at the stores. The HRIS comes early: it knows the employee numbers that others name."""

    def __init__(
        self,
        stores: Mapping[str, Store],
        world: World,
        members: tuple[Member, ...],
        since: Mapping[str, int],
        today: date,
    ) -> None:
        self._stores, self._since = stores, since
        self._owner = {place: one.number for one in members for place in records_of(one.life)}
        for one in members:  # those without a past have the ids that the story gives to their ATS and typed records
            self._owner |= {
                ("ats", ats_candidate(one.number)): one.number,
                ("hris", hris_id(one.number, 0)): one.number,
                ("payroll", payroll_employee(one.number, 0)): one.number,
            }
        reach = reach_of(world, today)
        self._story = _arrivals(reach)
        self._marks = {**newcomers(world, reach), **_marks(world, members)}
        self._found = {one.number: Holdings() for one in members}
        self._company: dict[int, Holdings] = {}
        self._strangers: list[tuple[str, str, str]] = []

    def held(self) -> Held:
        for system in ("ats", "hris", "payroll", "check", "onboarding", "directory"):
            for key, owner in self._persons(system):
                for collection in PARTS[system]:
                    for document in self._stores[system].page(collection, parent=key):
                        self._of(owner).add(system, document)
        return Held(self._found, self._company, tuple(self._strangers))

    def _of(self, owner: int) -> Holdings:
        return self._found[owner] if owner in self._found else self._company.setdefault(owner, Holdings())

    def _persons(self, system: str) -> Iterator[tuple[str, int]]:
        """Document id and member, of the documents that stand for persons."""
        store, collection = self._stores[system], BASE[system]
        made = [
            one.id for one in store.events(after=self._since[system], collection=collection) if one.action == "created"
        ]
        known = [key for place, key in self._owner if place == system]
        found = [store.get(collection, key) for key in dict.fromkeys([*known, *made])]
        for document in sorted((one for one in found if one and not one.deleted), key=lambda one: one.seq):
            owner = self._owner.get((system, document.id))
            if owner is None and (system, document.id) in self._story:
                continue
            if owner is None:
                owner = next((self._marks[mark] for mark in _said(document.body) if mark in self._marks), None)
            if owner is None:
                self._strangers.append((system, collection, document.id))
                continue
            self._of(owner).add(system, document)
            if system == "hris" and (number := document.body.get("employeeNumber")):
                self._marks[("number", str(number))] = owner
            yield document.id, owner


def _marks(world: World, members: Iterable[Member]) -> dict[tuple[str, str], int]:
    """What gives away whose a record is → member."""
    found: dict[tuple[str, str], int] = {}
    for one in members:
        who = one.person
        last = one.life.last_name(date.max)
        found |= {
            ("mail", who.personal_email.lower()): one.number,
            ("mail", who.work_email.lower()): one.number,
            ("phone", _digits(who.phone)): one.number,
            ("number", one.number_in(world)): one.number,
            ("name", f"{who.first} {last}".lower()): one.number,
        }
    return found


def _said(body: Body) -> Iterable[tuple[str, str]]:
    """What a record says of whose it is, the surest first."""
    for name in _MAILS:
        if body.get(name):
            yield "mail", str(body[name]).lower()
    for mail in body.get("emails") or ():
        yield "mail", str(mail.get("value", "")).lower()
    for number in (*(body.get(name) for name in _NUMBERS), (body.get(ENTERPRISE) or {}).get("employeeNumber")):
        if number:
            yield "number", str(number)
    for phone in (*(body.get(name) for name in _PHONES), *(one.get("value") for one in body.get("phoneNumbers") or ())):
        if phone:
            yield "phone", _digits(str(phone))
    for first, last in (*((body.get(one), body.get(two)) for one, two in _NAMES), _scim_name(body)):
        if first and last:
            yield "name", f"{first} {last}".lower()


def _scim_name(body: Body) -> tuple[Any, Any]:
    name = body.get("name")
    return (name.get("givenName"), name.get("familyName")) if isinstance(name, dict) else (None, None)


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)[-10:]


@lru_cache(maxsize=16)
def _arrivals(reach: int) -> frozenset[tuple[str, str]]:
    """(system, id) of whatever the story itself may have put anywhere: the company's people and those who join by chance."""
    found: set[tuple[str, str]] = set()
    for n in range(1, reach + 1):
        found |= {
            ("ats", ats_candidate(n)),
            ("check", check_candidate(n)),
            ("onboarding", newhire(n)),
            ("directory", account(n)),
            *(("hris", hris_id(n, record)) for record in (0, 1)),
            *(("payroll", payroll_employee(n, record)) for record in (0, 1)),
        }
    return frozenset(found)
