"""Every order in which facts become known ends in the same state of the world, and nothing is done twice. The heart of handoffs.

What "the same" means where a fact was taken back before it was seen is in docs/decisions/0040-permutations.md.
"""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_tests.drawing import drawn
from hrorch_tests.handoffs.chain import START, Office, declare
from hrorch_tests.handoffs.histories import (
    PLAIN,
    Life,
    Town,
    actions_of,
    applies_again,
    entered_by_hand,
    events_of,
    in_hris,
    in_turn,
    offer,
    populace,
    result,
)

LOSING = {
    "check": (7, 40),
    "hris": (8, 30),
    "payroll": (9, 23),
    "directory": (11, 50),
    "letters": (0, 0),
    "calendar": (12, 37),
}


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
    straight = {
        life.name: person for person, life in reversed(lives.items()) if life.order == in_turn(len(life.events))
    }
    for person, life in lives.items():
        like = straight[life.name]
        assert end_of(made, person) == end_of(made, like), (life.name, life.order, person)
        if life.name in PLAIN:
            assert actions_of(made, person) == actions_of(made, like), (life.name, life.order, person)
    confirmed = Counter(
        (row.step_id, row.purpose, row.revision) for row in made.office.actions() if row.state == "confirmed"
    )
    assert max(confirmed.values()) == 1
    for name in ("check", "hris", "payroll", "directory", "letters"):
        assert set(made.places[name].makes.values()) <= {1}, "nothing is made twice"


def end_of(made, person):
    """What there is of a person in the end."""
    return made.outcome(person), events_of(made, person)


@pytest.mark.parametrize("every", [pytest.param(1, marks=pytest.mark.long), 3])
def test_every_order_of_a_small_history_ends_in_the_same_world(every, tmp_path):
    lives = populace(every)
    made = town(tmp_path)
    made.run(lives)
    promises(made, lives)


def told_at_random(rng):
    """Somebody's history: an offer in several steps, a check early or late, a record by somebody's hand, days that move, and
    an end or none; and an order in which it is told, with repeated tellings and some that never come."""
    events = [offer("extended")] * rng.randint(0, 1) + [offer("extended", authorised=True), offer("countersigned")]
    events += [
        offer("countersigned", start_date=date(2026, 4, day)) for day in rng.sample(range(1, 29), rng.randint(0, 2))
    ]
    events.insert(rng.randint(0, len(events)), result("clear", by_hand=rng.random() < 0.3))
    ending = rng.choice(["hired", "hired", "rescinded", "no-show", "left", "hired again"])
    if ending != "rescinded" and rng.random() < 0.3:
        events.insert(rng.randint(0, len(events)), entered_by_hand())
    events += {
        "hired": [],
        "rescinded": [offer("rescinded")],
        "no-show": [in_hris(employment_status="no-show")],
        "left": [in_hris(employment_status="terminated")],
        "hired again": [in_hris(employment_status="terminated"), applies_again(2, offer_status="countersigned"), result("clear")],
    }[ending]  # fmt: skip
    order = [("happens", number) for number in range(len(events))]
    for number in range(len(events)):
        for _ in range(rng.choice([0, 1, 1, 1, 2])):  # none: it is lost, and told in the end; two: a repetition
            order.insert(rng.randint(order.index(("happens", number)) + 1, len(order)), ("seen", number))
    return tuple(events), tuple(order)


@settings(max_examples=drawn(20, 1), deadline=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_drawn_histories_end_alike_however_they_are_told(seed):
    rng, lives = random.Random(seed), {}
    for number in range(16):
        events, order = told_at_random(rng)
        lives[f"p{number:04d}"] = Life(f"h{number}", order, events)
        lives[f"s{number:04d}"] = Life(f"h{number}", in_turn(len(events)), events)
    with tempfile.TemporaryDirectory() as folder:
        made = town(Path(folder))
        made.run(lives)
        promises(made, lives)
        made.office.ledger.close()
