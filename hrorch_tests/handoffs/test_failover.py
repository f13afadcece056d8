"""With any one and any two targets down, everyone who does not need them is done; on return the backlog drains in each person's order.

A system that is down cannot be read either, so what is known of it goes stale meanwhile.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.handoffs.chain import START, Office, candidate, declare
from hrorch_tests.handoffs.histories import Town

TARGETS = ("letters", "check", "hris", "payroll", "directory", "calendar")
NEEDS = {
    "offer-letter": {"letters"},
    "order-check": {"check"},
    "hris-record": {"hris"},
    "payroll-record": {"hris", "check", "payroll"},
    "account": {"hris", "directory"},
    "first-day": {"hris", "calendar"},
}
KINDS = {
    "offered": ({"offer_status": "extended", "authorised": False}, {"offer-letter"}),
    "screened": ({"offer_status": "extended"}, {"offer-letter", "order-check"}),
    "signed": ({"offer_status": "countersigned"}, set(NEEDS)),
    "unscreened": (
        {"offer_status": "countersigned", "authorised": False},
        {"offer-letter", "hris-record", "account", "first-day"},
    ),
}
"""What the ATS says of a candidate, and which handoffs that means."""


@pytest.fixture
def town(tmp_path: Path) -> Town:
    home = Home(tmp_path / "home")
    home.root.mkdir()
    clock = SetClock(START)
    stack = declare()
    stack._folder = tmp_path
    (tmp_path / "offer.txt").write_text("Dear {{ name }},\nwelcome.\n", encoding="utf-8")
    made = Town(Office(open_ledger(home, clock), stack, clock))
    made.act()  # the handoffs are known from here on
    return made


ONE = list(itertools.combinations(TARGETS, 1))
TWO = list(itertools.combinations(TARGETS, 2))
SOME = [("hris",), ("letters", "payroll"), ("check", "directory"), ("hris", "calendar")]


@pytest.mark.parametrize(
    "outages",
    [
        pytest.param(SOME, id="some"),
        pytest.param(ONE, id="any one", marks=pytest.mark.long),
        pytest.param(TWO, id="any two", marks=pytest.mark.long),
    ],
)
def test_who_does_not_need_what_is_down_is_done_and_the_rest_drains_in_order(
    town: Town, outages: list[tuple[str, ...]]
) -> None:
    for number, down in enumerate(outages):
        people = arrive(town, f"p{number}")
        for name in down:
            town.places[name].down = True
        live(town, people, down, rounds=2)
        done = states_of(town)
        for person, kind in people.items():
            for handoff in KINDS[kind][1]:
                finished = done.get((person, handoff)) == "done"
                assert finished == (not NEEDS[handoff] & set(down)), (person, kind, handoff, down)
        for name in down:
            town.places[name].down = False
        town.office.clock.at += timedelta(hours=1)  # breakers ask again
        live(town, people, (), rounds=3)
        done = states_of(town)
        assert all(
            done.get((person, handoff)) == "done" for person in people for handoff in KINDS[people[person]][1]
        ), down
    nothing_twice_and_in_order(town)


def arrive(town: Town, prefix: str) -> dict[str, str]:
    """One candidate of each kind; person → kind."""
    people = {f"{prefix}{kind}": kind for kind in KINDS}
    soon = town.office.clock.now().date() + timedelta(days=3)
    for person, kind in people.items():
        town.ats[person] = candidate(person, **{"start_date": soon, **KINDS[kind][0]})
        town.results[f"{person}-1"] = "clear"
        town.see("ats", person)
    return people


def live(town: Town, people: dict[str, str], down: tuple[str, ...], *, rounds: int) -> None:
    """Passes and pushes go on; what can be read is read, what cannot is stale."""
    systems = [name for name in ("check", "hris", "payroll", "directory") if name not in down]
    town.office.seen.stale(*(name for name in down if name not in {"letters", "calendar"}))
    for _ in range(rounds):
        for person in people:
            for system in systems:
                town.see(system, person)
        town.act()
        town.office.clock.at += timedelta(minutes=20)


def states_of(town: Town) -> dict[tuple[str, str], str]:
    return {(row.person_id, row.handoff): row.state for row in town.office.steps()}


def nothing_twice_and_in_order(town: Town) -> None:
    """Each thing was made once, and in each target each person's things in the order proposed."""
    for place in town.places.values():
        assert all(times == 1 for times in place.makes.values())
    queues = defaultdict(list)
    for row in sorted(town.office.actions(), key=lambda row: row.sent_at):
        assert (row.state, row.attempts) == ("confirmed", 1), "being away costs no try"
        queues[row.target, row.person_id].append(row.proposed_at)
    assert all(times == sorted(times) for times in queues.values())
    assert not [case for case in town.office.cases() if case.rule == "breaker" and case.state != "confirmed"]
