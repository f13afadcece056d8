"""What is appended stays in order, linked to what was before it, with no value in clear, whoever writes at the same time."""

from __future__ import annotations

import json
import multiprocessing
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import rfc8785
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.audit.entries import Action, Actor, Entry
from hrorch_pipelines.audit.errors import NotCanonicalError
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_values, notes
from hrorch_pipelines.storage.sealed import ErasedError, Seals, UnsealableError, WrongHomeKeyError
from hrorch_tests.audit.writing import rows, some, spoil, verdict, write

TEXTS = st.text(st.characters(codec="utf-8")) | st.text(st.sampled_from('"\\/\b\f\n\r\t\x00\x1f\x7fé\u2028\uffff😀'))
VALUES = TEXTS | st.integers(-(2**53) + 1, 2**53 - 1) | st.booleans() | st.none()
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def test_entries_are_numbered_without_a_gap(ledger):
    assert write(ledger, [Entry(Action.STACK_LOADED)] * 3) == 3
    assert write(ledger, []) == 3
    assert write(ledger, [Entry(Action.LINKED, person_id="p1", after="x")]) == 4
    assert [row["sequence"] for row in rows(ledger)] == [1, 2, 3, 4]


def test_a_large_batch_is_written_whole(ledger):
    """PostgreSQL takes it by COPY, SQLite by many inserts; both hold the same."""
    write(ledger, some(1000))
    found = rows(ledger)
    assert len(found) == 1000
    assert json.loads(found[999]["envelope"])["detail"] == {"attempts": 1000}
    assert found[999]["person_id"] == "p1"
    assert found[999]["at"] == ledger.clock.now()
    assert verdict(ledger).ok


def test_no_value_lies_in_clear(ledger):
    entries = [Entry(Action.SENT, person_id="p1", attribute="pay_amount", before="Canary70000", after="Canary80000")]
    write(ledger, entries * 300)
    with ledger.read() as con:
        for table in ("audit_log", "audit_values", "person_keys", "notes"):
            assert "Canary" not in repr(con.execute(sa.text(f"SELECT * FROM {table}")).fetchall())
    with ledger.read() as con:
        row = con.execute(sa.select(audit_values)).first()
        seals = Seals(con, ledger.home.key(), ledger.clock.now())
        assert seals.open("p1", row.before_sealed) == "Canary70000"
        marks = json.loads(rows(ledger)[0]["envelope"])
        assert marks["before"] == seals.mark("p1", "Canary70000") != marks["after"]


def test_a_change_and_its_entry_are_kept_together_or_not_at_all(ledger):
    def fail_after_both():
        with ledger.write() as con:
            con.execute(notes.insert().values(name="change", value="x", at=ledger.clock.now()))
            append(con, Seals(con, ledger.home.key(), ledger.clock.now()), some(300), ledger.clock.now(), "stack")
            raise KeyError

    with pytest.raises(KeyError):
        fail_after_both()
    assert rows(ledger) == []
    with ledger.read() as con:
        assert con.execute(sa.text("SELECT count(*) FROM notes")).scalar() == 0
        assert con.execute(sa.text("SELECT count(*) FROM person_keys")).scalar() == 0


def test_a_clock_that_jumps_back_does_not_take_the_log_with_it(ledger):
    started = ledger.clock.now()
    write(ledger, some(1))
    ledger.clock.at = started - timedelta(hours=3)
    write(ledger, some(1))
    ledger.clock.at = started + timedelta(seconds=1)
    write(ledger, some(1))
    told = [json.loads(row["envelope"]) for row in rows(ledger)]
    moments = [row["at"] for row in rows(ledger)]
    assert moments == [started, started, started + timedelta(seconds=1)]
    clocks = [entry.get("clock") for entry in told]
    assert clocks[0] is clocks[2] is None
    assert datetime.fromisoformat(clocks[1]) == started - timedelta(hours=3)
    assert verdict(ledger).ok


