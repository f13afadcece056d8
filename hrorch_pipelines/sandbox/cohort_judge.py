"""What became of a cohort, by the documents alone: each member and handoff against the truth, and what nobody asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from hrorch_pipelines.sandbox.cohort import Cohort, cohort_in, opened
from hrorch_pipelines.sandbox.cohort_evidence import Evidence, SeenEvent, SeenLetter, Sight, seen_events, seen_letters
from hrorch_pipelines.sandbox.cohort_members import Member, payday_after
from hrorch_pipelines.sandbox.cohort_reactions import PAY_PERIODS
from hrorch_pipelines.sandbox.cohort_records import BASE, PARTS, Held, Holdings
from hrorch_pipelines.sandbox.cohort_truth import Expectation, read_expectations
from hrorch_pipelines.sandbox.company import CLERKS, INTEGRATION
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.sandbox.timeline import life
from hrorch_pipelines.sandbox.truth import records_of
from hrorch_pipelines.sandbox.world_clock import WorldClock

FINE = frozenset({"once", "already", "taken back", "absent", "told", "right", "pending", "unseen"})
"""States that are as they should be, not yet due, or cannot be looked at."""


@dataclass(frozen=True)
class Outcome:
    """One verdict. `state`: once, twice, missing, early, already, wrongly, taken back, kept, absent, told, right, wrong,
    pending (it is not yet late), unseen (no mailbox or calendar to look into), unexpected."""

    member: int | None
    kind: str
    handoff: str
    expect: str
    state: str
    detail: str = ""

    @property
    def fine(self) -> bool:
        """Whether nothing is wrong about it."""
        return self.state in FINE


@dataclass(frozen=True)
class Typed:
    """What a person typed into a system below the ATS (M1's truth): names of fields, never values."""

    member: int
    kind: str
    system: str
    collection: str
    source_id: str
    action: str
    fields: tuple[str, ...]
    by: str
    at: str


def judge(
    folder: Path, *, letters: Sequence[SeenLetter] | None = None, events: Sequence[SeenEvent] | None = None
) -> list[Outcome]:
    """Judge the cohort of a folder as of the world's day. Raises LookupError when none has begun.

    `letters` and `events`: default is what the sandbox's own mailbox and calendar in that folder hold.
    """
    letters = seen_letters(folder) if letters is None else letters
    events = seen_events(folder) if events is None else events
    cohort, today = _begun(folder), WorldClock(folder).now().date()
    with opened(folder) as stores:
        held, created = cohort.held(stores, today), dict(_created(cohort, stores))
        evidence = {
            one.number: Evidence(one, held.by_member[one.number], today, created, letters, events)
            for one in cohort.members
        }
        truth = read_expectations(cohort.labels)
        judged = [_outcome(row, evidence[row.member], today) for row in truth]
        return [*judged, *_unexpected(cohort, held, stores)]


def typed(folder: Path) -> list[Typed]:
    """Every change that a person made to a member's records in a system other than the ATS."""
    cohort = _begun(folder)
    with opened(folder) as stores:
        held = cohort.held(stores, WorldClock(folder).now().date())
        owner = {place: member for member in cohort.members for place in held.by_member[member.number].places()}
        return [
            Typed(one.number, one.kind.value, system, event.collection, event.id, event.action, event.fields, event.by, event.at)
            for system, store in stores.items()
            if system != "ats"
            for event in store.events(after=cohort.since[system])
            if event.by in CLERKS and (one := owner.get((system, event.collection, event.id))) is not None
        ]  # fmt: skip


def _begun(folder: Path) -> Cohort:
    cohort = cohort_in(folder)
    if cohort is None:
        raise LookupError("no cohort has begun in this world")
    return cohort


def _outcome(row: Expectation, seen: Evidence, today: date) -> Outcome:
    if row.expect == "right":
        state, detail = _rightness(row, seen), ""
    elif row.handoff in {"first-payday", "last-payday"}:
        count = seen.paid_since(date.fromisoformat(row.by))
        state, detail = ("wrongly" if count else "absent"), f"{count} payments" if count else ""
    else:
        sight = seen.sight(row.handoff)
        state = "unseen" if sight is None else _state(row, sight)
        detail = f"{sight.alive} of {sight.ever}" if sight is not None and sight.ever > 1 else ""
    if state in {"missing", "wrong", "kept"} and today.isoformat() < row.by:
        state = "pending"
    return Outcome(row.member, row.kind, row.handoff, row.expect, state, detail)


def _state(row: Expectation, sight: Sight) -> str:
    early = bool(row.not_before and sight.first and sight.first[:10] < row.not_before)
    match row.expect:
        case "none":
            return "wrongly" if sight.ever else "absent"
        case "gone" if early:
            return "early"
        case "gone":
            return "kept" if sight.alive else "taken back" if sight.ever else "absent"
        case "told":
            return "told" if sight.alive else "missing"
        case _ if sight.alive > 1:
            return "twice"
        case _ if not sight.alive:
            return "missing"
        case "once":
            return "early" if early else "once"
        case _:
            return "already"


def _rightness(row: Expectation, seen: Evidence) -> str:
    if row.handoff != "first-payday":
        return "right" if seen.right(row.handoff) else "wrong"
    start = seen.member.start
    paid = seen.paid(payday_after(start)) if start else []
    if not paid:
        return "missing"
    return "right" if len(paid) == 1 and seen.pay_is(paid[0], PAY_PERIODS) else "wrong"


def _unexpected(cohort: Cohort, held: Held, stores: Mapping[str, Store]) -> Iterator[Outcome]:
    """What nobody asked for: records of nobody, equal rows, a second person in the check system, a touched application."""
    for system, collection, key in held.strangers:
        yield Outcome(None, "", "unexpected", "none", "unexpected", f"{system}.{collection} {key} is nobody's")
    for n, own in held.company.items():
        for system, key in _second_records(cohort, n, own, stores):
            yield Outcome(n, "", "unexpected", "none", "unexpected", f"{system}.{BASE[system]} {key} is a second one")
    for member in cohort.members:
        own = held.by_member[member.number]
        told = [*_doubles(own), *_touched(cohort, own, stores["ats"]), *_names(member, own)]
        if len(own.of("check")) > 1:
            told.append("check.candidates: more than one")
        for what in told:
            yield Outcome(member.number, member.kind.value, "unexpected", "none", "unexpected", what)


def _second_records(cohort: Cohort, n: int, own: Holdings, stores: Mapping[str, Store]) -> Iterator[tuple[str, str]]:
    """What was made for one of the company's own newcomers although they were there already, or twice."""
    known = records_of(life(cohort.world, n))
    for system in BASE:
        found = [stores[system].get(BASE[system], key) for place, key in known if place == system]
        there = any(one is not None and not one.deleted for one in found)
        made = own.of(system)
        yield from ((system, one.id) for one in (made if there else made[1:]))


def _doubles(own: Holdings) -> Iterable[str]:
    """Rows of the HRIS that say the same twice."""
    for table in PARTS["hris"]:
        rows = Counter(
            repr(sorted((name, value) for name, value in row.body.items() if name != "id" and value))
            for row in own.of("hris", table)
        )
        if any(count > 1 for count in rows.values()):
            yield f"hris.{table}: equal rows"


def _touched(cohort: Cohort, own: Holdings, ats: Store) -> Iterable[str]:
    """The program never decides about an application or an offer."""
    places = {(collection, key) for system, collection, key in own.places() if system == "ats"}
    for event in ats.events(after=cohort.since["ats"]):
        if event.by == INTEGRATION and (event.collection, event.id) in places and "status" in event.fields:
            yield f"ats.{event.collection} {event.id}: status changed by the program"


def _names(member: Member, own: Holdings) -> Iterable[str]:
    """Nobody's record says somebody else's name. Who comes back may have had another one."""
    if member.life.spells:
        return
    for system, first, last in (("hris", "firstName", "lastName"), ("payroll", "first_name", "last_name"),
                                ("check", "first_name", "last_name"), ("onboarding", "firstName", "lastName")):  # fmt: skip
        for one in own.of(system):
            said = str(one.body.get(first)).casefold(), str(one.body.get(last)).casefold()
            if said != (member.person.first.casefold(), member.person.last.casefold()):
                yield f"{system} {one.id}: another name"


def _created(cohort: Cohort, stores: Mapping[str, Store]) -> Iterator[tuple[tuple[str, str, str], str]]:
    """(system, collection, id) → when it was made, since the cohort began."""
    for system, store in stores.items():
        for event in store.events(after=cohort.since[system]):
            if event.action == "created":
                yield (system, event.collection, event.id), event.at
