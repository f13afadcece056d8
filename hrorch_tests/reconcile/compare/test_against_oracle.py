"""On random companies, over random days: states equal a slow oracle's, and working on the touched equals working on all."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from hrorch_pipelines.reconcile.states import STATE_OF, Letter
from hrorch_tests.authority.house import NOW, House, declare
from hrorch_tests.drawing import drawn
from hrorch_tests.reconcile.compare.oracle import Oracle, World

STACK = declare()
TODAY = date(2026, 6, 15)
NAMES = ["Ann Lee", "Bo Day", "ann lee", None]
KEPT = {
    "cells": [f'cells."{system}"' for system in STACK.systems] + ["cells.spells", "cells.due"],
    "golden": ["golden.wide"],
    "reconcile": [
        "reconcile.patterns",
        "reconcile.pattern_counts",
        "reconcile.pair_counts",
        "reconcile.person_profile",
    ],
}


class Company:
    """A random company that lives: its rows, and what changed since somebody last looked."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.world = World()
        self.touched: set[tuple[str, str, str]] = set()
        self.moved: set[str] = set()
        for system, declared in STACK.systems.items():
            for record in declared.records:
                self.world.rows[system, record] = []
            for place in range(6):
                if rng.random() < 0.75:
                    self._hire(
                        system, f"{system}{place}", f"P{rng.randrange(6)}" if rng.random() < 0.2 else f"P{place}"
                    )

    def step(self) -> None:
        """One thing happens in one system."""
        rng = self.rng
        system = rng.choice(list(STACK.systems))
        record = rng.choice(list(STACK.systems[system].records))
        base = STACK.systems[system].base_record
        rows = self.world.rows[system, record]
        what = rng.random()
        if what < 0.15:
            self._hire(system, f"{system}{rng.randrange(100, 200)}", f"P{rng.randrange(7)}")
        elif what < 0.25 and self.world.rows[system, base]:
            self._leave(system, rng.choice(self.world.rows[system, base])["id"])
        elif what < 0.35 and self.world.links:
            key = rng.choice(sorted(self.world.links))
            self.moved |= {self.world.links[key]}
            self.world.links[key] = f"P{rng.randrange(7)}"
            self.moved |= {self.world.links[key]}
        elif what < 0.55 and record != base and self.world.rows[system, base]:
            owner = rng.choice(self.world.rows[system, base])["id"]
            rows.append(self._row(system, record, f"{record}{rng.randrange(10**6)}", owner))
            self._touch(system, record, owner)
        elif rows:
            self._change(system, record, rng.choice(rows))

    def _change(self, system: str, record: str, row: dict[str, Any]) -> None:
        name = self.rng.choice(list(STACK.systems[system].records[record].fields))
        kind = self.rng.random()
        owner = row.get("worker", row["id"])
        if kind < 0.15 and not row.get("unpassed"):
            row["held"] = not row.get("held", False)
        elif kind < 0.3:
            row["hidden"] = [] if row.get("hidden") else [name]
            row[name] = None if row["hidden"] else row[name]
        else:
            row[name] = None if name in row.get("hidden", []) else self._value(system, name)
            if STACK.systems[system].records[record].effective is None:
                self.world.changes.append(
                    (system, record, owner, name, NOW - timedelta(hours=self.rng.choice([1, 20, 23, 30, 60, 90])))
                )
        self._touch(system, record, owner)

    def _hire(self, system: str, source_id: str, person: str) -> None:
        base = STACK.systems[system].base_record
        if any(row["id"] == source_id for row in self.world.rows[system, base]):
            return
        for record, declared in STACK.systems[system].records.items():
            many = 1 if declared.parent is None else self.rng.choice([0, 1, 1, 2, 3])
            for _ in range(many):
                own = source_id if declared.parent is None else f"{record}{self.rng.randrange(10**6)}"
                self.world.rows[system, record].append(self._row(system, record, own, source_id))
        self.world.links[system, source_id] = person
        self.moved.add(person)
        self._touch(system, base, source_id)

    def _leave(self, system: str, source_id: str) -> None:
        for record, declared in STACK.systems[system].records.items():
            key = "id" if declared.parent is None else "worker"
            self.world.rows[system, record] = [r for r in self.world.rows[system, record] if r[key] != source_id]
        self.moved.add(self.world.links.pop((system, source_id)))
        self._touch(system, STACK.systems[system].base_record, source_id)

    def _row(self, system: str, record: str, own: str, owner: str) -> dict[str, Any]:
        declared = STACK.systems[system].records[record]
        row: dict[str, Any] = {"id": own, **({"worker": owner} if declared.parent else {})}
        for name in declared.fields:
            row[name] = self._value(system, name)
        if declared.effective:
            row["from"] = TODAY + timedelta(days=self.rng.choice([-400, -100, -5, -2, -1, 0, 1, 2, 4, 30]))
            row["to"] = self.rng.choice([None, None, row["from"] + timedelta(days=self.rng.choice([1, 3, 50, 500]))])
            row["sequence"] = self.rng.choice([None, 1, 2])
            row["unpassed"] = self.rng.random() < 0.1
        if self.rng.random() < 0.1:
            name = self.rng.choice(list(declared.fields))
            row["hidden"], row[name] = [name], None
        row["held"] = not row.get("unpassed") and self.rng.random() < 0.07
        return row

    def _value(self, system: str, name: str) -> Any:
        rng = self.rng
        return {
            "legal_name": lambda: rng.choice(NAMES),
            "employment_status": lambda: rng.choice(
                ["active", "Active", "terminated", "terminated", "active", "offered", None]
            ),
            "start_date": lambda: rng.choice([None, TODAY + timedelta(days=rng.choice([-900, -6, -3, -1, 2, 5]))]),
            "end_date": lambda: rng.choice([None, None, TODAY + timedelta(days=rng.choice([-40, -6, -5, -2, 0, 3]))]),
            "job_title": lambda: rng.choice(["Nurse", "Lead", None]),
            "level": lambda: rng.choice([1, 2, None]),
            "manager": lambda: rng.choice([None, f"{system}{rng.randrange(6)}", f"{system}99"]),
            "pay": lambda: rng.choice([None, 50000, 50000.4, 50000.6, 61000]),
            "email": lambda: rng.choice([None, "a@x.org", "A@x.org", "b@x.org"]),
            "ssn": lambda: rng.choice([None, "k1", "k2"]),
        }[name]()

    def _touch(self, system: str, record: str, owner: str) -> None:
        self.touched.add((system, record, owner))
        if (system, owner) in self.world.links:
            self.moved.add(self.world.links[system, owner])

    def fill(self, house: House) -> None:
        for (system, record), rows in self.world.rows.items():
            house.replace(system, record, rows)
        house.link([(system, source_id, person) for (system, source_id), person in self.world.links.items()])
        house.con.execute("DELETE FROM history.changes")
        for system, record, owner, name, at in self.world.changes:
            house.changed(system, record, owner, name, at)


