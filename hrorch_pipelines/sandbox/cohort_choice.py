"""Chooses a cohort: newcomers under names nobody has, and employees, old and present, in whose lives nothing else happens."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.sandbox.cohort_members import APPLICANTS, LEAVERS, RETURNING, Kind, Member
from hrorch_pipelines.sandbox.cohort_script import applied_on, authorized_on, leaving_on, offer_steps, starts_of
from hrorch_pipelines.sandbox.company import DOMAIN, TITLES, first_names, last_names, managers
from hrorch_pipelines.sandbox.documents_payroll import job_on
from hrorch_pipelines.sandbox.life import Life, Person
from hrorch_pipelines.sandbox.people import World, mailbox_of, person
from hrorch_pipelines.sandbox.timeline import ARRIVALS, life
from hrorch_pipelines.sandbox.truth import Truth, truth

APART = 200_000
"""A cohort's newcomers are numbered from so far beyond the company's people, whom the story itself never reaches."""
_GRAIN = 6_240  # as in `timeline`: divides into hours, weeks and months to the cent
_QUIET = 200
"""Days ahead in which the story has nothing else in mind for somebody who is chosen."""


class WorldTooSmall(HrorchError):  # noqa: N818
    """Nobody in the world suits a kind of member."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"nobody in this world can be a {kind}", remedy="Make a world of 500 people or more, or one without faults."
        )
        self.kind = kind


@dataclass(frozen=True)
class Choice:
    """What has to be remembered of a choice: who of the company takes part, and the newcomers' names by place."""

    existing: dict[str, tuple[int, ...]]
    names: tuple[tuple[str, str], ...]


def choose(world: World, seed: int, size: int, today: date, taken: Iterable[int]) -> Choice:
    """Choose for a cohort of `size` applicants. `taken`: persons of whom a label speaks. Raises WorldTooSmall."""
    rng, kinds = random.Random(f"{world.seed} {seed} {world.people}"), {kind_of(place) for place in range(size)}
    free = _free(world, today, set(taken), rng)
    existing = {
        Kind.REHIRE: _pick(free, Kind.REHIRE, lambda one: one.departed, int(Kind.REHIRE in kinds)),
        Kind.CONTRACTOR_TO_EMPLOYEE: _pick(
            free, Kind.CONTRACTOR_TO_EMPLOYEE, _contractor, int(Kind.CONTRACTOR_TO_EMPLOYEE in kinds)
        ),
        Kind.FATHER_SON: _pick(free, Kind.FATHER_SON, _fatherly, int(Kind.FATHER_SON in kinds)),
        Kind.LEAVER: _pick(free, Kind.LEAVER, lambda one: one.settled, len(LEAVERS)),
    }
    return Choice({kind.value: numbers for kind, numbers in existing.items()}, tuple(_names(world, rng, size)))


def members_of(world: World, seed: int, size: int, begun: date, choice: Choice) -> tuple[Member, ...]:
    """The members, applicants first, as they follow from a choice."""
    leavers = [
        _leaver(world, begun, place, kind, number)
        for place, (kind, number) in enumerate(zip(LEAVERS, choice.existing[Kind.LEAVER], strict=True))
    ]
    # A manager of one's own as far as they go, so that a letter tells whom it is about by its address.
    losing = {one.manager for one in leavers}
    bosses = [n for n in range(1, managers(world.people) + 1) if n not in losing] or [1]
    applicants = [
        _applicant(world, seed, begun, place, choice, bosses[(seed + place) % len(bosses)]) for place in range(size)
    ]
    return (*applicants, *leavers)


def kind_of(place: int) -> Kind:
    """The kind of an applicant, by their place in the order of application."""
    return APPLICANTS[place] if place < len(APPLICANTS) else Kind.PLAIN


