"""Every order in which facts become known ends in the same state of the world, and nothing is done twice. The heart of handoffs.

What "the same" means where a fact was taken back before it was seen is in docs/decisions/0040-permutations.md.
"""

from __future__ import annotations

from collections import Counter

import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.handoffs.chain import START, Office, declare
from hrorch_tests.handoffs.histories import HISTORIES, PLAIN, Town, actions_of, events_of, in_turn, orders, people_for

LOSING = {"check": (3, 7), "hris": (2, 5), "payroll": (4, 3), "directory": (5, 4), "letters": (0, 0), "calendar": (3, 8)}


def town(tmp_path, *, losing=True):
    """A town whose offices know the handoffs, and whose systems lose answers and kill the process now and then."""
    home = Home(tmp_path / "home")
    home.root.mkdir(parents=True, exist_ok=True)
    clock = SetClock(START)
    stack = declare()
    stack._folder = tmp_path
    (tmp_path / "offer.txt").write_text("Dear {{ name }},\nwelcome.\n", encoding="utf-8")
    made = Town(Office(open_ledger(home, clock), stack, clock))
    for name, (lose, kill) in LOSING.items() if losing else ():
        made.places[name].lose, made.places[name].kill = lose, kill
    made.act()
    return made


def promises(made, lives, expected):
    """What holds of everybody, however they were seen."""
    for person in lives:
        assert (made.outcome(person), events_of(made, person)) == expected, (person, lives[person])
    letters = Counter(row.person_id for row in made.office.actions("offer-letter") if row.state == "confirmed")
    assert max(letters.values(), default=0) <= 2, "one for each hire"
    for place in made.places.values():
        assert all(times == 1 for key, times in place.makes.items() if "@" not in key), "nothing is made twice"


@pytest.mark.parametrize("name", HISTORIES)
def test_every_order_of_a_small_history_ends_in_the_same_world(name, tmp_path):
    history = HISTORIES[name]
    lives = people_for(list(orders(len(history))))
    straight = next(person for person, order in lives.items() if order == in_turn(len(history)))
    made = town(tmp_path)
    made.run(history, lives)
    promises(made, lives, (made.outcome(straight), events_of(made, straight)))
    if name in PLAIN:
        assert {frozenset(actions_of(made, person).items()) for person in lives} == {frozenset(actions_of(made, straight).items())}