def _tables(house: House) -> dict[str, list[tuple[Any, ...]]]:
    found = {table: sorted(house.all(f"FROM {table}"), key=repr) for tables in KEPT.values() for table in tables}
    found["discrepancies"] = sorted(
        house.all(
            """SELECT * EXCLUDE (first_seen_at, cycle_id)
               FROM (FROM reconcile.discrepancies UNION ALL FROM reconcile.suspended)"""
        ),
        key=repr,
    )
    return found


STEPS = st.lists(
    st.tuples(
        st.integers(0, 4), st.sampled_from([0, 5, 24, 30, 72, 200]), st.sampled_from([(), (), ("hris",), ("payroll",)])
    ),
    min_size=1,
    max_size=4,
)
DRAWN = drawn(5)
UNSHRUNK = [Phase.explicit, Phase.reuse, Phase.generate]
"""A seed cannot be made smaller in any useful way, and trying takes minutes."""


@settings(max_examples=DRAWN, deadline=None, phases=UNSHRUNK, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9), steps=STEPS)
def test_touched_only_equals_everybody_and_both_equal_the_oracle(
    seed: int, steps: list[tuple[int, int, tuple[str, ...]]]
) -> None:
    live_through(seed, steps)


@pytest.mark.long
@pytest.mark.timeout(3000)
@settings(max_examples=drawn(150), deadline=None, phases=UNSHRUNK, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**9), steps=STEPS)
def test_so_it_is_in_many_more_companies(seed: int, steps: list[tuple[int, int, tuple[str, ...]]]) -> None:
    live_through(seed, steps)


def live_through(seed: int, steps: list[tuple[int, int, tuple[str, ...]]]) -> None:
    """Each step: so many events, so many hours, these systems stale; then both passes and the oracle."""
    company = Company(random.Random(seed))
    kept = House(STACK)
    now = NOW
    for events, hours, stale in [(0, 0, ()), *steps]:
        now += timedelta(hours=hours)
        company.touched.clear()
        company.moved.clear()
        for _ in range(events):
            company.step()
        company.fill(kept)
        cycle = kept.open(now, stale=stale)
        kept.touch(cycle, *sorted(company.moved))
        for system, record, owner in sorted(company.touched):
            kept.touch_record(cycle, system, record, owner)
        kept.run(cycle)

        anew = House(STACK)
        company.fill(anew)
        anew.run(anew.open(now, stale=stale, full=True))
        mine, theirs = _tables(kept), _tables(anew)
        for table in mine:
            assert mine[table] == theirs[table], table

        oracle = Oracle(STACK, company.world, now, cycle.as_of, frozenset(stale))
        assert kept.states() == oracle.states()
        letters = {letter.value: STATE_OF[Letter(letter)].value for letter in Letter}
        expected: dict[tuple[str, str, str, str], int] = {}
        for (authority, copy, name, letter), n in oracle.pairs().items():
            key = (authority, copy, name, letters.get(letter, letter))
            expected[key] = expected.get(key, 0) + n
        counted = {row[:4]: row[4] for row in kept.all("FROM reconcile.pair_counts WHERE state <> 'not_supplied'")}
        assert counted == expected
        assert {row[:2]: row[2] for row in kept.all("FROM reconcile.person_profile")} == oracle.profile()
