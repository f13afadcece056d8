"""Hiring histories as the world tells them, and runs of them in which what is seen comes early, late, twice or not at all.

One run carries many persons with the same history, each seen in an order of its own. See docs/decisions/0040-permutations.md.
"""

from __future__ import annotations

import hmac
import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.passing import run_pass
from hrorch_pipelines.handoffs.push import push
from hrorch_tests.handoffs.chain import DAY_ONE, START, Office, candidate
from hrorch_tests.handoffs.outside import Killed, Records

DEAD = {"terminated", "no-show", "cancelled"}
Event = tuple[str, Callable[["Town", str], None]]
"""A system, and what happens there to a person: whoever is told of it sees the record as it then is."""

Order = tuple[tuple[str, int], ...]
"""Of one person: ("happens", event) and ("seen", event), in their order."""


def offer(status: str, **more: Any) -> Event:
    """The ATS says something about the offer."""

    def happens(town: Town, person: str) -> None:
        known = town.ats.get(person, candidate(person, authorised=False))
        town.ats[person] = {**known, "offer_status": status, **more}

    return "ats", happens


def applies_again(number: int, **more: Any) -> Event:
    """A new application of the same person: another hire."""

    def happens(town: Town, person: str) -> None:
        town.ats[person] = candidate(person, application=f"{person}-{number}", **more)

    return "ats", happens


def result(value: str, *, by_hand: bool = False) -> Event:
    """The check says something: as soon as it was ordered, where it was not yet. `by_hand`: somebody had ordered it by then."""

    def happens(town: Town, person: str) -> None:
        if by_hand:
            town.entered("check", person)
        town.results[town.ats.get(person, candidate(person))["application"]] = value
        town.answer_checks()

    return "check", happens


def entered_by_hand() -> Event:
    """Somebody in HR makes the HRIS record themselves, unless it is there."""
    return "hris", lambda town, person: town.entered("hris", person) and None


def in_hris(**more: Any) -> Event:
    """The HRIS record, by then somebody's doing, says something else."""
    return "hris", lambda town, person: town.entered("hris", person).update(more)


HISTORIES: dict[str, list[Event]] = {
    "hired": [offer("extended"), offer("extended", authorised=True), result("clear"), offer("countersigned")],
    "result before anything is signed": [result("clear"), offer("extended", authorised=True), offer("countersigned")],
    "check ordered by hand": [offer("extended", authorised=True), result("clear", by_hand=True), offer("countersigned")],
    "entered by hand": [offer("countersigned", authorised=True), entered_by_hand(), result("clear")],
    "first day moved": [
        offer("countersigned", authorised=True), result("clear"), offer("countersigned", start_date=date(2026, 4, 8)),
    ],
    "rescinded": [offer("extended", authorised=True), offer("countersigned"), offer("rescinded")],
    "no-show": [offer("countersigned", authorised=True), result("clear"), in_hris(employment_status="no-show")],
    "left": [offer("countersigned", authorised=True), in_hris(employment_status="active"),
             in_hris(employment_status="terminated", end_date=date(2026, 4, 20))],
    "hired again": [offer("countersigned", authorised=True), in_hris(employment_status="terminated"),
                    applies_again(2, offer_status="countersigned"), result("clear")],
    "contractor becomes employee": [
        offer("countersigned", authorised=True),
        in_hris(employment_status="terminated"),
        applies_again(2, offer_status="extended"),
        offer("countersigned"),
    ],
    "adverse result": [result("consider"), offer("countersigned", authorised=True), result("clear")],
}  # fmt: skip

PLAIN = {"hired", "result before anything is signed"}
"""Nothing is taken back or replaced in these, and nobody else's hand is in them: the very same actions in every order."""


def orders(events: int) -> Iterator[Order]:
    """Every order in which each event happens in its turn and is told of at any time after it."""
    happening = [("happens", number) for number in range(events)]

    def placed(rest: Sequence[tuple[str, int]]) -> Iterator[Order]:
        if not rest:
            yield ()
            return
        *earlier, last = rest
        for order in placed(earlier):
            # What happens keeps its turn; the telling of the earlier ones may come anywhere after it.
            yield from _with(order, last)

    def _with(order: Order, last: tuple[str, int]) -> Iterator[Order]:
        after = max((place for place, (what, _) in enumerate(order) if what == "happens"), default=-1) + 1
        for place in range(after, len(order) + 1):
            with_last = (*order[:place], last, *order[place:])
            for seen in range(place + 1, len(with_last) + 1):
                yield (*with_last[:seen], ("seen", last[1]), *with_last[seen:])

    return iter(dict.fromkeys(placed(happening)))


@dataclass(frozen=True)
class Life:
    """One person's history, and the order in which it is lived and told."""

    name: str
    order: Order
    events: tuple[Event, ...]


