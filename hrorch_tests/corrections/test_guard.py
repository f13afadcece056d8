"""Before the first write the whole plan is held against its budgets: what becomes ready never exceeds one, and nothing is lost."""

from __future__ import annotations

import tempfile
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.corrections.approve import release
from hrorch_pipelines.corrections.errors import NotAnApproverError, NothingFrozenError, ReasonNeededError
from hrorch_pipelines.corrections.guard import GuardResult, guard
from hrorch_pipelines.corrections.proposal import Proposal, insert
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.cycles import Cycle
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases, corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.corrections.planning import CYCLE, writable
from hrorch_tests.drawing import drawn

SAMPLE = {"pay": "pay", "manager": "manager", "name": "legal_name"}
"""Kind → an attribute of payroll that is of it."""


class Bench:
    """A ledger with proposals and a warehouse that only knows how many people there are, and of which entity."""

    def __init__(self, ledger: Ledger, stack: Stack, people: int = 100) -> None:
        self.ledger, self.stack = ledger, stack
        self.con = duckdb.connect()
        self.con.execute("CREATE SCHEMA cells; CREATE SCHEMA golden")
        self.con.execute(
            f"CREATE TABLE golden.wide AS SELECT 'P' || n AS person_id, 'E' || n % 2 AS level FROM range({people}) t(n)"
        )
        self.con.execute("CREATE VIEW golden.persons AS FROM golden.wide")
        for system in ("payroll", "directory"):
            self.con.execute(f"CREATE TABLE cells.{system} AS SELECT person_id FROM golden.wide")
        self.cycle = Cycle("c", CYCLE, CYCLE.date())
        self.count = 0

    def propose(self, kind: str, count: int, target: str = "payroll") -> list[str]:
        proposals = [
            Proposal(
                f"P{n}",
                target,
                "worker",
                f"s{self.count}-{n}",
                SAMPLE[kind],
                "1",
                "2",
                discrepancy_id=f"d{self.count}-{n}",
            )
            for n in range(count)
        ]
        self.count += 1
        now = self.ledger.clock.now()
        with self.ledger.write() as con:
            return insert(con, Seals(con, self.ledger.home.key(), now), self.stack, proposals, now)

    def guard(self) -> GuardResult:
        return guard(self.ledger, self.con, self.stack, self.cycle)

    def states(self) -> Counter[tuple[str, str, str]]:
        with self.ledger.read() as con:
            rows = con.execute(sa.select(corrections.c.kind, corrections.c.target, corrections.c.state)).all()
        return Counter((row.kind, row.target, row.state) for row in rows)

    def set(self, ids: list[str], **values: Any) -> None:
        with self.ledger.write() as con:
            con.execute(sa.update(corrections).where(corrections.c.correction_id.in_(ids)).values(**values))

    def cases(self) -> list[Any]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(cases).where(cases.c.source == "budget")).all())


def stack(mode: str = "apply", **corrections: Any) -> Stack:
    return writable(corrections={"mode": mode, **corrections})


def test_within_its_budgets_everything_becomes_ready(ledger: Ledger) -> None:
    bench = Bench(ledger, stack())
    bench.propose("pay", 10)
    result = bench.guard()
    assert (result.ready, result.frozen, result.over) == (10, 0, ())
    assert bench.states() == {("pay", "payroll", "ready"): 10}
    with ledger.read() as con:
        assert con.execute(sa.select(sa.func.count()).where(corrections.c.due_at.is_not(None))).scalar() == 10


