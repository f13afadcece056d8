"""Whatever one hand does to the log is found, and the entry is named."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from hrorch_pipelines.audit import verify as proof
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import GENESIS, link
from hrorch_pipelines.audit.verdict import Kind
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.audit.writing import rows, some, spoil, verdict, write
from hrorch_tests.ledger_fixtures import LEDGER_NOW

LONG = 12


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """The file of a sound log, to be copied and spoilt."""
    home = Home(tmp_path_factory.mktemp("sound"))
    ledger = open_ledger(home, SetClock(LEDGER_NOW))
    write(ledger, some(5))
    write(ledger, some(LONG - 5, 6))
    ledger.close()
    return home.root / "ledger.sqlite"


def test_a_sound_log_has_no_fault(ledger):
    write(ledger, some(3))
    write(ledger, [])
    write(ledger, some(4, 4))
    found = verdict(ledger)
    assert found.ok
    assert found.entries == 7
    assert verdict(ledger, since=5).entries == 3
    assert verdict(ledger, since=8).entries == 0


def test_an_empty_log_is_sound(ledger):
    assert verdict(ledger).ok


def test_the_chain_is_what_the_documents_say(ledger):
    """Worked out again from the stored rows by another hand than the log's."""
    write(ledger, some(4))
    previous = GENESIS
    for row in rows(ledger):
        previous = link(previous, row["envelope"])
        assert row["hash"] == previous


COLUMNS = ["at", "envelope", "hash", "action", "actor", "person_id", "system", "attribute", "case_id", "correction_id"]


@st.composite
def mutations(draw):
    number = draw(st.integers(1, LONG))
    kind = draw(
        st.sampled_from(["change", "splice", "delete", "truncate", "swap", "swap numbers", "add", "add before"])
    )
    other = draw(st.integers(1, LONG).filter(lambda it: it != number))
    column = draw(st.sampled_from(COLUMNS))
    return kind, number, other, column, draw(st.integers(0, 60))


@settings(max_examples=120, deadline=None)
@given(mutations())
def test_any_single_mutation_is_found_and_named(sound, mutation):
    kind, number, other, column, place = mutation
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        shutil.copy(sound, home.root / "ledger.sqlite")
        ledger = open_ledger(home, SetClock(LEDGER_NOW))
        before = rows(ledger)
        expected = mutate(ledger, before, kind, number, other, column, place)
        found = verdict(ledger)
        assert not found.ok
        named = {
            sequence
            for fault in found.faults
            for sequence in range(fault.sequence, (fault.until or fault.sequence) + 1)
        }
        assert expected <= named
        # Nothing is said of entries that neither were touched nor follow one that was.
        assert named <= expected | {sequence + 1 for sequence in expected}
        ledger.close()


def mutate(ledger, before, kind, number, other, column, place):
    """Spoil the log; returns the numbers that must be named."""
    row, second = before[number - 1], before[other - 1]
    columns = ", ".join(f"{name} = :{name}" for name in before[0] if name != "sequence")
    with ledger.write() as con:

        def put(sequence, content):
            con.execute(
                sa.update(audit_log)
                .where(audit_log.c.sequence == sequence)
                .values(**{name: value for name, value in content.items() if name != "sequence"})
            )

        assert columns
        if kind == "change":
            changed = "2027-01-01T00:00:00.000000Z" if column == "at" else f"{row[column] or ''}x"
            con.execute(
                sa.text(f"UPDATE audit_log SET {column} = :value WHERE sequence = :number"),
                {"value": changed, "number": number},
            )
            return {number}
        if kind == "splice":
            text = row["envelope"]
            put(number, {"envelope": text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]})
            return {number}
        if kind == "delete":
            con.execute(sa.delete(audit_log).where(audit_log.c.sequence == number))
            return {number}
        if kind == "truncate":
            con.execute(sa.delete(audit_log).where(audit_log.c.sequence >= number))
            return set(range(number, LONG + 1))
        if kind == "swap":
            put(number, second)
            put(other, row)
            return {number, other}
        if kind == "swap numbers":
            for old, new in ((number, -1), (other, number), (-1, other)):
                con.execute(sa.update(audit_log).where(audit_log.c.sequence == old).values(sequence=new))
            return {number, other}
        added = LONG + 1 if kind == "add" else -place
        con.execute(audit_log.insert().values(**{**row, "sequence": added, "hash": link(before[-1]["hash"], "{}")}))
        return {added}