@dataclass
class Town:
    """The world of one run: what the sources hold, and the places that handoffs act in."""

    office: Office
    ats: dict[str, dict[str, Any]] = field(default_factory=dict)
    places: dict[str, Records] = field(default_factory=lambda: {name: Records() for name in _PLACES})
    results: dict[str, str] = field(default_factory=dict)
    changed: dict[tuple[str, str], datetime] = field(default_factory=dict)

    def run(self, lives: Mapping[str, Life]) -> None:
        """Let everybody live through their order, with a pass and pushes after each turn; then let all be seen, and settle."""
        office = self.office
        for turn in range(max(len(life.order) for life in lives.values())):
            office.clock.at += timedelta(hours=1)
            for person, life in lives.items():
                if turn < len(life.order):
                    self._turn(life.events, person, *life.order[turn])
            self.act()
        for _ in range(2):  # what was dropped is told again; then the first days come
            for person in lives:
                for system in ("ats", *_SYSTEMS):
                    self.see(system, person)
            self.settle()
            office.clock.at = datetime.combine(DAY_ONE, datetime.min.time(), START.tzinfo) + timedelta(days=1)

    def act(self) -> int:
        """A pass, and a push of every place; returns how much moved."""
        office, moved = self.office, 0
        office.seen.decide()
        moved += run_pass(office.ledger, office.seen.con, office.stack, office.clock.now()).total("moved")
        return moved + self.push()

    def push(self) -> int:
        """A push of every place; the process may die in each."""
        office, moved = self.office, 0
        for name, place in self.places.items():
            try:
                told = push(
                    office.ledger, office.stack, name, office.clock, maker=place, changer=place, sleep=lambda _: None
                )
                moved += told.confirmed + told.already_there + told.taken
            except Killed:
                moved += 1
        self.answer_checks()
        return moved

    def answer_checks(self) -> None:
        """What checks say, of those that were ordered."""
        for one in self.places["check"].held.values():
            if one["application"] in self.results:
                one["check_result"] = self.results[one["application"]]

    def settle(self) -> None:
        """Until nothing moves any more; what was made is seen on the way."""
        for _ in range(30):
            self.office.clock.at += timedelta(hours=1)
            for name in _SYSTEMS:
                for one in list(self.places[name].held.values()):
                    self.see(name, one["application"].rsplit("-", 1)[0])
            if not self.act():
                return
        raise AssertionError("it never came to rest")

    def see(self, system: str, person: str) -> None:
        """The record as it is now comes to be known."""
        self.office.seen.see(
            system, person, self.record(system, person), self.changed.get((system, person), self.office.clock.now())
        )

    def record(self, system: str, person: str) -> dict[str, Any] | None:
        """A source's record of a person: the one of their newest application."""
        if system == "ats":
            return self.ats.get(person)
        own = [one for one in self.places[system].held.values() if one["application"].rsplit("-", 1)[0] == person]
        return max(own, key=lambda one: one["application"], default=None)

    def entered(self, system: str, person: str) -> dict[str, Any]:
        """The record of the newest application there; made by somebody's hand where there is none."""
        application = self.ats.get(person, candidate(person))["application"]
        place = self.places[system]
        found = place.of(application)
        if found is None:
            key = f"hand-{application}"
            found = place.held[key] = {"id": key, "application": application}
            if system == "hris":
                known = self.ats.get(person, candidate(person))
                found |= {
                    "last_name": known["last_name"],
                    "employment_status": "pre-hire",
                    "start_date": known["start_date"],
                }
        return found

    def _turn(self, history: Sequence[Event], person: str, what: str, number: int) -> None:
        system, happens = history[number]
        if what == "happens":
            happens(self, person)
            self.changed[system, person] = self.office.clock.now()
        else:
            self.see(system, person)

    def outcome(self, person: str) -> dict[str, Any]:
        """What there is of a person in the end, whoever made it, ids left out: live records, events, what was said."""
        application = self.ats[person]["application"]

        def live(name: str) -> dict[str, Any] | None:
            found = self.places[name].of(application)
            if found is None or found.get("employment_status") in DEAD:
                return None
            told = {key: str(value).replace(person, "X") for key, value in found.items() if key in _COMPARED[name]}
            return dict(sorted(told.items()))

        stands = self.ats[person]["offer_status"] in {"extended", "countersigned"}
        # A check that was ordered cannot be taken back, no more than a letter.
        return {name: live(name) for name in _SYSTEMS if stands or name != "check"}


def events_of(town: Town, person: str) -> list[str]:
    """The events in the calendar that stand for a person's present hire."""
    key, application = town.office.ledger.home.key(), town.ats[person]["application"]
    mark = hmac.digest(key, f"first-day\x1f{application}".encode(), "sha256").hex()
    mine = {row.step_id for row in town.office.steps("first-day") if (row.person_id, row.once_per) == (person, mark)}
    found = town.places["calendar"].made
    return sorted(
        str(event.starts) for uid, event in found.items() if not event.cancelled and any(one in uid for one in mine)
    )


def actions_of(town: Town, person: str) -> Counter[tuple[str, str, str]]:
    """(handoff, purpose, verb) → how often it was confirmed and really made, or found to be there."""
    return Counter(
        (row.handoff, row.purpose, row.verb)
        for row in town.office.actions()
        if row.person_id == person and row.state == State.CONFIRMED.value
    )


_SYSTEMS = ("check", "hris", "payroll", "directory")
_PLACES = (*_SYSTEMS, "letters", "calendar")
_COMPARED = {
    "check": {"application", "check_result"},
    "hris": {"application", "last_name", "employment_status"},
    "payroll": {"application", "last_name", "pay", "employment_status"},
    "directory": {"application", "last_name", "employment_status"},
}


def in_turn(events: int) -> Order:
    """Every event is seen as soon as it happens."""
    return tuple(itertools.chain.from_iterable((("happens", n), ("seen", n)) for n in range(events)))


def populace(every: int = 1) -> dict[str, Life]:
    """A person for each order of each history, or for each so-manieth and the straight one; of long ones for fewer still."""
    lives = []
    for name, history in HISTORIES.items():
        events, some = tuple(history), list(orders(len(history)))
        step = every if len(some) < 20 else every * every * every
        lives += [Life(name, in_turn(len(events)), events), *(Life(name, order, events) for order in some[::step])]
    return {f"p{number:04d}": life for number, life in enumerate(lives)}