def _applicant(world: World, seed: int, begun: date, place: int, choice: Choice, boss: int) -> Member:
    rng, kind = random.Random(f"{world.seed} {seed} {place}"), kind_of(place)
    department = rng.choice(list(TITLES))
    title, low, high = rng.choice(TITLES[department])
    cents = round((low + (high - low) * rng.random()) * 100_000 / _GRAIN) * _GRAIN
    past = Life(_newcomer(world, place, kind, choice))
    if kind in RETURNING:
        past = life(world, choice.existing[kind][0])
    if kind is Kind.CONTRACTOR_TO_EMPLOYEE:  # the same work for the same money
        row, pay = past.spells[-1].jobs[-1], past.spells[-1].pays[-1]
        department, title, cents = row.department, row.title, pay.cents
    applied = applied_on(begun, place)
    steps = offer_steps(kind, applied)
    return Member(
        kind=kind,
        person=past.person,
        life=past,
        department=department,
        title=title,
        cents=cents,
        hourly=cents < 6_000_000 and kind not in RETURNING,
        manager=boss,
        manager_email=person(world, boss).work_email,
        applied=applied,
        steps=steps,
        starts=starts_of(kind, steps),
        authorized=authorized_on(kind, steps),
    )


def _leaver(world: World, begun: date, place: int, kind: Kind, number: int) -> Member:
    past = life(world, number)
    spell = past.spells[-1]
    job = job_on(spell, begun)
    pay = max((row for row in spell.pays if row.on <= begun), key=lambda row: row.on)
    boss = job.manager or 1
    end, entered = leaving_on(kind, begun, place)
    return Member(
        kind=kind,
        person=past.person,
        life=past,
        department=job.department,
        title=job.title,
        cents=pay.cents,
        hourly=spell.unit == "Hour",
        manager=boss,
        manager_email=person(world, boss).work_email,
        end=end,
        entered=entered,
    )


def _newcomer(world: World, place: int, kind: Kind, choice: Choice) -> Person:
    """A person under a name of the choice's; a son has his father's name, street and town."""
    who = person(world, world.people + APART + place)
    first, last = choice.names[place]
    if kind is Kind.FATHER_SON:
        father = person(world, choice.existing[kind][0])
        first, last = father.first, father.last
        born = date(father.born.year + 27, father.born.month % 12 + 1, (father.born.day + 8) % 28 + 1)
        who = replace(
            who, street=father.street, city=father.city, state=father.state, postcode=father.postcode, born=born
        )
    mailbox = f"{mailbox_of(first, last)}{who.number}"
    return replace(
        who,
        first=first,
        last=last,
        preferred=None,
        personal_email=f"{mailbox}@mail.example",
        work_email=f"{mailbox}@{DOMAIN}",
    )


def _free(world: World, today: date, taken: set[int], rng: random.Random) -> list[Truth]:
    """Employees and former ones whom no label names and nothing awaits, in random order."""
    numbers = [n for n in range(managers(world.people) + 1, world.people + 1) if n not in taken]
    rng.shuffle(numbers)
    found: list[Truth] = []
    for n in numbers:
        one = life(world, n)
        busy = any(0 <= (day - today).days <= _QUIET for day in one.dates())
        if not busy and any(spell.entered <= today for spell in one.spells):
            found.append(truth(world, one, today))
        if len(found) >= 2_000:
            break
    return found


def _pick(free: list[Truth], kind: Kind, suits: Callable[[Truth], bool], count: int) -> tuple[int, ...]:
    """Take `count` of those who suit out of the free ones."""
    found = [one for one in free if suits(one)][:count]
    if len(found) < count:
        raise WorldTooSmall(kind.value)
    for one in found:
        free.remove(one)
    return tuple(one.life.person.number for one in found)


def _contractor(one: Truth) -> bool:
    return one.plain and one.spell.kind == "Contractor" and one.spell.end is None and one.spell.start <= one.day


def _fatherly(one: Truth) -> bool:
    return one.settled and (one.day - one.life.person.born).days > 47 * 365


def _names(world: World, rng: random.Random, count: int) -> Iterator[tuple[str, str]]:
    """Names that nobody in the company has, nor anybody who joins it in the next three years."""
    reach = world.people + 4 + int(ARRIVALS * (world.people + 4) * 3)
    used = {(who.first, who.last) for who in (person(world, n) for n in range(1, reach))}
    for _ in range(count):
        first, last = rng.choice(first_names())[0], rng.choice(last_names())
        while (first, last) in used:
            last = f"{rng.choice(last_names())}-{rng.choice(last_names())}"
        used.add((first, last))
        yield first, last
