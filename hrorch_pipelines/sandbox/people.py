"""Who the persons of the world are: each made alone from the seed and their number, so that any N can be streamed."""

from __future__ import annotations

import random
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Final

from hrorch_pipelines.sandbox.company import DOMAIN, SITES, first_names, last_names, managers, phone_of
from hrorch_pipelines.sandbox.life import Person, Role

_STREETS: Final = (
    "Maple",
    "Lakeview",
    "Division",
    "Harbor",
    "Prairie",
    "Juniper",
    "Foster",
    "Sheridan",
    "Halsted",
    "Linden",
)
_BY_PLACE: Final = {
    4: Role.TWIN, 5: Role.TWIN, 10: Role.FATHER, 11: Role.SON, 17: Role.CHANGED_TODAY, 29: Role.STARTED_LATELY,
}  # fmt: skip
_SHARES: Final = (
    (Role.CANDIDATE, 0.06), (Role.PREHIRE, 0.03), (Role.CONTRACTOR, 0.03), (Role.CONVERTED, 0.02), (Role.REHIRED, 0.015),
    (Role.REHIRED_NEW_ID, 0.02), (Role.RECENT, 0.20),
)  # fmt: skip
DRAWS: Final = 14
BLOCK: Final = 97
"""Persons are numbered in blocks; kin and other special roles have their places in each."""
QUIET: Final = 5
"""Days before the epoch in which nothing happens by chance: what is young there is young on purpose."""


@dataclass(frozen=True)
class World:
    """What makes a world: the same three values give the same bytes."""

    seed: int
    people: int
    epoch: date  # the day it was generated for

    @cached_property
    def calm(self) -> tuple[date, date]:
        """First and last of the quiet days."""
        return self.epoch - timedelta(days=QUIET), self.epoch + timedelta(days=1)


def role_of(world: World, n: int) -> Role:
    """The role of person `n`. Kin sit at fixed places of each block of 97; numbers beyond `people` arrive later."""
    if n > world.people:
        return Role.RECENT
    if n <= managers(world.people):
        return Role.LEADER
    place = n % BLOCK
    if place in _BY_PLACE and _kin_complete(world, n, place):
        return _BY_PLACE[place]
    draw, reached = _random(world, n).random(), 0.0
    for role, share in _SHARES:
        reached += share
        if draw < reached:
            return role
    return Role.STEADY


def person(world: World, n: int) -> Person:
    """Person `n`: names, birth, home, contact. Twins and a son take what they share from the person before."""
    role, rng = role_of(world, n), _random(world, n)
    rng.random()
    (first, nickname), last = rng.choice(first_names()), rng.choice(last_names())
    site = rng.choice(SITES)
    born = date(world.epoch.year - 22 - int(rng.random() * 40), 1, 1) + timedelta(days=rng.randrange(365))
    street = f"{rng.randrange(100, 9900)} {rng.choice(_STREETS)} Street"
    postcode = f"{site[2]}{rng.randrange(1, 99):02d}"
    if role is Role.TWIN and n % BLOCK == 5:
        other = person(world, n - 1)
        last, born, street, postcode = other.last, other.born, other.street, other.postcode
        site = next(one for one in SITES if one[0] == other.city)
        if first == other.first:
            first, nickname = next(pair for pair in first_names() if pair[0] != other.first)
    if role is Role.FATHER:
        born = born.replace(year=world.epoch.year - 58 - n % 5, day=min(born.day, 28))
    if role is Role.SON:
        other = person(world, n - 1)
        first, last, street, postcode = other.first, other.last, other.street, other.postcode
        site, nickname = next(one for one in SITES if one[0] == other.city), ""
        born = date(other.born.year + 29, other.born.month % 12 + 1, (other.born.day + 8) % 28 + 1)
    mailbox = mailbox_of(first, last)
    return Person(
        number=n,
        role=role,
        first=first,
        preferred=nickname if nickname and rng.random() < 0.5 else None,
        last=last,
        born=born,
        ssn=f"{rng.randrange(100, 899)}-{n // 10_000 % 99 + 1:02d}-{n % 10_000:04d}",
        street=street,
        city=site[0],
        state=site[1],
        postcode=postcode,
        phone=phone_of(n, site[3]),
        personal_email=f"{mailbox}{n}@mail.example",
        work_email=f"{mailbox}{n}@{DOMAIN}",
        draws=tuple(rng.random() for _ in range(DRAWS)),
    )


def mailbox_of(first: str, last: str) -> str:
    """What stands before the number in somebody's addresses: `maria.munoz`."""
    return f"{_ascii(first)}.{_ascii(last)}"


def quiet(world: World, day: date) -> date:
    """Moves a day out of the quiet days around the epoch, keeping order."""
    first, last = world.calm
    return first - timedelta(days=1) if first <= day <= last else day


def _kin_complete(world: World, n: int, place: int) -> bool:
    """Kin come in pairs: both must exist and neither lead."""
    first, second = (n, n + 1) if place in {4, 10} else (n - 1, n) if place in {5, 11} else (n, n)
    return first > managers(world.people) and second <= world.people


def _random(world: World, n: int) -> random.Random:
    return random.Random((world.seed * 1_000_003 + world.epoch.toordinal()) * 10_000_019 + n)


def _ascii(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.replace("ø", "o").replace("Ø", "O").replace("ą", "a"))
    return "".join(letter for letter in plain if letter.isascii() and letter.isalpha()).lower()
