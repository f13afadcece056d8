"""A target is down for a simulated night: nothing is lost, nothing is doubled, and the backlog drains in each person's order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.storage.ledger_tables import corrections
from hrorch_tests.corrections.pushing import Bench, sandbox_of, stack_for


@pytest.fixture
def box(tmp_path: Path, ledger_clock: SetClock) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 12, ledger_clock) as running:
        yield running


def test_a_night_without_the_target_loses_nothing_and_keeps_each_persons_order(
    box: Sandbox, ledger, ledger_clock
) -> None:
    bench = Bench(ledger, stack_for(box.env, writes={"hris": ["postcode", "job_title"]}), ledger_clock, box)
    for n in (1, 2):
        bench.ready(n, "postcode", "02134", f"6060{n}")
    assert bench.push().confirmed == 2
    box.stop("hris")
    for hour in range(10):  # the night: new corrections keep coming, the sensor keeps pushing
        n = 3 + hour % 4
        if hour < 4:
            bench.ready(n, "postcode", "02134", f"6070{n}")
        elif hour < 8:
            bench.ready(n, "job_title", "Nurse", "Cook", record="job", data_type="employment")
        for _ in range(6):
            bench.push()
            bench.clock.at += timedelta(minutes=10)
    assert bench.states() == {"confirmed": 2, "ready": 8}
    assert [case.source for case in bench.cases()] == ["correction"], "one case for the owner, however long the night"

    box.start("hris")
    for _ in range(20):
        bench.push()
        bench.clock.at += timedelta(minutes=10)
    assert bench.states() == {"confirmed": 10}
    assert [case.state for case in bench.cases()] == ["confirmed"]
    with ledger.read() as con:
        rows = con.execute(sa.select(corrections).order_by(corrections.c.sent_at, corrections.c.proposed_at)).all()
    for person in {row.person_id for row in rows}:
        own = [row for row in rows if row.person_id == person]
        assert [row.proposed_at for row in own] == sorted(row.proposed_at for row in own)
        assert all(row.attempts == 1 for row in own), "being away costs no try"
    assert len(bench.writes()) == 6
    assert len(bench.writes(collection="jobInfo")) == 4
