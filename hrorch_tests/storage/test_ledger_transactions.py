"""One writer at a time, all or nothing, a look that stands still, and errors that quote no value."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_errors import LedgerBusy, LedgerError, LedgerFull, LedgerReadOnly
from hrorch_pipelines.storage.ledger_tables import notes


def note(con, name, value="x", at=None):
    con.execute(notes.insert().values(name=name, value=value, at=at or SystemClock().now()))


def names(ledger):
    with ledger.read() as con:
        return sorted(con.scalars(sa.select(notes.c.name)))


def test_a_write_that_fails_leaves_nothing(ledger):
    def fail_halfway():
        with ledger.write() as con:
            note(con, "half")
            raise KeyError

    with pytest.raises(KeyError):
        fail_halfway()
    assert names(ledger) == []


def test_a_look_stands_still_while_others_write(ledger):
    with ledger.read() as con:
        before = con.execute(sa.select(sa.func.count()).select_from(notes)).scalar()
        with ledger.write() as other:
            note(other, "later")
        assert con.execute(sa.select(sa.func.count()).select_from(notes)).scalar() == before
    assert names(ledger) == ["later"]


def test_nothing_can_be_changed_through_a_look(ledger):
    with pytest.raises(LedgerReadOnly), ledger.read() as con:
        note(con, "sly")
    with ledger.write() as con:
        note(con, "open")
    assert names(ledger) == ["open"]


def test_a_transaction_within_a_transaction_is_refused_at_once(ledger):
    with pytest.raises(LedgerError, match="nested"), ledger.write(), ledger.write():
        pass
    with ledger.write() as con:
        note(con, "after")
    assert names(ledger) == ["after"]


def test_a_writer_waits_and_what_it_read_does_not_change_under_it(ledger):
    """Read, think, write: what would lose an update on PostgreSQL, were writers not kept apart."""
    with ledger.write() as con:
        note(con, "count", "0")

    def add_ten():
        for _ in range(10):
            with ledger.write() as con:
                value = int(con.execute(sa.select(notes.c.value)).scalar_one())
                con.execute(sa.update(notes).values(value=str(value + 1)))

    adders = [threading.Thread(target=add_ten) for _ in range(4)]
    for adder in adders:
        adder.start()
    for adder in adders:
        adder.join()
    with ledger.read() as con:
        assert con.execute(sa.select(notes.c.value)).scalar() == "40"


def test_waiting_ends_in_plain_words(ledger, ledger_url):
    hasty = open_ledger(ledger.home, ledger.clock, ledger_url, patience=timedelta(milliseconds=200))
    with ledger.write() as con:
        note(con, "first")
        with pytest.raises(LedgerBusy) as refused, hasty.write() as other:
            note(other, "second")
    assert "locked" not in str(refused.value)
    assert names(ledger) == ["first"]
    hasty.close()


def test_a_full_disk_leaves_what_was_there_and_takes_writes_again(ledger_home, ledger_clock):
    ledger = open_ledger(ledger_home, ledger_clock)
    with ledger.write() as con:
        note(con, "before")
    ledger.close()

    def smallest(connection, _):
        connection.execute("PRAGMA max_page_count = 1")  # SQLite raises it to the pages there are

    sa.event.listen(ledger.engine, "connect", smallest)
    with pytest.raises(LedgerFull), ledger.write() as con:
        note(con, "much", "Canary7" * 100_000)
    assert names(ledger) == ["before"]
    sa.event.remove(ledger.engine, "connect", smallest)
    ledger.close()
    with ledger.write() as con:
        note(con, "after")
    assert names(ledger) == ["after", "before"]


@pytest.mark.parametrize("value", ["Canary7"])
def test_errors_quote_no_value_and_name_the_place(ledger, value):
    with ledger.write() as con:
        note(con, value)
    with pytest.raises(LedgerError) as refused, ledger.write() as con:
        note(con, value)
    assert value not in str(refused.value)
    assert "notes" in str(refused.value)
    with pytest.raises(LedgerError) as refused, ledger.write() as con:
        con.execute(sa.text("INSERT INTO notes (name, value, at) SELECT :it, NULL, '2026-01-01'"), {"it": value})
    assert value not in str(refused.value)
    with pytest.raises(LedgerError) as refused, ledger.write() as con:
        con.execute(sa.text("SELECT 1 FROM no_such_table WHERE x = :it"), {"it": value})
    assert value not in str(refused.value)
    assert "no_such_table" in str(refused.value)
    with pytest.raises(LedgerError) as refused, ledger.write() as con:
        note(con, "n", at=value)
    assert value not in str(refused.value)
    assert refused.value.__cause__ is None
