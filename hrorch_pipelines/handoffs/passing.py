"""The pass: what should exist and does not? Every handoff is evaluated for everybody, and its steps brought up to what is true.

Running it again changes nothing. Order does not matter: nothing is remembered of the order in which facts came.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from types import MappingProxyType
from zoneinfo import ZoneInfo

import duckdb
import sqlalchemy as sa

from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.handoffs import alive, asking, budget, late
from hrorch_pipelines.handoffs.conditions import parsed, require_handoffs
from hrorch_pipelines.handoffs.errors import HandoffCountsError
from hrorch_pipelines.handoffs.evaluating import evaluate, found
from hrorch_pipelines.handoffs.facts import Rule, rules_of
from hrorch_pipelines.handoffs.moving import carry_out
from hrorch_pipelines.handoffs.proposing import Origin
from hrorch_pipelines.handoffs.standing import bring_steps
from hrorch_pipelines.handoffs.state import relation
from hrorch_pipelines.handoffs.terms import OPEN
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.state_columns import bare
from hrorch_pipelines.storage.engine import engine_errors, told
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import notes, steps
from hrorch_pipelines.storage.sealed import Seals

BATCH = 500
"""Steps per ledger transaction: others wait for it."""

_LONGEST_NOTE = 64
"""Characters of a note's name."""


@dataclass(frozen=True)
class HandoffCounts:
    """How one handoff went. evaluated = nothing + past + kept + in_doubt + moved + unchanged + overtaken.

    `nothing`: it is not to happen and never was; `past`: steps of an earlier hire; `kept`: as it was; `moved`: a step is new or
    has changed; `unchanged`: looked at closely and left; `overtaken`: somebody else was quicker. `states`: all its steps by
    state; `stalled`: open ones whose owner was told. `fault`: why it could not be evaluated; then nothing else is known of it.
    """

    evaluated: int = 0
    nothing: int = 0
    past: int = 0
    kept: int = 0
    in_doubt: int = 0
    moved: int = 0
    unchanged: int = 0
    overtaken: int = 0
    proposed: int = 0
    withdrawn: int = 0
    reopened: int = 0
    before: int = 0
    states: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    stalled: int = 0
    fault: str | None = None

    @property
    def accounted(self) -> int:
        """The right side of the sum."""
        return self.nothing + self.past + self.kept + self.in_doubt + self.moved + self.unchanged + self.overtaken


@dataclass(frozen=True)
class PassResult:
    """How a pass went: per handoff, the unsent actions by state, steps found late in this pass, rounds until nothing moved."""

    handoffs: Mapping[str, HandoffCounts] = field(default_factory=lambda: MappingProxyType({}))
    unsent: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    newly_stalled: int = 0
    rounds: int = 0

    def total(self, name: str) -> int:
        """The sum of one figure (`moved`, `proposed`, `in_doubt`, …) over all handoffs."""
        return sum(int(getattr(one, name)) for one in self.handoffs.values())

    @property
    def changed(self) -> bool:
        """Whether anything was written about any step."""
        return bool(self.total("moved") or self.newly_stalled)


def run_pass(
    ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, now: datetime, *, cycle_id: str | None = None
) -> PassResult:
    """Evaluate every handoff over the tables of a finished cycle in `con`, and bring steps and actions up to what is true.

    Raises HandoffFault, WarehouseError, LedgerError, HandoffCountsError. A handoff whose SQL fails on a value that is there
    is a case for its owner; the others go on.
    """
    if not stack.handoffs or stack.lifecycle.handoffs == "off":
        unsent = budget.settle(ledger, con, stack, frozenset(), now) if _any_steps(ledger) else Counter()
        return PassResult(unsent=dict(unsent))
    require_handoffs(stack)
    with engine_errors("handoffs"):
        one = _Pass(ledger, con, stack, Origin(now, cycle_id, _snapshots(con)))
        one.run()
        newly = late.report(ledger, stack, now)
        unsent = budget.settle(ledger, con, stack, frozenset(one.held), now)
    alive.sign(ledger, now)
    standing = _standing(ledger)
    counted = {
        name: HandoffCounts(
            **{key: one.counts[name][key] for key in _COUNTED},
            states={state: n for (handoff, state), (n, _) in standing.items() if handoff == name},
            stalled=sum(n for (handoff, _), (_, n) in standing.items() if handoff == name),
            fault=one.faults.get(name),
        )
        for name in stack.handoffs
    }
    for name, counts in counted.items():
        if counts.evaluated != counts.accounted:
            raise HandoffCountsError(name, counts.evaluated, counts.accounted)
    return PassResult(counted, dict(unsent), newly, one.rounds)


_COUNTED = ("evaluated", "nothing", "past", "kept", "in_doubt", "moved", "unchanged", "overtaken", "proposed", "withdrawn",
            "reopened", "before")  # fmt: skip