def test_an_entry_inserted_in_the_middle_moves_all_that_follow(ledger):
    write(ledger, some(5))
    copy = rows(ledger)[2]
    for number in (5, 4, 3):
        spoil(ledger, "UPDATE audit_log SET sequence = sequence + 1 WHERE sequence = :n", n=number)
    with ledger.write() as con:
        con.execute(audit_log.insert().values(**copy))
    told = {fault.sequence: fault.kind for fault in verdict(ledger).faults}
    assert told == {4: Kind.MOVED, 5: Kind.COLUMN, 6: Kind.BEYOND}


def test_the_kind_of_fault_is_told(ledger):
    write(ledger, some(6))
    spoil(ledger, "UPDATE audit_log SET hash = :h WHERE sequence = 2", h="f" * 64)
    spoil(ledger, "UPDATE audit_log SET actor = 'somebody' WHERE sequence = 4")
    spoil(ledger, "DELETE FROM audit_log WHERE sequence = 5")
    told = [(fault.sequence, fault.kind) for fault in verdict(ledger).faults]
    assert told == [(2, Kind.CHANGED), (4, Kind.COLUMN), (5, Kind.MISSING)]


def test_entries_written_after_a_truncation_leave_the_gap_to_be_found(ledger):
    """Whoever cuts off the end and lets the product go on has hidden nothing."""
    write(ledger, some(5))
    spoil(ledger, "DELETE FROM audit_log WHERE sequence >= 4")
    assert write(ledger, some(2)) == 7
    (fault,) = verdict(ledger).faults
    assert (fault.kind, fault.sequence, fault.until) == (Kind.MISSING, 4, 5)


def test_the_note_of_the_end_may_not_go_or_lag(ledger):
    write(ledger, some(3))
    note = rows(ledger)[1]
    spoil(ledger, "UPDATE notes SET value = :value", value=f"2 {note['hash']}")
    assert [fault.kind for fault in verdict(ledger).faults] == [Kind.BEYOND]
    spoil(ledger, "DELETE FROM notes")
    assert [fault.kind for fault in verdict(ledger).faults] == [Kind.HEAD]


def test_sealed_values_are_held_against_what_was_committed_to(ledger):
    write(ledger, some(6))
    spoil(ledger, "UPDATE audit_values SET after_sealed = before_sealed WHERE sequence = 2")
    spoil(ledger, "UPDATE audit_values SET before_sealed = :junk WHERE sequence = 3", junk=b"0" * 40)
    spoil(ledger, "UPDATE audit_values SET person_id = 'p0' WHERE sequence = 4")
    spoil(ledger, "UPDATE audit_values SET sequence = 99 WHERE sequence = 5")
    write(ledger, [Entry(Action.CONFIRMED, person_id="p9", attribute="pay_amount", after="1")])
    spoil(ledger, "UPDATE person_keys SET wrapped_key = NULL, destroyed_at = made_at WHERE person_id = 'p9'")
    with ledger.read() as con:
        found = proof.verify(con, seals=Seals(con, ledger.home.key(), ledger.clock.now()))
    assert [(fault.sequence, fault.kind) for fault in found.faults] == [
        (number, Kind.VALUE) for number in (2, 3, 4, 99)
    ]
    assert found.values == 13


def test_two_processes_find_what_one_finds(ledger, monkeypatch):
    write(ledger, some(60))
    for number in (1, 29, 30, 31, 60):
        spoil(ledger, "UPDATE audit_log SET actor = 'x', hash = :h WHERE sequence = :n", n=number, h="0" * 64)
    spoil(ledger, "DELETE FROM audit_log WHERE sequence IN (45, 46)")
    alone = verdict(ledger, workers=1)
    monkeypatch.setattr(proof, "_WORTH_A_PROCESS", 10)
    together = verdict(ledger, workers=2)
    assert together == alone
    assert alone.entries == 58


def test_thousands_of_faults_are_counted_and_not_all_kept(ledger):
    write(ledger, some(1500))
    spoil(ledger, "UPDATE audit_log SET actor = 'x'")
    found = verdict(ledger)
    assert len(found.faults) == 1000
    assert found.more == 500
