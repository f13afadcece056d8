"""Erasure destroys a person's values wherever they lie, leaves everybody else's alone, and the log still verifies."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.erase import erase, look, readmit
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.refusals import (
    LegalHoldError,
    ReasonNamesPersonError,
    RetentionRunningError,
    UnknownSubjectError,
    WriteUnderWayError,
)
from hrorch_pipelines.snapshots.catalogue import latest, manifests
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, audit_values, cases, corrections, overrides, person_keys
from hrorch_pipelines.storage.sealed import ErasedError, Seals
from hrorch_tests.audit.people import Company, places_that_hold, sqlite_ledger
from hrorch_tests.reports.house import CANARIES, first_day, second_day

VALUES = [CANARIES["name"], CANARIES["other name"], "First1x7", "quzz@old.example", "1961-05-17"]
"""What is known of worker 101 in either system, on any day."""


def days() -> tuple[tuple[list[dict[str, str]], list[dict[str, str]]], ...]:
    """Two days on which worker 101 has values that nobody else has, and changes some."""
    one, two = first_day(), second_day()
    for hris, payroll in (one, two):
        hris[1] |= {"first": VALUES[2], "born": VALUES[4], "title": "mail quzz@old.example"}
        payroll[1] |= {"first": VALUES[2], "born": VALUES[4]}
        # somebody else's record that names them
        payroll[2]["by"] = ""
        payroll[20]["title"] = "Nurse 0"
    two[0][1] |= {"last": CANARIES["other name"], "by": "Ada Analyst", "at": "2026-07-02T10:00:00Z"}
    return one, two


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The two days, lived once."""
    folder = tmp_path_factory.mktemp("past")
    company = Company.begin(folder, sqlite_ledger(folder))
    one, two = days()
    company.say(*one)
    company.say(*two, days=2)
    return company


@pytest.fixture
def company(past: Company, tmp_path: Path) -> Company:
    """The company with a SQLite ledger; for what has nothing to do with the ledger's kind."""
    return Company.copy(past, tmp_path, sqlite_ledger(tmp_path))


@pytest.fixture
def either(past: Company, tmp_path: Path, ledger: Ledger) -> Company:
    """The company with a ledger of each kind in turn."""
    return Company.copy(past, tmp_path, ledger)


def person_of(company: Company, record: str = "101") -> str:
    ((person,),) = company.ask("SELECT person_id FROM identity.links WHERE system = 'hris' AND source_id = ?", record)
    return str(person)


def fill_ledger(company: Company, person: str) -> None:
    """A life in the ledger: something observed, a proposal, a case, an override, each with values of 101."""
    now = company.clock.now()
    with company.ledger.write() as con:
        seals = Seals(con, company.ledger.home.key(), now)
        append(
            con,
            seals,
            [
                Entry(
                    Action.CORRECTION_PROPOSED,
                    Actor("service", "hrorch"),
                    person_id=person,
                    system="payroll",
                    attribute="legal_last_name",
                    before=VALUES[1],
                    after=VALUES[0],
                )
            ],
            now,
            "stack",
        )
        con.execute(
            corrections.insert().values(
                correction_id="c1",
                person_id=person,
                target="payroll",
                record="worker",
                source_id="101",
                attribute="legal_last_name",
                kind="name",
                data_type="personal",
                before_sealed=seals.seal(person, VALUES[1]),
                after_sealed=seals.seal(person, VALUES[0]),
                state="proposed",
                state_at=now,
                proposed_by="hrorch",
                proposed_at=now,
            )
        )
        con.execute(
            cases.insert().values(
                case_id="k1",
                source="discrepancy",
                rule="r",
                person_id=person,
                what="differs",
                expected="Q•••(10)",
                action="look",
                reviewer="analyst",
                state="open",
                detected_at=now,
                due_at=now,
                last_seen_at=now,
                reason=f"she signs as {VALUES[0]}",
            )
        )
        con.execute(
            overrides.insert().values(
                override_id="o1",
                person_id=person,
                attribute="legal_last_name",
                value_sealed=seals.seal(person, VALUES[0]),
                reason=f"{VALUES[0]} is her name at the stage",
                made_by="analyst",
                made_at=now,
                expires_at=now + timedelta(days=9),
            )
        )


