"""Whoever proposes does not approve; an approval is of the values seen; what has moved on cannot be decided any more."""

from __future__ import annotations

from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.corrections.approve import approve, reject
from hrorch_pipelines.corrections.errors import (
    AmbiguousCorrectionError,
    CannotProposeError,
    NotAnApproverError,
    NotUndecidedError,
    OwnProposalError,
    ReasonNeededError,
    UnknownCorrectionError,
)
from hrorch_pipelines.corrections.guard import guard
from hrorch_pipelines.corrections.manual import propose
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.corrections.planning import CYCLE, Plant, writable

TWO = {"mode": "apply", "four_eyes": ["name"], "approvers": ["dana", "kim"]}

on_one_database = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


def planned(ledger: Ledger, **corrections: Any) -> tuple[Plant, Any]:
    plant = Plant(ledger, writable(corrections={**TWO, **corrections}))
    plant.workers(payroll={"legal_name": "Ann Leigh"})
    cycle = plant.compare()
    plant.plan(cycle)
    guard(ledger, plant.con, plant.stack, cycle)
    return plant, plant.rows()[0]


def enter(plant: Plant, **more: Any) -> str:
    values = {
        "person_id": "P0", "target": "payroll", "record": "worker", "source_id": "p0", "attribute": "legal_name",
        "before": "Ann Leigh", "after": "Ann Lee", "proposed_by": "kim", "case_id": "case-1", **more,
    }  # fmt: skip
    now = plant.ledger.clock.now()
    with plant.ledger.write() as con:
        return propose(con, Seals(con, plant.ledger.home.key(), now), plant.stack, now=now, **values)


@pytest.mark.parametrize("word", ["name", "personal", "legal_name"])
def test_four_eyes_hold_a_kind_a_data_type_or_an_attribute(ledger: Ledger, word: str) -> None:
    plant, row = planned(ledger, four_eyes=[word])
    assert row.state == "awaiting_approval"
    assert approve(ledger, plant.stack, [row.correction_id], "dana") == 1
    (row,) = plant.rows()
    assert (row.state, row.approved_by, row.approved_mark) == ("ready", "dana", row.before_mark)
    with ledger.read() as con:
        entry = con.execute(sa.select(audit_log).where(audit_log.c.action == "correction_approved")).one()
    assert (entry.actor, entry.correction_id) == ("dana", row.correction_id)