def test_over_budget_the_segment_freezes_whole_and_the_rest_proceeds(ledger: Ledger) -> None:
    bench = Bench(ledger, stack())
    bench.propose("pay", 11)
    bench.propose("name", 4)
    result = bench.guard()
    assert bench.states() == {("pay", "payroll", "frozen"): 11, ("name", "payroll", "ready"): 4}
    assert (result.ready, result.frozen) == (4, 11)
    (case,) = bench.cases()
    assert (case.system, case.reviewer, case.state) == ("payroll", "dana", "open")
    assert "11 corrections of the kind `pay`" in case.what
    assert "hrorch corrections release --kind pay --target payroll" in case.action
    bench.guard()
    assert len(bench.cases()) == 1
    with ledger.read() as con:
        frozen = con.execute(sa.select(sa.func.count()).where(audit_log.c.action == "budget_frozen")).scalar()
    assert frozen == 1


def test_in_mode_propose_nothing_becomes_ready_and_nobody_is_asked(ledger: Ledger) -> None:
    bench = Bench(ledger, stack("propose"))
    bench.propose("pay", 30)
    result = bench.guard()
    assert (result.ready, result.frozen, result.proposed) == (0, 0, 30)
    assert [load.waiting for load in result.over] == [30]
    assert bench.cases() == []


def test_what_was_sent_within_a_day_counts_so_that_a_mistake_does_not_drip_through(ledger: Ledger) -> None:
    bench = Bench(ledger, stack())
    sent = bench.propose("pay", 8)
    bench.guard()
    now = ledger.clock.now()
    bench.set(sent[:2], state="sending")
    bench.set(sent[2:], state="confirmed", sent_at=now - timedelta(hours=23))
    bench.propose("pay", 3)
    assert bench.guard().frozen == 3
    ledger.clock.at = now + timedelta(hours=2)  # type: ignore[attr-defined]
    assert bench.guard().ready == 3  # six of eight are a day old: it thaws by itself
    assert [case.state for case in bench.cases()] == [CaseState.CONFIRMED]


def test_a_release_lets_pass_what_the_owner_saw_and_nothing_that_comes_later(ledger: Ledger) -> None:
    bench = Bench(ledger, stack(budgets=[{"kind": "pay", "count": 5, "owner": "kim"}]))
    bench.propose("pay", 20)
    bench.guard()
    for by, reason, error in (("omar", "fine", NotAnApproverError), ("kim", "  ", ReasonNeededError)):
        with pytest.raises(error):
            release(ledger, bench.stack, "pay", "payroll", by, reason)
    assert release(ledger, bench.stack, "pay", "payroll", "kim", "yearly review") == 20
    assert [case.state for case in bench.cases()] == [CaseState.CONFIRMED]
    bench.propose("pay", 6)
    bench.guard()
    assert bench.states() == {("pay", "payroll", "ready"): 20, ("pay", "payroll", "frozen"): 6}
    with pytest.raises(NothingFrozenError):
        release(ledger, bench.stack, "name", "payroll", "dana", "why not")


def test_a_released_change_still_needs_its_second_pair_of_eyes(ledger: Ledger) -> None:
    bench = Bench(ledger, stack(four_eyes=["pay"], budgets=[{"kind": "pay", "count": 1}]))
    bench.propose("pay", 3)
    bench.guard()
    release(ledger, bench.stack, "pay", "payroll", "dana", "checked against the contract")
    assert bench.states() == {("pay", "payroll", "awaiting_approval"): 3}


def test_evidence_in_doubt_holds_a_ready_correction_back_and_keeps_its_approval(ledger: Ledger) -> None:
    bench = Bench(ledger, stack())
    (one,) = bench.propose("pay", 1)
    bench.guard()
    bench.set([one], approved_by="kim", approved_mark="m")
    bench.con.execute("CREATE SCHEMA corrections")
    bench.con.execute(
        "CREATE TABLE corrections.refused AS SELECT 'd0-0' discrepancy_id, 'authority_stale' reason, true quiet"
    )
    result = bench.guard()
    assert (result.held, bench.states()) == (1, {("pay", "payroll", "proposed"): 1})
    bench.con.execute("UPDATE corrections.refused SET reason = 'identity_review'")
    bench.guard()
    with ledger.read() as con:
        assert con.execute(sa.select(corrections.c.why)).scalar() == "it is open whose record this is"
    bench.con.execute("DELETE FROM corrections.refused")
    assert bench.guard().ready == 1
    with ledger.read() as con:
        assert con.execute(sa.select(corrections.c.approved_by)).scalar() == "kim"