def chain_verifies(ledger: Ledger) -> bool:
    from hrorch_pipelines.audit.log import GENESIS, link

    with ledger.read() as con:
        rows = con.execute(sa.select(audit_log.c.envelope, audit_log.c.hash).order_by(audit_log.c.sequence)).all()
    before = GENESIS
    for row in rows:
        before = link(before, row.envelope)
        if before != row.hash:
            return False
    return bool(rows)


def test_no_file_holds_an_erased_value_and_the_chain_still_verifies(either: Company) -> None:
    person, home = person_of(either), either.ledger.home.root
    fill_ledger(either, person)
    held = places_that_hold(home, VALUES)
    for kind in ("worker.parquet", "history.hris.worker", "history.changes", "golden.wide", "identity.traits"):
        assert any(kind in place for place in held), f"the search finds nothing in {kind}, so it would prove nothing"
    done = erase(either.places(), "hris:101", by="analyst", reason="ticket 4711")
    assert places_that_hold(home, VALUES) == []
    assert chain_verifies(either.ledger)
    assert done.subject.persons == (person,)
    assert done.counts["snapshots.rows"] == 4
    assert done.counts["history.changes"] >= 1
    assert done.still_in == ("hris", "payroll")


def test_the_ledger_keeps_what_was_done_without_what_it_was_about(either: Company) -> None:
    person = person_of(either)
    fill_ledger(either, person)
    erase(either.places(), person[:12], by="analyst", reason="ticket 4711")
    with either.ledger.write() as con:
        correction = con.execute(sa.select(corrections)).one()
        case = con.execute(sa.select(cases)).one()
        override = con.execute(sa.select(overrides)).one()
        key = con.execute(sa.select(person_keys)).one()
        assert (correction.state, correction.before_sealed, correction.after_sealed) == ("withdrawn", None, None)
        assert (case.state, case.expected, case.reason) == ("waived", None, "[erased]")
        assert (override.value_sealed, override.ended_why, override.reason) == (None, "erased", "[erased]")
        assert (key.wrapped_key, key.destroyed_at) == (None, either.clock.now())
        assert con.execute(sa.select(sa.func.count()).select_from(audit_values)).scalar() == 0
        with pytest.raises(ErasedError):
            Seals(con, either.ledger.home.key(), either.clock.now()).seal(person, "x")
        actions = con.execute(sa.select(audit_log.c.action).order_by(audit_log.c.sequence)).scalars().all()
    assert actions == [
        "correction_proposed",
        "correction_state",
        "case_state",
        "override_ended",
        "erased",
    ]


def test_everybody_else_is_as_if_the_person_had_never_been(company: Company, tmp_path: Path) -> None:
    """The oracle: another company in which 101 never was, taken through the same days."""
    erase(company.places(), "hris:101", by="analyst", reason="ticket 4711")
    company.say(*days()[1], days=1)
    other = Company.begin(tmp_path / "other", sqlite_ledger(tmp_path / "other"))
    for shift, (hris, payroll) in zip((0, 2, 1), (*days(), days()[1]), strict=True):
        without = [[row for row in rows if row["id"] != "101"] for rows in (hris, payroll)]
        other.say(*without, days=shift)
    for query in (
        "SELECT * EXCLUDE (person_id, national_id) FROM golden.persons ORDER BY ALL",
        "SELECT * FROM reconcile.pair_counts WHERE n > 0 ORDER BY ALL",
        "SELECT * FROM reconcile.person_profile WHERE persons > 0 ORDER BY ALL",
        "SELECT attribute, state, authority_value, copy_value, copy_source_id, cause FROM reconcile.discrepancies ORDER BY ALL",
        "SELECT system, source_id, method FROM identity.links ORDER BY ALL",
    ):
        assert company.ask(query) == other.ask(query), query