def test_of_an_erased_person_only_what_has_no_values_can_be_said(ledger):
    write(ledger, some(4))
    spoil(ledger, "UPDATE person_keys SET wrapped_key = NULL, destroyed_at = made_at WHERE person_id = 'p1'")
    assert write(ledger, [Entry(Action.ERASED, person_id="p1")]) == 5
    with pytest.raises(ErasedError):
        write(ledger, [*some(2), Entry(Action.SENT, person_id="p1", after="70000")])
    assert len(rows(ledger)) == 5
    assert verdict(ledger).ok


def test_values_need_the_key_they_were_sealed_with(ledger):
    write(ledger, some(2))
    with ledger.read() as con:
        sealed = con.execute(sa.select(audit_values.c.before_sealed).where(audit_values.c.person_id == "p1")).scalar()
        with pytest.raises(UnsealableError):
            Seals(con, ledger.home.key(), ledger.clock.now()).open("p2", sealed)
        with pytest.raises(UnsealableError):
            Seals(con, ledger.home.key(), ledger.clock.now()).open("nobody", sealed)
        with pytest.raises(WrongHomeKeyError):
            Seals(con, bytes(32), ledger.clock.now()).open("p1", sealed)


@given(
    st.dictionaries(st.text(st.characters(codec="ascii")) | TEXTS, VALUES | st.dictionaries(TEXTS, VALUES | NUMBERS))
)
def test_the_canonical_text_is_that_of_rfc_8785(content):
    assert canonical(content) == rfc8785.dumps(content).decode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800"])
def test_what_has_no_canonical_text_is_refused(value, ledger):
    with pytest.raises(NotCanonicalError):
        canonical({"detail": {"value": value}})
    with pytest.raises(NotCanonicalError):
        write(ledger, [Entry(Action.SENT, detail={"value": value})])
    assert rows(ledger) == []


def test_numbers_with_a_fraction_are_written_as_the_standard_says(ledger):
    write(ledger, [Entry(Action.BUDGET_FROZEN, detail={"share": 0.05, "whole": 1e21})])
    assert '"detail":{"share":0.05,"whole":1e+21}' in rows(ledger)[0]["envelope"]
    assert verdict(ledger).ok


WRITERS, WRITES = 4, 40


def write_many(root, url, name, gate, faults):
    try:
        ledger = open_ledger(Home(Path(root)), SystemClock(), url)
        gate.wait()
        for number in range(WRITES):
            with ledger.write() as con:
                seen = int(con.execute(sa.select(notes.c.value).where(notes.c.name == "counter")).scalar_one())
                con.execute(sa.update(notes).where(notes.c.name == "counter").values(value=str(seen + 1)))
                now = ledger.clock.now()
                entry = Entry(
                    Action.CASE_STATE,
                    Actor("person", name),
                    person_id=f"p{number % 5}",
                    attribute="job_title",
                    before=str(seen),
                    after=str(seen + 1),
                )
                append(con, Seals(con, ledger.home.key(), now), [entry], now, "stack")
        ledger.close()
    except BaseException as error:  # noqa: BLE001  (told to the parent)
        faults.put(f"{name}: {error!r}")


def test_four_processes_write_at_once_and_nothing_is_lost(ledger, ledger_url):
    with ledger.write() as con:
        con.execute(notes.insert().values(name="counter", value="0", at=ledger.clock.now()))
    ledger.home.key()
    spawn = multiprocessing.get_context("spawn")
    gate, faults = spawn.Barrier(WRITERS), spawn.Queue()
    root = str(ledger.home.root)
    writers = [spawn.Process(target=write_many, args=(root, ledger_url, f"w{n}", gate, faults)) for n in range(WRITERS)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(120)
    assert faults.empty(), faults.get()
    with ledger.read() as con:
        assert con.execute(sa.select(notes.c.value).where(notes.c.name == "counter")).scalar() == str(WRITERS * WRITES)
    written = rows(ledger)
    assert len(written) == WRITERS * WRITES
    assert {row["actor"] for row in written} == {f"w{n}" for n in range(WRITERS)}
    assert verdict(ledger).ok
