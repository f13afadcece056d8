"""The sandbox's webhooks are believed by the product's own door, whatever order they come in and however often."""

from __future__ import annotations

import shutil

import pytest
import sqlalchemy as sa

from hrorch_pipelines.sandbox.advance import advance
from hrorch_pipelines.sandbox.cohort import begin
from hrorch_pipelines.sandbox.hooks import send_events, skip_events
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.sandbox.world import generate
from hrorch_pipelines.storage.ledger_tables import inbox
from hrorch_tests.inbox.conftest import *  # noqa: F403
from hrorch_tests.inbox.sending import SECRETS

SYSTEMS = ("ats", "hris", "payroll", "check")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A world in which much has happened over some days."""
    folder = tmp_path_factory.mktemp("made") / "world"
    generate(folder, 150, 7, faults=False)
    begin(folder, size=4)
    advance(folder, 15)
    return folder


@pytest.fixture
def world(made, tmp_path):
    return shutil.copytree(made, tmp_path / "world")


def taken(place):
    ledger = place.ledger()
    with ledger.read() as con:
        rows = con.execute(sa.select(inbox.c.system, inbox.c.kind, inbox.c.subject)).all()
    ledger.close()
    return [tuple(row) for row in rows]


def test_every_event_is_believed_once_in_any_order_and_number(world, serve, place, ledger_clock):
    post = serve()
    sent = send_events(world, post.url, SECRETS, systems=SYSTEMS, shuffle_seed=3, duplicate=0.5, clock=ledger_clock)
    assert sent.events == sent.posted > 50
    assert sent.repeats > 20
    assert set(sent.answers) == {(system, 200) for system in {system for system, _ in sent.answers}}
    assert {"ats", "hris", "payroll"} <= {system for system, _ in sent.answers}
    assert sum(sent.answers.values()) == sent.posted + sent.repeats
    rows = taken(place)
    assert 0 < len(rows) <= sent.events  # two changes that a vendor tells in the same words are one message
    store = Store(world, "hris")
    assert {subject for system, _, subject in rows if system == "hris"} <= {
        one.id for one in store.each("employees", deleted=True)
    }
    store.close()
    assert {kind for system, kind, _ in rows if system == "ats"} >= {
        "candidate_created",
        "offer_created",
        "offer_updated",
    }


def test_dropped_ones_are_lost_and_told_ones_are_not_told_again(world, serve, ledger_clock):
    post = serve()
    sent = send_events(world, post.url, SECRETS, systems=("ats", "hris"), shuffle_seed=1, drop=0.3, clock=ledger_clock)
    assert sent.events == sent.posted + sent.dropped
    assert sent.dropped > 5
    again = send_events(world, post.url, SECRETS, systems=("ats", "hris"), clock=ledger_clock)
    assert again.events == 0
    assert skip_events(world, systems=("payroll",)) > 0
    assert send_events(world, post.url, SECRETS, systems=("payroll",), clock=ledger_clock).events == 0


def test_a_wrong_secret_is_answered_and_a_closed_door_loses_what_was_said(world, serve, ledger_clock):
    post = serve()
    sent = send_events(world, post.url, {**SECRETS, "ats": "wrong"}, systems=("ats",), clock=ledger_clock)
    assert sent.answers == {("ats", 401): sent.events}
    gone = send_events(world, "http://127.0.0.1:9", SECRETS, systems=("hris",), clock=ledger_clock)
    assert gone.undelivered == gone.events > 0


def test_who_has_no_webhooks_sends_none(world):
    with pytest.raises(ValueError, match="directory cannot send"):
        send_events(world, "http://127.0.0.1:9", SECRETS, systems=("directory",))
