"""Every discrepancy becomes one proposed write or is refused with a reason; planning twice proposes once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.corrections.plan import refused_reasons
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, overrides, person_keys
from hrorch_tests.corrections.planning import CYCLE, Plant, writable

on_one_database = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)
"""For what is judged in the warehouse: which database the ledger is in makes no difference."""


def test_a_disagreement_becomes_one_sealed_proposal_with_its_evidence(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(payroll={"legal_name": "Ann Leigh"})
    result = plant.plan()
    assert (result.looked_at, result.planned, result.proposed, dict(result.refused)) == (1, 1, 1, {})
    (row,) = plant.rows()
    assert (row.target, row.record, row.source_id, row.attribute, row.kind) == (
        "payroll",
        "worker",
        "p0",
        "legal_name",
        "name",
    )
    assert plant.values(row) == ("Ann Leigh", "Ann Lee")
    assert row.state == "proposed"
    assert row.proposed_by == "hrorch"
    assert row.effective_from is None
    assert row.authority_system == "hris"
    assert row.rule == "personal: hris decides in stage worker"
    assert b"Ann" not in row.before_sealed + row.after_sealed
    with ledger.read() as con:
        (entry,) = con.execute(sa.select(audit_log)).all()
    assert (entry.action, entry.correction_id) == ("correction_proposed", row.correction_id)
    assert "Ann" not in entry.envelope


def test_planning_twice_proposes_nothing_new(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(3, payroll={"legal_name": "Ann Leigh", "pay": 60000})
    first, second = plant.plan(), plant.plan()
    assert (first.proposed, first.standing, second.proposed, second.standing, second.withdrawn) == (6, 0, 0, 6, 0)
    assert len(plant.rows()) == 6


def test_a_mended_discrepancy_takes_its_correction_with_it_unless_it_is_on_its_way(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(2, payroll={"legal_name": "Ann Leigh"})
    plant.plan()
    on_its_way = plant.rows()[1]
    plant.set(on_its_way.correction_id, state="sending")
    plant.workers(2)
    assert plant.plan().withdrawn == 1
    assert {row.correction_id: row.state for row in plant.rows()}[on_its_way.correction_id] == "sending"


def test_a_changed_value_is_proposed_anew_and_the_approval_dies(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(payroll={"legal_name": "Ann Leigh"})
    plant.plan()
    (old,) = plant.rows()
    plant.set(old.correction_id, state="ready", approved_by="kim", approved_mark=old.before_mark)
    plant.workers(payroll={"legal_name": "Anne"})
    result = plant.plan()
    assert (result.proposed, result.withdrawn) == (1, 1)
    states = {row.state: row for row in plant.rows()}
    assert set(states) == {"withdrawn", "proposed"}
    assert states["proposed"].approved_by is None
    assert plant.values(states["proposed"]) == ("Anne", "Ann Lee")


def test_what_came_back_after_it_was_withdrawn_is_another_correction(ledger: Ledger) -> None:
    plant = Plant(ledger)
    for name in ("Ann Leigh", "Ann Lee", "Ann Leigh"):
        plant.workers(payroll={"legal_name": name})
        plant.plan()
    assert sorted(row.state for row in plant.rows()) == ["proposed", "withdrawn"]


def reasons(plant: Plant) -> list[str]:
    return sorted(refused_reasons(plant.con).values())


def refused(plant: Plant, **more: Any) -> list[str]:
    """Plan, and see the counts add up."""
    result = plant.plan(plant.compare(**more))
    assert result.planned + sum(result.refused.values()) == result.looked_at
    assert result.looked_at > 0
    return reasons(plant)


WRONG = {"legal_name": "Ann Leigh"}


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        ({"corrections": {"targets": ["directory"]}}, "not_a_target"),
        ({"corrections": {"never_touch": {"attributes": ["legal_name"]}}}, "never_touch"),
        ({"corrections": {"never_touch": {"systems": ["payroll"]}}}, "never_touch"),
        ({"corrections": {"never_touch": {"records": ["payroll:p0"]}}}, "never_touch"),
        ({"corrections": {"never_touch": {"where": "start_date < DATE '2021-01-01'"}}}, "never_touch"),
        ({"corrections": {"never_touch": {"where": "end_date > DATE '2021-01-01'"}}}, "never_touch"),  # cannot be told
        ({"systems__payroll__writes": {"attributes": ["pay"]}}, "not_declared"),
        ({"systems__payroll__records__worker__write": None}, "not_declared"),
    ],
)
@on_one_database
def test_policy_keeps_a_value_from_being_written(ledger: Ledger, declared: dict[str, Any], reason: str) -> None:
    plant = Plant(ledger, writable(**declared))
    plant.workers(payroll=WRONG)
    assert refused(plant) == [reason]
    assert plant.rows() == []


@pytest.mark.parametrize(("stale", "reason"), [("hris", "authority_stale"), ("payroll", "target_stale")])
@on_one_database
def test_stale_evidence_proposes_nothing(ledger: Ledger, stale: str, reason: str) -> None:
    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    plant.compare()
    assert refused(plant, stale=[stale]) == [reason]
    assert plant.rows() == []


def test_an_outage_leaves_what_is_queued_where_it_is(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    plant.plan()
    plant.set(plant.rows()[0].correction_id, state="ready", approved_by="kim")
    for stale in ("payroll", "hris"):
        result = plant.plan(plant.compare(stale=[stale]))
        assert (result.withdrawn, result.proposed, result.planned) == (0, 0, 0)
    assert (plant.rows()[0].state, plant.rows()[0].approved_by) == ("ready", "kim")
    assert plant.plan().standing == 1


@on_one_database
def test_an_untrusted_newer_snapshot_of_either_side_stops_it(ledger: Ledger) -> None:
    from hrorch_pipelines.corrections.eligible import Evidence, judge

    for system in ("hris", "payroll"):
        plant = Plant(ledger)
        plant.workers(payroll=WRONG)
        judge(plant.con, plant.stack, plant.compare(), Evidence(untrusted=frozenset({system})))
        side = "authority" if system == "hris" else "target"
        assert plant.one("SELECT reason FROM corr_judged") == f"{side}_untrusted"


@on_one_database
def test_an_empty_authority_is_never_written_over_something(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(legal_name=None, payroll={"legal_name": "Ann Lee"})
    assert refused(plant) == ["authority_empty"]


@on_one_database
def test_a_secret_is_never_written(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(ssn="aa", payroll={"ssn": "bb"})
    assert refused(plant) == ["secret"]


def test_an_override_in_force_and_an_open_review_leave_the_value_alone(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(2, payroll=WRONG)
    plant.con.execute(
        "CREATE TABLE identity.reviews AS SELECT 'payroll' left_system, 'p0' left_id, 'ats' right_system, 'x' right_id, NULL closed_at"
    )
    with ledger.write() as con:
        con.execute(
            overrides.insert().values(
                override_id="o", person_id="P1", attribute="legal_name", system="payroll", reason="r", made_by="kim",
                made_at=CYCLE, expires_at=CYCLE + timedelta(days=1),
            )
        )  # fmt: skip
    assert refused(plant) == ["identity_review", "overridden"]
    later = plant.plan(plant.compare(CYCLE + timedelta(days=2)))
    assert (dict(later.refused), later.proposed) == ({"identity_review": 1}, 1)


def test_an_erased_person_is_refused(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    with ledger.write() as con:
        con.execute(person_keys.insert().values(person_id="P0", made_at=CYCLE, destroyed_at=CYCLE))
    assert refused(plant) == ["erased"]


@on_one_database
def test_a_reference_is_written_as_the_targets_own_id(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(3)
    same = {"legal_name": "Ann Lee", "employment_status": "active", "start_date": date(2020, 1, 1)}
    plant.replace("hris", "worker", [{"id": "h0", **same, "manager": "h1"}, {"id": "h1", **same}, {"id": "h2", **same}])
    paid = {**same, "pay": 50000}
    plant.replace(
        "payroll", "worker", [{"id": "p0", **paid, "manager": "p2"}, {"id": "p1", **paid}, {"id": "p2", **paid}]
    )
    assert plant.plan().proposed == 1
    (row,) = plant.rows()
    assert (plant.values(row), row.kind) == (("p2", "p1"), "manager")


@on_one_database
def test_a_reference_to_somebody_the_target_does_not_know_is_refused(ledger: Ledger) -> None:
    plant = Plant(ledger)
    same = {"legal_name": "Ann Lee", "employment_status": "leave", "start_date": date(2020, 1, 1)}
    plant.workers()
    plant.replace("hris", "worker", [{"id": "h0", **same, "manager": "h1"}, {"id": "h1", **same}])
    plant.replace("payroll", "worker", [{"id": "p0", **same, "pay": 50000}])
    plant.link([("hris", "h0", "P0"), ("hris", "h1", "P1"), ("payroll", "p0", "P0")])
    assert refused(plant) == ["handoff"] * 3 + ["no_such_reference"]


@on_one_database
def test_a_ghost_is_ended_with_its_last_day(ledger: Ledger) -> None:
    plant = Plant(ledger)
    ended = {"employment_status": "terminated", "end_date": date(2026, 1, 31)}
    plant.workers(**ended, payroll={"employment_status": "active", "end_date": None})
    result = plant.plan()
    assert result.planned == result.looked_at
    written = {row.attribute: (plant.values(row), row.kind) for row in plant.rows()}
    assert written == {
        "employment_status": (("active", "terminated"), "termination"),
        "end_date": ((None, "2026-01-31"), "termination"),
    }


@on_one_database
def test_a_ghost_is_ended_by_its_last_day_where_only_that_can_be_written(ledger: Ledger) -> None:
    plant = Plant(ledger, writable(systems__payroll__writes={"attributes": ["end_date"]}))
    plant.workers(
        employment_status="terminated",
        end_date=date(2026, 1, 31),
        payroll={"employment_status": "active", "end_date": None},
    )
    result = plant.plan()
    assert (result.looked_at, result.planned, [row.attribute for row in plant.rows()]) == (2, 2, ["end_date"])


@on_one_database
def test_a_missing_record_is_a_handoff_not_a_correction(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers()
    plant.replace("payroll", "worker", [])
    plant.link([("hris", "h0", "P0")])
    assert set(refused(plant)) == {"handoff"}


def jobs(plant: Plant, hris: list[dict[str, Any]], payroll: list[dict[str, Any]]) -> Any:
    plant.workers()
    for system, key, rows in (("hris", "h0", hris), ("payroll", "p0", payroll)):
        plant.replace(system, "job", [{"id": f"{system}-{n}", "worker": key, **row} for n, row in enumerate(rows)])
    result = plant.plan()
    assert result.planned + sum(result.refused.values()) == result.looked_at
    return {row.attribute: row.effective_from for row in plant.rows()}


NURSE = {"job_title": "Nurse", "level": 3}
CHIEF = {"job_title": "Chief", "level": 3}


@on_one_database
def test_a_later_first_day_of_the_authority_is_the_day_from_which_the_write_counts(ledger: Ledger) -> None:
    hris = [{**NURSE, "from": date(2020, 1, 1)}, {**CHIEF, "from": date(2025, 6, 1)}]
    assert jobs(Plant(ledger), hris, [{**NURSE, "from": date(2020, 1, 1)}]) == {"job_title": date(2025, 6, 1)}


@on_one_database
def test_the_day_is_the_first_of_the_value_not_of_the_row(ledger: Ledger) -> None:
    hris = [
        {**NURSE, "from": date(2020, 1, 1)},
        {**CHIEF, "from": date(2025, 6, 1)},
        {**CHIEF, "level": 4, "from": date(2026, 1, 1)},
    ]
    payroll = [{**NURSE, "level": 3, "from": date(2020, 1, 1)}]
    assert jobs(Plant(ledger), hris, payroll) == {"job_title": date(2025, 6, 1), "level": date(2026, 1, 1)}


@on_one_database
def test_a_row_of_the_same_day_is_itself_wrong(ledger: Ledger) -> None:
    assert jobs(Plant(ledger), [{**CHIEF, "from": date(2020, 1, 1)}], [{**NURSE, "from": date(2020, 1, 1)}]) == {
        "job_title": None
    }


@on_one_database
def test_a_future_row_is_not_corrected_early(ledger: Ledger) -> None:
    hris = [{**NURSE, "from": date(2020, 1, 1)}, {**CHIEF, "from": date(2026, 12, 1)}]
    assert jobs(Plant(ledger), hris, [{**NURSE, "from": date(2020, 1, 1)}]) == {}


@on_one_database
def test_a_first_row_begins_where_the_authoritys_value_does(ledger: Ledger) -> None:
    assert jobs(Plant(ledger), [{**NURSE, "from": date(2021, 5, 1)}], []) == {
        "job_title": date(2021, 5, 1),
        "level": date(2021, 5, 1),
    }


def test_a_value_corrected_since_the_target_was_read_is_not_corrected_again(ledger: Ledger) -> None:
    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    cycle = plant.compare()
    plant.plan(cycle)
    (row,) = plant.rows()
    now = ledger.clock.now()
    plant.set(row.correction_id, state="confirmed", state_at=now, confirmed_at=now)
    assert dict(plant.plan(cycle).refused) == {"awaiting_snapshot": 1}
    fresh = plant.plan(plant.compare(now + timedelta(hours=1)))
    assert fresh.proposed == 1  # the next snapshot shows it wrong again: somebody undid it


@pytest.mark.parametrize(
    ("state", "reason"), [("rejected", "rejected"), ("failed", "failed"), ("diverged", "diverged")]
)
@on_one_database
def test_what_came_to_nothing_is_not_tried_again_by_itself(ledger: Ledger, state: str, reason: str) -> None:
    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    plant.plan()
    plant.set(plant.rows()[0].correction_id, state=state, state_at=CYCLE - timedelta(days=1))
    assert refused(plant) == [reason]
    plant.workers(payroll={"legal_name": "Anne"})
    assert plant.plan().proposed == 1


def test_a_value_that_is_fought_over_becomes_a_case_that_names_the_other_writer(ledger: Ledger) -> None:
    cases = pytest.importorskip("hrorch_pipelines.exceptions.cases")
    assert cases
    from hrorch_pipelines.storage.ledger_tables import cases as table

    plant = Plant(ledger)
    plant.workers(payroll=WRONG)
    plant.changed("payroll", "worker", "p0", "legal_name", CYCLE - timedelta(days=2))
    for day in range(3):
        assert plant.plan(plant.compare(CYCLE + timedelta(days=day))).proposed == 1
        open_ = next(row for row in plant.rows() if row.state == "proposed")
        at = CYCLE + timedelta(days=day, hours=1)
        plant.set(open_.correction_id, state="confirmed", state_at=at, confirmed_at=at)
    ledger.clock.at = CYCLE + timedelta(days=3)  # type: ignore[attr-defined]
    result = plant.plan(plant.compare(CYCLE + timedelta(days=3)))
    assert (dict(result.refused), result.fought) == ({"fought_over": 1}, 1)
    with ledger.read() as con:
        (case,) = con.execute(sa.select(table)).all()
    assert (case.rule, case.person_id, case.attribute) == ("fought_over", "P0", "legal_name")
    assert "kim" in case.cause
    assert "Leigh" not in f"{case.what}{case.actual}{case.expected}"
