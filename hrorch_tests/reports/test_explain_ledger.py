"""Explain also tells what was decided and done: gates, corrections, cases, overrides, and who did what."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import duckdb
import pytest

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.reports.explain import explain
from hrorch_pipelines.reports.explain_gates import NEVER, PASSED
from hrorch_pipelines.reports.explain_ledger import what_was_done
from hrorch_pipelines.reports.read import find_person
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.ledger_tables import cases, corrections, overrides
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.reports.house import House
from hrorch_tests.reports.test_explain import told


@pytest.fixture(scope="module")
def ledger(house: House) -> Iterator[Ledger]:
    """A ledger in which E002's pay is being put right, E001's name is overridden, and E003 has a case."""
    opened = open_ledger(house.home, SetClock(house.now), f"sqlite:///{house.home.root / 'explained.sqlite'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def done(house: House, ledger: Ledger) -> dict[str, str]:
    from hrorch_pipelines.storage.warehouse import open_published

    with open_published(house.home) as con:
        person = {number: find_person(con, house.stack, number) for number in ("E001", "E002", "E003")}
    now = house.now
    with ledger.write() as tx:
        seals = Seals(tx, house.home.key(), now)
        two = person["E002"]
        tx.execute(
            corrections.insert().values(
                correction_id="c" * 20,
                person_id=two,
                target="payroll",
                record="worker",
                source_id="102",
                attribute="pay_amount",
                kind="pay",
                data_type="pay",
                before_sealed=seals.seal(two, "132457.89"),
                after_sealed=seals.seal(two, "123457.89"),
                rule="authority.pay.worker: hris",
                state="awaiting_approval",
                state_at=now,
                why="pay needs a second person",
                proposed_by="hrorch",
                proposed_at=now,
            )
        )
        tx.execute(
            cases.insert().values(
                case_id="k1",
                source="discrepancy",
                rule="ghost",
                person_id=person["E003"],
                attribute=None,
                what="Somebody who left is live in payroll.",
                action="End the employment in payroll.",
                reviewer="lead",
                state="open",
                detected_at=now,
                due_at=now + timedelta(days=1),
                last_seen_at=now,
            )
        )
        tx.execute(
            overrides.insert().values(
                override_id="o1",
                person_id=person["E001"],
                attribute="legal_last_name",
                system="payroll",
                value_sealed=seals.seal(person["E001"], "Quzlewickk"),
                reason="ticket 12",
                made_by="analyst",
                made_at=now,
                expires_at=now + timedelta(days=9),
            )
        )
        entry = Entry(
            Action.CORRECTION_PROPOSED,
            Actor("person", "lead"),
            person_id=two,
            system="payroll",
            attribute="pay_amount",
            before="132457.89",
            after="123457.89",
            correction_id="c" * 20,
        )
        append(tx, seals, [entry], now, "stack")
    return person


def test_a_pending_write_is_told_with_its_state_and_the_hand_that_proposed_it(
    house: House, con: duckdb.DuckDBPyConnection, ledger: Ledger, done: dict[str, str]
) -> None:
    story = told(what_was_done(ledger, con, house.stack, done["E002"], "pay_amount", reveal=True))
    (write,) = story["Corrections"]
    assert (write["target"], write["before"], write["after"]) == ("payroll", "132457.89", "123457.89")
    assert (write["state"], write["why"]) == ("awaiting_approval", "pay needs a second person")
    (entry,) = story["What was done"]
    assert (entry["actor"], entry["action"], entry["after"]) == ("Leo Lead", "correction_proposed", "123457.89")
    assert "Corrections" not in told(what_was_done(ledger, con, house.stack, done["E002"], "job_title"))


def test_sealed_values_are_masked_until_revealed(
    house: House, con: duckdb.DuckDBPyConnection, ledger: Ledger, done: dict[str, str]
) -> None:
    for number, value in (("E002", "23457"), ("E001", "Quzlewickk")):
        masked = str(told(what_was_done(ledger, con, house.stack, done[number], None)))
        assert value not in masked
        assert "•" in masked


def test_overrides_and_cases_are_told_with_a_name(
    house: House, con: duckdb.DuckDBPyConnection, ledger: Ledger, done: dict[str, str]
) -> None:
    (override,) = told(what_was_done(ledger, con, house.stack, done["E001"], "legal_last_name"))["Overrides"]
    assert (override["system"], override["made_by"], override["reason"]) == ("payroll", "Ada Analyst", "ticket 12")
    (case,) = told(what_was_done(ledger, con, house.stack, done["E003"], "employment_status"))["Cases"]
    assert (case["reviewer"], case["state"]) == ("Leo Lead", "open")


def test_nothing_is_told_from_after_the_day_asked_for(
    house: House, con: duckdb.DuckDBPyConnection, ledger: Ledger, done: dict[str, str]
) -> None:
    before = house.now - timedelta(seconds=1)
    assert what_was_done(ledger, con, house.stack, done["E002"], None, until=before) == []


def test_what_was_done_under_a_merged_id_is_told_too(
    house: House, con: duckdb.DuckDBPyConnection, ledger: Ledger, done: dict[str, str]
) -> None:
    with duckdb.connect() as merged:
        merged.execute("CREATE SCHEMA identity; CREATE SCHEMA cycles")
        for table in ("identity.persons", "identity.links", "identity.former_links", "cycles.runs"):
            rows = con.execute(f"SELECT * FROM {table}").to_arrow_table()
            merged.register("rows", rows)
            merged.execute(f"CREATE TABLE {table} AS FROM rows")
        merged.execute(
            "INSERT INTO identity.persons VALUES (?, now(), 'p-new'), ('p-new', now(), NULL)", [done["E002"]]
        )
        merged.execute("DELETE FROM identity.persons WHERE person_id = ? AND merged_into IS NULL", [done["E002"]])
        story = told(what_was_done(ledger, merged, house.stack, "p-new", None))
    assert len(story["Corrections"]) == 1


def test_each_record_says_how_it_stood_at_its_gate(con: duckdb.DuckDBPyConnection, house: House) -> None:
    rows = told(explain(con, house.stack, "E002", "pay_amount"))["Gates"]
    assert [(row["system"], row["outcome"]) for row in rows] == [("hris", PASSED), ("payroll", PASSED)]
    assert all(row["judged_at"] is not None for row in rows)


def test_a_held_record_is_told_from_one_that_passed(con: duckdb.DuckDBPyConnection, house: House) -> None:
    from hrorch_pipelines.reports.explain_gates import gate_results

    table = gate_results(con, house.stack, [("hris", "105"), ("hris", "106")], None, house.now.date())
    outcomes = [row[3] for row in table.rows]
    assert outcomes == [NEVER, PASSED]