def test_only_an_approver_approves(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    with pytest.raises(NotAnApproverError, match="dana, kim"):
        approve(ledger, plant.stack, [row.correction_id], "omar")
    with pytest.raises(NotAnApproverError):
        approve(ledger, plant.stack, [row.correction_id], "nobody")
    assert plant.rows()[0].state == "awaiting_approval"


def test_all_of_what_is_approved_together_or_nothing(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    with pytest.raises(UnknownCorrectionError):
        approve(ledger, plant.stack, [row.correction_id, "none"], "dana")
    assert plant.rows()[0].state == "awaiting_approval"


def test_an_approval_dies_with_the_before_value(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    approve(ledger, plant.stack, [row.correction_id], "dana")
    plant.workers(payroll={"legal_name": "Ann Leih"})
    cycle = plant.compare()
    plant.plan(cycle)
    guard(ledger, plant.con, plant.stack, cycle)
    assert sorted((r.state, r.approved_by) for r in plant.rows() if r.state != "withdrawn") == [
        ("awaiting_approval", None)
    ]
    with pytest.raises(NotUndecidedError, match=r"withdrawn since 2026-03-02 12:00 UTC \(the values changed"):
        approve(ledger, plant.stack, [row.correction_id], "dana")


def test_an_approval_of_another_before_value_does_not_count(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    approve(ledger, plant.stack, [row.correction_id], "dana")
    plant.set(row.correction_id, approved_mark="another")
    guard(ledger, plant.con, plant.stack, plant.compare())
    assert plant.rows()[0].state == "awaiting_approval"


@pytest.mark.parametrize("state", ["sending", "confirmed", "rejected", "frozen", "ready"])
@on_one_database
def test_what_moved_on_cannot_be_approved_and_says_how_it_moved(ledger: Ledger, state: str) -> None:
    plant, row = planned(ledger)
    plant.set(row.correction_id, state=state, why="so it went")
    with pytest.raises(NotUndecidedError, match=f"{state} since .*so it went") as told:
        approve(ledger, plant.stack, [row.correction_id], "dana")
    assert told.value.remedy


def test_in_mode_propose_an_approval_is_kept_and_nothing_is_sent(ledger: Ledger) -> None:
    plant, row = planned(ledger, mode="propose")
    approve(ledger, plant.stack, [row.correction_id], "dana")
    assert (plant.rows()[0].state, plant.rows()[0].approved_by) == ("proposed", "dana")
    plant.stack = writable(corrections=TWO)
    guard(ledger, plant.con, plant.stack, plant.compare())
    assert plant.rows()[0].state == "ready"


def test_a_rejection_needs_a_reason_and_lasts_until_the_values_change(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    with pytest.raises(ReasonNeededError):
        reject(ledger, plant.stack, [row.correction_id], "dana", " ")
    assert reject(ledger, plant.stack, [row.correction_id], "dana", "married last week, HRIS is late") == 1
    assert (plant.rows()[0].state, plant.rows()[0].why) == (
        "rejected",
        "rejected by dana: married last week, HRIS is late",
    )
    assert dict(plant.plan().refused) == {"rejected": 1}
    with pytest.raises(NotUndecidedError):
        reject(ledger, plant.stack, [row.correction_id], "dana", "again")


def test_whoever_enters_a_value_does_not_approve_it(ledger: Ledger) -> None:
    plant, _ = planned(ledger)
    own = enter(plant)
    guard(ledger, plant.con, plant.stack, plant.compare())
    with pytest.raises(OwnProposalError):
        approve(ledger, plant.stack, [own], "kim")
    assert approve(ledger, plant.stack, [own], "dana") == 1


def test_an_entered_value_takes_the_place_of_the_plans_and_stays(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    own = enter(plant, after="Ann Li")
    assert {r.correction_id: r.state for r in plant.rows()} == {row.correction_id: "withdrawn", own: "proposed"}
    assert dict(plant.plan().refused) == {"in_progress": 1}
    (mine,) = [r for r in plant.rows() if r.correction_id == own]
    assert (mine.proposed_by, mine.case_id, mine.kind, mine.data_type, mine.state) == (
        "kim",
        "case-1",
        "name",
        "personal",
        "proposed",
    )
    with pytest.raises(CannotProposeError, match="under way"):
        enter(plant)


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"target": "hris"}, "do not write this system"),
        ({"target": "nowhere"}, "do not write this system"),
        ({"record": "job"}, "does not let it be written"),
        ({"attribute": "email"}, "does not let it be written"),
        ({"after": "Ann Leigh"}, "holds this value already"),
        ({"attribute": "ssn"}, "keyed hash"),
    ],
)
@on_one_database
def test_a_value_is_entered_only_where_corrections_may_write(ledger: Ledger, more: dict[str, Any], why: str) -> None:
    with pytest.raises(CannotProposeError, match=why):
        enter(Plant(ledger), **more)


@on_one_database
def test_the_never_touch_list_holds_for_entered_values_too(ledger: Ledger) -> None:
    plant = Plant(ledger, writable(corrections={"never_touch": {"records": ["payroll:p0"]}}))
    with pytest.raises(CannotProposeError, match="never-touch"):
        enter(plant)
    plant = Plant(
        ledger, writable(corrections={"mode": "apply", "never_touch": {"where": "start_date < DATE '2021-01-01'"}})
    )
    plant.workers()
    enter(plant)
    assert guard(ledger, plant.con, plant.stack, plant.compare(CYCLE)).held == 1


def test_a_beginning_stands_for_an_id_where_it_is_long_enough_and_only_one(ledger: Ledger) -> None:
    plant, row = planned(ledger)
    with pytest.raises(UnknownCorrectionError):
        approve(ledger, plant.stack, [row.correction_id[:7]], "dana")
    with ledger.write() as con:
        twin = {**row._mapping, "correction_id": row.correction_id[:12] + "z" * 20, "state": "rejected"}
        con.execute(corrections.insert().values(**twin))
    with pytest.raises(AmbiguousCorrectionError, match="2 corrections begin"):
        approve(ledger, plant.stack, [row.correction_id[:12]], "dana")
    assert approve(ledger, plant.stack, [row.correction_id[:13], row.correction_id], "dana") == 1
