"""`hrorch run`'s last part, through the real Dagster jobs: a chain moves in one run, and a target in trouble holds up nobody else."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.handoffs.passing import run_pass
from hrorch_pipelines.runner import push_once
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger_tables import actions, steps
from hrorch_pipelines.storage.warehouse import Warehouse
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.handoffs.chain import HANDOFFS, START, Seen, candidate, declare
from hrorch_tests.systems.making.mail_servers import Inbox, taking

AFTER = {
    "when": "done_offer_letter",
    "then": {"mail": "letters", "to": "'rita@small.example'", "subject": "An offer is out", "text": "offer.txt",
             "fields": {"name": "ats_last_name"}},
}  # fmt: skip
CHAIN = {
    "offer-letter": HANDOFFS["offer-letter"],
    "told": AFTER,
    "hris-record": {**HANDOFFS["hris-record"], "when": "ats_offer_status = 'extended'"},
    "account": {**HANDOFFS["account"], "when": "ats_offer_status = 'extended'"},
}


def test_a_chain_moves_in_one_run_and_a_target_that_is_away_holds_up_only_who_needs_it(tmp_path: Path) -> None:
    inbox = Inbox()
    with taking(inbox) as port:
        place = workplace(tmp_path, port)
        publish(place, ["ann", "bob"])
        done = push_once(place)
    assert all(one.ok for one in done), done
    assert {"hand_letters", "hand_hris", "handoffs_between"} == {one.job for one in done}
    assert Counter(inbox.to) == {"ann@home.example": 1, "bob@home.example": 1, "rita@small.example": 2}
    with closing(place.ledger()) as ledger, ledger.read() as con:
        states = Counter(con.execute(sa.select(steps.c.handoff, steps.c.state)).tuples())
        waiting = con.execute(sa.select(actions.c.state, actions.c.attempts).where(actions.c.target == "hris")).all()
    assert states == {
        ("offer-letter", "done"): 2,
        ("told", "done"): 2,
        ("hris-record", "due"): 2,
        ("account", "parked"): 2,
    }
    assert [tuple(row) for row in waiting] == [("ready", 0), ("ready", 0)], "nothing listens where the HRIS should be"


def workplace(folder: Path, port: int) -> Workplace:
    stack = declare(CHAIN, outlets__letters__port=port, systems__hris__records__worker__create={"path": "/hris"})
    stack._folder = folder
    (folder / "offer.txt").write_text("Dear {{ name }},\nwelcome.\n", encoding="utf-8")
    home, clock = Home(folder / "home"), SetClock(START)
    home.root.mkdir()
    return Workplace(stack, home, clock, Warehouse(home, clock))


def publish(place: Workplace, people: list[str]) -> None:
    """What a cycle would have published, and the pass it would have made."""
    clock = place.clock
    assert isinstance(clock, SetClock)
    seen = Seen(place.stack)
    with closing(place.ledger()) as ledger:
        seen.decide()
        run_pass(ledger, seen.con, place.stack, clock.now())  # the handoffs are known from here on
        clock.at += timedelta(hours=1)
        for person in people:
            seen.see("ats", person, candidate(person, start_date=START.date() + timedelta(days=3)), clock.now())
        seen.decide()
        run_pass(ledger, seen.con, place.stack, clock.now())
    place.home.published.parent.mkdir(parents=True)
    seen.con.execute(f"ATTACH '{place.home.published}' AS copy")
    name = seen.con.execute("SELECT current_database()").fetchall()[0][0]
    seen.con.execute(f"COPY FROM DATABASE {name} TO copy")
    seen.con.execute("DETACH copy")
    clock.at += timedelta(minutes=1)