class _Pass:
    """One pass over all handoffs, in rounds: what is done in one lets others go on in the next."""

    def __init__(self, ledger: Ledger, con: duckdb.DuckDBPyConnection, stack: Stack, origin: Origin) -> None:
        self.ledger, self.con, self.stack, self.origin = ledger, con, stack, origin
        self.rules = {name: rules_of(stack, one) for name, one in parsed(stack).items()}
        self.counts: dict[str, Counter[str]] = {name: Counter() for name in self.rules}
        self.faults: dict[str, str] = {}
        self.held: set[str] = set()
        self.rounds = 0

    def run(self) -> None:
        late.drop_undeclared(self.ledger, self.stack, self.origin.now)
        wanted = list(self.rules)
        while wanted and self.rounds <= len(self.rules):
            self.rounds += 1
            known = bring_steps(self.ledger, self.con)
            relation(self.con, self.stack, self.origin.now, known.for_state(self.stack))
            moved = {name for name in wanted if self._one(self.rules[name])}
            # `done_…` of what moved may be otherwise now; nobody else's answer can be.
            wanted = [name for name in self.rules if name not in self.faults and self._looks_at(name, moved)]
        self._mended()

    def _one(self, rule: Rule) -> bool:
        """Evaluate one handoff and carry out what follows; whether any of its steps moved."""
        since, first = _since(self.ledger, self.stack, rule, self.origin.now)
        try:
            evaluation = evaluate(self.con, self.stack, rule, self.ledger.home.key())
            some = evaluation.outcomes["begin"] + evaluation.outcomes["act"] > 0
            done: Counter[str] = Counter()
            for batch in found(self.con, self.stack, rule, BATCH) if some else ():
                done += carry_out(self.ledger, self.stack, rule, batch, self.origin, since, first=first)
        except (duckdb.DataError, duckdb.InvalidInputException) as error:
            self._fault(rule, told(error).code)
            return False
        self.held |= evaluation.held
        kept = {name: n for name, n in evaluation.outcomes.items() if name not in {"begin", "act"}}
        self.counts[rule.name].update({"evaluated": evaluation.evaluated, **kept, **done})
        return done["moved"] > 0

    def _looks_at(self, name: str, moved: set[str]) -> bool:
        one = self.rules[name].parsed
        looked = one.columns | one.undo_columns | (one.done.columns if one.done else frozenset())
        return any(f"done_{bare(other)}" in looked for other in moved)

    def _fault(self, rule: Rule, code: str) -> None:
        self.faults[rule.name] = code
        self.counts[rule.name].clear()
        finding = asking.unevaluable(rule.parsed.handoff, rule.name, code, self.origin.now)
        with self.ledger.write() as con:
            seals = Seals(con, self.ledger.home.key(), self.origin.now)
            cases.report(con, seals, self.stack, [finding], self.origin.now)

    def _mended(self) -> None:
        right = [asking.unevaluable_case(name) for name in self.rules if name not in self.faults]
        late.settle_cases(self.ledger, self.stack, right, self.origin.now, "it can be evaluated again")


def _since(ledger: Ledger, stack: Stack, rule: Rule, now: datetime) -> tuple[datetime, bool]:
    """From when on what had to happen is this handoff's, and whether this is the first pass that knows it."""
    name = f"handoff {rule.name}"
    if len(name) > _LONGEST_NOTE:
        name = f"handoff {hashlib.sha256(rule.name.encode()).hexdigest()[:32]}"
    with ledger.read() as con:
        note = con.execute(sa.select(notes.c.at).where(notes.c.name == name)).scalar_one_or_none()
    if note is None:
        with ledger.write() as con:
            con.execute(notes.insert().values(name=name, value=rule.name, at=now))
    declared = rule.parsed.handoff.since
    if declared is not None:
        zone = ZoneInfo(stack.organization.time_zone)
        return datetime.combine(datetime.fromisoformat(declared).date(), time(), zone).astimezone(UTC), note is None
    return (note or now) - rule.parsed.handoff.within, note is None


def _snapshots(con: duckdb.DuckDBPyConnection) -> str:
    rows = con.execute("SELECT system, snapshot_id FROM golden.sources WHERE snapshot_id IS NOT NULL").fetchall()
    return json.dumps(dict(rows), sort_keys=True)


def _any_steps(ledger: Ledger) -> bool:
    with ledger.read() as con:
        return con.execute(sa.select(steps.c.step_id).limit(1)).scalar_one_or_none() is not None


def _standing(ledger: Ledger) -> dict[tuple[str, str], tuple[int, int]]:
    """(handoff, state) → steps, and how many of them are open and late."""
    open_states = {state.value for state in OPEN}
    with ledger.read() as con:
        rows = con.execute(
            sa.select(steps.c.handoff, steps.c.state, sa.func.count(), sa.func.count(steps.c.stalled_at)).group_by(
                steps.c.handoff, steps.c.state
            )
        ).all()
    return {(handoff, state): (n, late_ if state in open_states else 0) for handoff, state, n, late_ in rows}
