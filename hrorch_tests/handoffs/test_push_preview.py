"""The dry run shows what a push would send, masked, and neither sends nor changes anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.handoffs.desk import Hands
from hrorch_pipelines.handoffs.preview import preview_due
from hrorch_tests.handoffs.acting import Bench, stack_for
from hrorch_tests.handoffs.memory_place import Place


@pytest.fixture
def bench(ledger, ledger_clock, tmp_path: Path) -> Bench:
    return Bench(ledger, stack_for(tmp_path), ledger_clock)


def test_what_would_be_sent_what_is_there_and_what_is_not_clear(bench: Bench) -> None:
    place = Place(made={"p2@lakeside.example": "7"}, unclear={"p3@lakeside.example"})
    for person in ("p1", "p2", "p3"):
        bench.ready("hris-prehire", person)
    hands = Hands(bench.ledger, bench.stack, "hris", bench.clock, place, None)
    planned = preview_due(bench.ledger, bench.stack, bench.clock, target="hris", hands=hands)
    assert [(one.person_id, len(one.requests), one.note) for one in planned] == [
        ("p1", 1, None),
        ("p2", 0, "not sent: it is there already"),
        ("p3", 0, "not sent: two records have its key"),
    ]
    assert not place.makes
    assert bench.states() == {"ready": 3}


def test_real_requests_are_masked_and_nothing_leaves_without_reading(bench: Bench) -> None:
    bench.ready("hris-prehire", "p1")
    bench.ready("offer-letter", "p1")
    bench.ready("first-day", "p1")
    planned = preview_due(bench.ledger, bench.stack, bench.clock, read=False)
    assert {one.target for one in planned} == {"hris", "letters", "calendar"}
    assert all(one.requests for one in planned), planned
    assert "p1@" not in str(planned)
    assert "Äpfelbaum" not in str(planned)


def test_it_says_why_nothing_is_sent(bench: Bench) -> None:
    bench.ready("hris-prehire", "p1")
    quiet = stack_for(bench.stack.folder, mode="propose")
    (one,) = preview_due(bench.ledger, quiet, bench.clock, read=False)
    assert "propose" in (one.note or "")
    assert one.requests