def test_a_correction_that_left_meanwhile_is_not_touched(ledger: Ledger) -> None:
    bench = Bench(ledger, stack())
    ids = bench.propose("pay", 11)
    bench.set(ids[:1], state="sent", sent_at=ledger.clock.now())
    bench.guard()
    assert bench.states() == {("pay", "payroll", "sent"): 1, ("pay", "payroll", "frozen"): 10}


BUDGET = st.fixed_dictionaries(
    {"kind": st.sampled_from(sorted(SAMPLE))},
    optional={
        "system": st.sampled_from(["payroll", "directory"]),
        "entity": st.sampled_from(["E0", "E1"]),
        "share": st.sampled_from(["0%", "3%", "10%", "50%"]),
    },
).flatmap(lambda budget: st.integers(0, 30).map(lambda count: {**budget, "count": count}))
SEGMENT = st.tuples(
    st.sampled_from(sorted(SAMPLE)), st.sampled_from(["payroll", "directory"]), st.integers(0, 25), st.integers(0, 10)
)


@settings(max_examples=drawn(25), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    budgets=st.lists(BUDGET, max_size=4), asked=st.lists(SEGMENT, min_size=1, max_size=4), people=st.integers(0, 300)
)
def test_for_every_plan_and_budgets_no_budget_is_exceeded_and_nothing_is_lost(
    budgets: list[dict[str, Any]], asked: list[tuple[str, str, int, int]], people: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        clock = SetClock(datetime.fromisoformat("2026-03-02T12:00:00+00:00"))
        ledger = open_ledger(Home(Path(folder)), clock, f"sqlite:///{folder}/ledger.sqlite")
        declared = writable(corrections={"mode": "apply", "budgets": budgets}, exceptions={"entity": "level"})
        bench = Bench(ledger, declared, people)
        for kind, target, waiting, sent in asked:
            ids = bench.propose(kind, waiting + sent, target)
            bench.set(ids[:sent], state="confirmed", sent_at=clock.now() - timedelta(hours=1))
        before = sum(bench.states().values())
        result = bench.guard()
        assert result.ready + result.frozen + result.awaiting_approval + result.proposed == sum(
            n for _, _, n, _ in asked
        )
        assert sum(bench.states().values()) == before
        _check_against_budgets(bench, budgets, people)
        ledger.engine.dispose()


def _check_against_budgets(bench: Bench, budgets: list[dict[str, Any]], people: int) -> None:
    """Every budget by itself, from the rows as they lie there: the slow and simple way."""
    with bench.ledger.read() as con:
        rows = con.execute(sa.select(corrections)).all()
    entity = {f"P{n}": f"E{n % 2}" for n in range(people)}
    for target in ("payroll", "directory"):
        for kind in SAMPLE:
            own = [b for b in budgets if b["kind"] == kind and b.get("system") in (None, target)]
            if not any("entity" not in b for b in own):
                own.append({"kind": kind, "count": max(10, people * 5 // 100)})
            for budget in own:
                mine = [
                    row for row in rows
                    if (row.kind, row.target) == (kind, target)
                    and ("entity" not in budget or entity.get(row.person_id) == budget["entity"])
                ]  # fmt: skip
                crowd = sum(1 for e in entity.values() if e == budget["entity"]) if "entity" in budget else people
                most = budget["count"]
                if "share" in budget:
                    most = min(most, crowd * int(budget["share"].rstrip("%")) // 100)
                ready = sum(row.state == "ready" for row in mine)
                gone = sum(row.state == "confirmed" for row in mine)
                assert ready == 0 or ready + gone <= most