def test_a_source_that_still_holds_the_person_does_not_bring_them_back(company: Company) -> None:
    erase(company.places(), "payroll:101", by="analyst", reason="ticket 4711")
    hris, payroll = days()[1]
    company.say(hris, payroll, days=1)
    assert places_that_hold(company.ledger.home.root, VALUES) == []
    manifest = latest(company.ledger.home, "hris")
    assert manifest is not None
    facts = manifest.records["worker"]
    assert (facts.read_rows, facts.rows, facts.left_out) == (len(hris), len(hris) - 1, 1)
    assert [note.code for note in facts.notes] == ["erased"]


def test_a_readmitted_record_comes_back_as_somebody_new(company: Company) -> None:
    person = person_of(company)
    places = company.places()
    erase(places, person, by="analyst", reason="ticket 4711")
    assert readmit(places, ("hris", "101"), by="analyst", reason="rehired")
    assert not readmit(places, ("hris", "101"), by="analyst", reason="rehired")
    company.say(*days()[1], days=1)
    assert person_of(company) != person
    with company.ledger.write() as con:
        seals = Seals(con, company.ledger.home.key(), company.clock.now())
        assert seals.mark(person_of(company), "x")


def test_a_legal_hold_refuses_under_any_of_the_persons_ids(company: Company) -> None:
    person = person_of(company)
    for entry in (person, "payroll:101", "hris:101"):
        company.restack(legal_hold=[entry])
        for given in (person, "hris:101"):
            with pytest.raises(LegalHoldError, match=entry):
                erase(company.places(), given, by="analyst", reason="ticket")
    company.restack(legal_hold=["hris:102"])
    assert look(company.places(), person).subject.persons == (person,)
    assert places_that_hold(company.ledger.home.root, VALUES)


def test_a_hold_follows_a_merged_person(company: Company) -> None:
    person = person_of(company)
    with company.places().warehouse.write() as con:
        con.execute("INSERT INTO identity.persons VALUES ('p-old', now(), ?)", [person])
    company.restack(legal_hold=["p-old"])
    with pytest.raises(LegalHoldError):
        erase(company.places(), "hris:101", by="analyst", reason="ticket")


def test_retention_that_runs_is_said_and_must_be_overruled(company: Company) -> None:
    company.restack(attributes__date_of_birth={"data_type": "personal", "type": "date", "retention": "7y"})
    with pytest.raises(RetentionRunningError, match="date_of_birth"):
        erase(company.places(), "hris:101", by="analyst", reason="ticket")
    assert places_that_hold(company.ledger.home.root, VALUES)
    erase(company.places(), "hris:101", by="analyst", reason="ticket", despite_retention=True)
    assert places_that_hold(company.ledger.home.root, VALUES) == []


def test_a_reason_that_names_the_person_is_refused(company: Company) -> None:
    with pytest.raises(ReasonNamesPersonError) as refused:
        erase(company.places(), "hris:101", by="analyst", reason=f"asked by Ms {CANARIES['name'].upper()}")
    assert CANARIES["name"].lower() not in str(refused.value).lower()


def test_a_write_under_way_is_waited_for(company: Company) -> None:
    fill_ledger(company, person_of(company))
    with company.ledger.write() as con:
        con.execute(corrections.update().values(state="sending"))
    with pytest.raises(WriteUnderWayError, match="payroll"):
        erase(company.places(), "hris:101", by="analyst", reason="ticket")


