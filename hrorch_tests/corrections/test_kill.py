"""SIGKILL at any moment of a push: every correction arrives exactly once, and the audit log knows all of it.

The pushing processes are real ones, forked from a server that has everything imported; the HRIS has no version to check, so
that a write sent twice would be seen twice in its own log.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from hrorch_pipelines.audit.log import GENESIS, link
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.corrections.outbox import MOVES
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, corrections
from hrorch_tests.corrections.pushing import FIELDS, Bench, sandbox_of, stack_for

LEASE = timedelta(seconds=1)
VALUES = {
    "preferred_name": (lambda _: None, lambda n: f"Mo{n}"),
    "phone": (lambda n: f"+1312555{n:04d}", lambda n: f"+1773555{n:04d}"),
    "postcode": (lambda _: "02134", lambda n: f"{60000 + n}"),
}
RULES: dict[str, Any] = {"patience": "5s", "batch": 200, "tries": 500}


def child(url: str, root: str, env: dict[str, str]) -> None:
    """Push until nothing is left or somebody kills us."""
    clock = SystemClock()
    ledger = open_ledger(Home(Path(root)), clock, url)
    bench = Bench(ledger, stack_for(env, **RULES), clock)
    while any(bench.states()[state] for state in ("ready", "sending", "sent")):
        result = bench.push(lease_for=LEASE)
        if not result.taken and not result.resumed:
            time.sleep(0.1)


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with sandbox_of(tmp_path / "world", 400, SystemClock()) as running:
        yield running


@pytest.fixture(scope="module")
def forks() -> Any:
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["hrorch_tests.corrections.preloaded"])
    return context


@pytest.mark.parametrize(
    ("ledger_url", "kills", "count"),
    [
        pytest.param("sqlite", 20, 1000, id="sqlite"),
        pytest.param("postgresql", 4, 60, id="postgresql"),
        pytest.param("sqlite", 200, 1000, id="sqlite-long", marks=pytest.mark.long),
        pytest.param("postgresql", 200, 1000, id="postgresql-long", marks=pytest.mark.long),
    ],
    indirect=["ledger_url"],
)
@pytest.mark.timeout(1800)
def test_killed_anywhere_every_correction_arrives_exactly_once(
    box: Sandbox, ledger_url: str, ledger_home: Home, forks: Any, kills: int, count: int
) -> None:
    clock = SystemClock()
    bench = Bench(open_ledger(ledger_home, clock, ledger_url), stack_for(box.env, **RULES), clock, box)
    wanted = [(n, name) for n in range(10, 400) for name in VALUES][:count]
    bench.put(
        [
            {"n": n, "attribute": name, "before": VALUES[name][0](n), "after": VALUES[name][1](n)}
            for n, name in wanted
        ]
    )  # fmt: skip
    killed = _kill_at_random(forks, bench, box, ledger_url, kills, random.Random(11))

    assert killed == kills, "the push must still have been under way at each kill"
    assert bench.states() == {"confirmed": count}
    landed = Counter((record, field) for record, fields, _ in bench.writes() for field in fields)
    assert landed == {(str(n), FIELDS[name]): 1 for n, name in wanted}
    assert all(fields for _, fields, _ in bench.writes()), "a write that changes nothing is one sent twice"
    assert all(bench.stored(n, FIELDS[name]) == VALUES[name][1](n) for n, name in wanted[::7])
    _audit_is_complete(bench)
    bench.ledger.close()


def _kill_at_random(forks: Any, bench: Bench, box: Sandbox, url: str, kills: int, chance: random.Random) -> int:
    """Start pushes and kill them, `kills` times; then let one finish. Tells how many died of it."""
    root, env = str(bench.ledger.home.root), box.env
    killed = 0
    while True:
        one = forks.Process(target=child, args=(url, root, env))
        one.start()
        if killed < kills:
            _misbehave(box, killed, chance)
            left = sum(bench.states()[state] for state in ("ready", "sending", "sent"))
            one.join(min(0.6, left / 200) * chance.uniform(0.2, 1.4))
            if one.exitcode is None:
                os.kill(one.pid, signal.SIGKILL)
                killed += 1
            one.join(10)
            assert one.exitcode == -signal.SIGKILL, one.exitcode
        else:
            box.board.switch_off("hris")
            one.join(400)
            assert one.exitcode == 0
            return killed


def _misbehave(box: Sandbox, round_: int, chance: random.Random) -> None:
    """For part of the run answers get lost and reads lag."""
    box.board.switch_off("hris")
    if round_ % 3 == 1:
        box.board.switch_on("hris", "lost_answer", times=3, skip=chance.randrange(5))
    elif round_ % 3 == 2:
        box.board.switch_on(
            "hris", "lagging_reads", times=5, skip=chance.randrange(5), seconds=1.6
        )  # longer than a lease


def _audit_is_complete(bench: Bench) -> None:
    """The chain holds, and every correction's entries are a way through the allowed moves that ends where it stands."""
    with bench.ledger.read() as con:
        entries = con.execute(sa.select(audit_log).order_by(audit_log.c.sequence)).all()
        stands = dict(con.execute(sa.select(corrections.c.correction_id, corrections.c.state)).tuples().all())
        attempts = dict(con.execute(sa.select(corrections.c.correction_id, corrections.c.attempts)).tuples().all())
    previous = GENESIS
    ways: dict[str, list[State]] = {}
    for sequence, entry in enumerate(entries, start=1):
        previous = link(previous, entry.envelope)
        assert (entry.sequence, entry.hash) == (sequence, previous)
        if entry.correction_id and entry.action != "correction_proposed":
            ways.setdefault(entry.correction_id, []).append(State(json.loads(entry.envelope)["detail"]["to"]))
    assert set(ways) == set(stands)
    for correction_id, way in ways.items():
        steps = [State.READY, *way]
        assert all(after in MOVES[before] for before, after in pairwise(steps)), steps
        assert steps[-1] == stands[correction_id]
        assert steps.count(State.SENDING) >= attempts[correction_id] >= 1
