"""Every order in which facts become known ends in the same state of the world, and nothing is done twice. The heart of handoffs.

What "the same" means where a fact was taken back before it was seen is in docs/decisions/0040-permutations.md.
"""

from __future__ import annotations

from collections import Counter

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.handoffs.chain import START, Office, declare
from hrorch_tests.handoffs.histories import PLAIN, Town, actions_of, events_of, in_turn, populace

LOSING = {"check": (7, 40), "hris": (8, 30), "payroll": (9, 23), "directory": (11, 50), "letters": (0, 0), "calendar": (12, 37)}


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


def promises(made, lives):
    """What holds of everybody, however they were seen: what the one who was seen in turn has, and nothing twice."""
    straight = {life.name: person for person, life in reversed(lives.items()) if life.order == in_turn(len(life.history))}
    for person, life in lives.items():
        like = straight[life.name]
        assert end_of(made, person) == end_of(made, like), (life, person)
        if life.name in PLAIN:
            assert actions_of(made, person) == actions_of(made, like), (life, person)
    confirmed = Counter((row.step_id, row.purpose, row.revision) for row in made.office.actions() if row.state == "confirmed")
    assert max(confirmed.values()) == 1
    for place in made.places.values():
        assert all(times == 1 for key, times in place.makes.items() if "@" not in key), "nothing is made twice"


def end_of(made, person):
    """What there is of a person in the end."""
    return made.outcome(person), events_of(made, person)


def test_every_order_of_a_small_history_ends_in_the_same_world(tmp_path):
    lives = populace(every=7)
    made = town(tmp_path)
    made.run(lives)
    promises(made, lives)