def test_no_write_begins_while_somebody_is_being_erased(company: Company) -> None:
    """What waits to be sent is withdrawn first; a write that slipped in stops the end, and the same call finishes later."""
    person, places = person_of(company), company.places()
    fill_ledger(company, person)
    seen: list[str] = []

    def forget_and_send(*given: object) -> tuple[int, int]:
        with company.ledger.write() as con:
            seen.extend(con.execute(sa.select(corrections.c.state)).scalars())
            con.execute(corrections.update().values(state="sending"))
        return places.forget_snapshots(*given)  # type: ignore[arg-type]

    with pytest.raises(WriteUnderWayError):
        erase(replace(places, forget_snapshots=forget_and_send), person, by="analyst", reason="ticket")
    assert seen == ["withdrawn"]
    with company.ledger.write() as con:
        con.execute(corrections.update().values(state="confirmed"))
    erase(places, person, by="analyst", reason="ticket")
    assert places_that_hold(company.ledger.home.root, VALUES) == []


def test_nobody_is_erased_for_an_unknown_id(company: Company) -> None:
    for given in ("hris:nobody", "p-0000000000", "p-"):
        with pytest.raises(UnknownSubjectError):
            erase(company.places(), given, by="analyst", reason="ticket")


def test_a_record_that_never_passed_its_gate_can_be_erased_too(company: Company) -> None:
    """Worker 105's record is in quarantine: no person is known for it."""
    erase(company.places(), "hris:105", by="analyst", reason="ticket")
    assert places_that_hold(company.ledger.home.root, [CANARIES["quarantined birth"]]) == []
    assert company.ask("SELECT count(*) FROM gates.quarantine WHERE source_id = '105'") == [(0,)]


@pytest.mark.parametrize("step", ["forget_snapshots", "rewrite", "erase_person"])
def test_an_erasure_that_was_interrupted_is_finished_by_the_same_call(
    company: Company, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill_ledger(company, person_of(company))
    places, broken = company.places(), RuntimeError("the power went")

    def fails(*_: object, **__: object) -> None:
        raise broken

    with monkeypatch.context() as patched:
        if step == "forget_snapshots":
            places = replace(places, forget_snapshots=fails)
        elif step == "rewrite":
            patched.setattr("hrorch_pipelines.audit.erase.rewrite", fails)
        else:
            patched.setattr("hrorch_pipelines.audit.erase_ledger.erase_person", fails)
        with pytest.raises(RuntimeError):
            erase(places, "hris:101", by="analyst", reason="ticket")
    erase(company.places(), "hris:101", by="analyst", reason="ticket")
    assert places_that_hold(company.ledger.home.root, VALUES) == []
    assert chain_verifies(company.ledger)


def test_manifests_say_what_their_files_hold(company: Company) -> None:
    import duckdb

    home = company.ledger.home
    erase(company.places(), "hris:101", by="analyst", reason="ticket")
    for system in ("hris", "payroll"):
        for manifest in manifests(home, system):
            facts = manifest.records["worker"]
            folder = home.snapshots / system / manifest.snapshot_id
            (rows,) = duckdb.connect().execute(f"SELECT count(*) FROM '{folder / facts.file}'").fetchall()[0]
            assert rows == facts.rows
            assert facts.answered["legal_last_name"] <= rows
            assert [note.rows for note in manifest.forgotten] == [1]
            assert {path.name for path in folder.iterdir()} == {"manifest.json", facts.file}


def test_what_was_observed_still_fits_the_log_after_an_erasure(either: Company) -> None:
    """Change rows lose their values and their salt; the leaf stays, and with it the digest in the log."""
    from hrorch_pipelines import cycle as spine
    from hrorch_pipelines.audit import observed

    places = either.places()
    with places.warehouse.write() as con:
        assert observed.record(either.ledger, con, either.stack, spine.current(con)) == 4
    done = erase(places, "hris:101", by="analyst", reason="ticket 4711")
    with places.warehouse.write() as con, either.ledger.read() as book:
        assert observed.check(book, con) == []
        told = "SELECT count(*) FROM history.changes WHERE source_id = '101' AND leaf IS NOT NULL"
        assert con.execute(f"{told} AND before IS NULL AND after IS NULL AND salt IS NULL").fetchall() == [
            (done.counts["history.changes"],)
        ]
