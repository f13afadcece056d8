"""What handoffs made is told to the warehouse, attribute by attribute, so that its landings are laid at our own door (M1)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.corrections.landed import copy_made
from hrorch_pipelines.reconcile.landings import value_hash
from hrorch_tests.handoffs.acting import Bench, stack_for
from hrorch_tests.handoffs.memory_place import Place, fault


@pytest.fixture
def bench(ledger, ledger_clock, tmp_path: Path) -> Bench:
    return Bench(ledger, stack_for(tmp_path), ledger_clock)


def test_what_was_made_is_told_once_and_what_was_there_already_never(bench: Bench) -> None:
    said = {"values": {"work_email": "p1@lakeside.example", "pay_amount": "52000", "phone": None}}
    place = Place(made={"p2@lakeside.example": "by-hand"}, troubles=[("after", fault("unknown"))])
    bench.ready("hris-prehire", "p1", said)
    bench.ready("hris-prehire", "p2")
    bench.ready("offer-letter", "p3")
    sent_at = bench.clock.now()
    bench.push("hris", place)
    bench.push("letters", place)
    key = bench.ledger.home.key()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        assert copy_made(bench.ledger, con, key, bench.stack) == 1
        assert copy_made(bench.ledger, con, key, bench.stack) == 0
        rows = con.execute("FROM reconcile.write_ledger ORDER BY attribute").fetchall()
    assert [row[:3] for row in rows] == [("hris", "p1", "pay_amount"), ("hris", "p1", "work_email")]
    assert rows[0][3] == value_hash(key, "hris", "p1", "pay_amount", "52000.0000"), "as the history will hold it"
    assert rows[0][4] == sent_at
    assert rows[0][5] - sent_at > timedelta(hours=24)


def test_what_the_target_filled_in_by_itself_came_with_our_making(bench: Bench) -> None:
    place = Place(made={"p2@lakeside.example": "by-hand"}, filled={"employment_status": "active"})
    said = {"values": {"work_email": "p1@lakeside.example", "employment_status": None}}
    bench.ready("hris-prehire", "p1", said)
    bench.ready("hris-prehire", "p2")
    bench.push("hris", place)
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        copy_made(bench.ledger, con, bench.ledger.home.key(), bench.stack)
        rows = con.execute(
            "SELECT person_id, value_hash FROM reconcile.write_ledger WHERE attribute = 'employment_status'"
        ).fetchall()
    assert rows == [("p1", value_hash(bench.ledger.home.key(), "hris", "p1", "employment_status", "active"))]
