"""Carry out what was decided for a batch of steps, in one ledger transaction: steps, actions, cases, each with its entry."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.queue import Move, chunks
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.exceptions import cases
from hrorch_pipelines.exceptions.finding import Finding
from hrorch_pipelines.exceptions.moves import find
from hrorch_pipelines.exceptions.terms import CaseState
from hrorch_pipelines.handoffs import asking, outbox, proposing, screening, steps
from hrorch_pipelines.handoffs.deciding import Decision, Deeds, begin, decide, due
from hrorch_pipelines.handoffs.ending import raised
from hrorch_pipelines.handoffs.evaluating import Found
from hrorch_pipelines.handoffs.facts import Rule
from hrorch_pipelines.handoffs.proposing import Origin
from hrorch_pipelines.handoffs.terms import DoneHow, StepState
from hrorch_pipelines.stack.handing import Ask
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions as action_rows
from hrorch_pipelines.storage.ledger_tables import cases as case_rows
from hrorch_pipelines.storage.ledger_tables import steps as step_rows
from hrorch_pipelines.storage.sealed import Seals

_ANSWERED = frozenset({CaseState.AWAITING_CONFIRMATION.value, CaseState.CONFIRMED.value})
_SETTLED = frozenset({StepState.DONE, StepState.DROPPED, StepState.COMPENSATED})


def carry_out(
    ledger: Ledger,
    stack: Stack,
    rule: Rule,
    batch: Sequence[Found],
    origin: Origin,
    since: datetime,
    *,
    first: bool = False,
) -> Counter[str]:
    """Bring the steps of a batch up to what was found. Counts: `moved`, `unchanged`, `overtaken` (together all of the batch),
    and `proposed`, `withdrawn`, `reopened`, `before`. `since`: what had to happen earlier is left alone; `first`: no pass
    before this one knew the handoff."""
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), origin.now)
        work = _Work(con, seals, stack, rule, origin, since, first)
        return work.run(batch)


@dataclass
class _Work:
    """What one transaction gathers before it writes."""

    con: sa.Connection
    seals: Seals
    stack: Stack
    rule: Rule
    origin: Origin
    since: datetime
    first: bool
    counts: Counter[str] = field(default_factory=Counter)
    new: list[dict[str, Any]] = field(default_factory=list)
    moves: list[steps.StepMove] = field(default_factory=list)
    updates: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    withdrawn: list[Move] = field(default_factory=list)
    proposed: list[dict[str, Any]] = field(default_factory=list)
    findings: list[tuple[Finding, Found]] = field(default_factory=list)
    over: list[tuple[steps.Row, Decision]] = field(default_factory=list)

    def run(self, batch: Sequence[Found]) -> Counter[str]:
        ids = [found.step_id or self._new_id(found) for found in batch]
        known = steps.fetch(self.con, ids)
        done = self._actions(ids)
        answered = self._answered([row.case_id for row in known.values() if row.case_id is not None])
        # Who is left alone needs no key: a first pass may find a hundred thousand of them.
        alone = {found.person_id for found in batch if found.step_id is None and self._moment(found) is None}
        self.seals.prepare({found.person_id for found in batch} - alone | {row.person_id for row in known.values()})
        for found, step_id in zip(batch, ids, strict=True):
            row = known.get(step_id)
            erased = found.person_id not in alone and self.seals.is_erased(found.person_id)
            if (row.state if row is not None else None) != found.state or erased:
                self.counts["overtaken"] += 1  # a push or another pass was quicker; the next pass looks again
            elif row is None:
                self._begin(found, step_id)
            else:
                self._go_on(found, Deeds(row, done[step_id], row.case_id in answered))
        self._write()
        return self.counts

    def _begin(self, found: Found, step_id: str) -> None:
        now, handoff = self.origin.now, self.rule.parsed.handoff
        moment = self._moment(found)
        if moment is None:
            one = Decision(
                StepState.DONE, "it had to happen before this handoff counted", {"done_how": DoneHow.BEFORE.value}
            )
            self.counts["before"] += 1
        else:
            one = begin(self.rule, found, now)
        true_from = moment or found.moment or now
        row = {
            "step_id": step_id, "handoff": self.rule.name, "person_id": found.person_id, "once_per": found.once_per,
            "state": str(one.to), "state_at": now, "why": one.why, "true_from": true_from, "known_at": now,
            "due_at": due(true_from, self.rule, found), "revision": 0, "owner": handoff.owner, "last_seen_at": now,
            "stack_hash": self.rule.stack_hash, **dict.fromkeys(_EMPTY), **one.also,
        }  # fmt: skip
        self._do(found, one, SimpleNamespace(**row), (), row)
        self.new.append(row)
        self.counts["moved"] += 1

    def _moment(self, found: Found) -> datetime | None:
        """From when on it had to happen; None: before this handoff counted, or nobody can say."""
        moment = found.moment
        if moment is None and not self.first and not self._told():
            moment = self.origin.now  # nothing that it looks at has a moment, and it was not so in the pass before
        return moment if moment is not None and moment >= self.since else None

    def _go_on(self, found: Found, deeds: Deeds) -> None:
        row = deeds.row
        one = decide(self.rule, found, deeds, self.origin.now)
        also = dict(one.also)
        if (
            one.to is None
            and not found.gone
            and row.state != StepState.COMPENSATING.value
            and row.state != StepState.DONE.value
        ):
            due_at = due(row.true_from, self.rule, found)
            if due_at != row.due_at:
                also |= {"due_at": due_at}
                if row.stalled_at is not None and due_at > self.origin.now:
                    also |= {"stalled_at": None}
                    self.over.append((row, one))
        self._do(found, one, row, deeds.actions, also, deeds.made)
        if one.to is not None:
            if one.to in _SETTLED:
                also["stalled_at"] = None
            self.moves.append(steps.StepMove(row, one.to, one.why, also))
            self.counts["reopened"] += one.anew
        elif also:
            self.updates.append((row.step_id, also))
        if one.to in _SETTLED or one.settle:
            self.over.append((row, one))
        self.counts["moved" if one.to is not None or also or one.withdraw else "unchanged"] += 1

    def _do(
        self,
        found: Found,
        one: Decision,
        row: Any,
        done: Sequence[Any],
        also: dict[str, Any],
        made: Sequence[Any] = (),
    ) -> None:
        """Gather what a decision asks for besides the state; what it sets of the step goes into `also`."""
        for action in one.withdraw:
            self.withdrawn.append(Move(action, State.WITHDRAWN, one.why or "what it says has changed"))
        revision = row.revision + 1 if one.anew or done else row.revision
        if one.anew:
            also["revision"] = revision
        if one.propose is not None:
            last = max(made, key=lambda action: action.revision, default=None)
            said = proposing.said_by(self.stack, self.rule, found, one.propose, last)
            new = proposing.row_of(
                self.seals, self.rule, row.step_id, row.person_id, said, one.propose, revision, self.origin
            )
            self.proposed.append(new)
            also |= {"action_id": new["action_id"], "content_mark": said.mark, "revision": revision}
        if one.ask is not None:
            finding = self._finding(one, row)
            also["case_id"] = cases.case_id(finding)
            self.findings.append((finding, found))

    def _finding(self, one: Decision, row: Any) -> Finding:
        handoff = self.rule.parsed.handoff
        if one.ask == "question":
            assert isinstance(handoff.then, Ask)  # noqa: S101  (only such a handoff asks)
            return asking.question(handoff, self.rule.name, handoff.then, row)
        then = handoff.compensate.then if handoff.compensate else None
        return asking.by_hand(handoff, self.rule.name, row, then if isinstance(then, Ask) else None)

    def _write(self) -> None:
        con, seals, now, stack_hash = self.con, self.seals, self.origin.now, self.stack.content_hash
        outbox.move(con, seals, stack_hash, self.withdrawn, now)
        if self.new:
            con.execute(step_rows.insert(), self.new)
            append(con, seals, self._entries(), now, stack_hash)
        steps.move(con, seals, stack_hash, self.moves, now)
        for step_id, also in self.updates:
            con.execute(sa.update(step_rows).where(step_rows.c.step_id == step_id).values(last_seen_at=now, **also))
        proposing.insert(con, seals, self.proposed, self.origin, stack_hash)
        self._cases()
        self.counts["proposed"] += len(self.proposed)
        self.counts["withdrawn"] += len(self.withdrawn)

    def _cases(self) -> None:
        con, seals, stack, now = self.con, self.seals, self.stack, self.origin.now
        handoff = self.rule.parsed.handoff
        screened = isinstance(handoff.then, Ask) and handoff.then.screening
        if self.findings:
            cases.report(con, seals, stack, [finding for finding, _ in self.findings], now)
        for finding, found in self.findings if screened else ():
            screening.begin(con, seals, stack, find(con, cases.case_id(finding)), found.jurisdiction, now)
        for row, one in self.over:
            steps.settle_stalled(con, seals, stack, [row], now, one.why or "it is not late any more")
            if one.to in _SETTLED:
                cases.settle(con, seals, stack, raised(con, [row.step_id]), now, one.why)
            if row.case_id is None or not (one.settle or one.to in _SETTLED):
                continue
            if screened and one.to is StepState.DROPPED:
                screening.clear(con, seals, stack, [row.case_id], now)
            else:
                cases.settle(con, seals, stack, [row.case_id], now, one.why)

    def _entries(self) -> list[Entry]:
        """One each; what is left alone because it is past is told as a number: a first pass may find a million of them."""
        before = [row for row in self.new if row["done_how"] == DoneHow.BEFORE.value]
        entries = [steps.entry_of_new(row) for row in self.new if row["done_how"] != DoneHow.BEFORE.value]
        if before:
            told: dict[str, str | int | float | bool | None] = {
                "handoff": self.rule.name,
                "to": "done",
                "how": DoneHow.BEFORE.value,
                "count": len(before),
            }
            entries.append(Entry(Action.HANDOFF_STEP, rule=self.rule.name, detail=told))
        return entries

    def _new_id(self, found: Found) -> str:
        return steps.step_id(self.seals.home_key, self.rule.name, found.person_id, found.once_per)

    def _told(self) -> bool:
        """Whether `when` looks at anything that a source dates."""
        from hrorch_pipelines.handoffs.columns import sources

        when = self.rule.parsed.when.columns
        return any(True for _ in sources(self.stack, when)) or any(name.startswith("done_") for name in when)

    def _actions(self, ids: Sequence[str]) -> defaultdict[str, list[Any]]:
        found: defaultdict[str, list[Any]] = defaultdict(list)
        for chunk in chunks(list(ids)):
            query = sa.select(action_rows).where(action_rows.c.step_id.in_(chunk)).order_by(action_rows.c.revision)
            for row in self.con.execute(query).all():
                found[row.step_id].append(row)
        return found

    def _answered(self, ids: Sequence[str]) -> set[str]:
        return {
            case_id
            for chunk in chunks(list(ids))
            for case_id in self.con.execute(
                sa.select(case_rows.c.case_id).where(case_rows.c.case_id.in_(chunk), case_rows.c.state.in_(_ANSWERED))
            ).scalars()
        }


_EMPTY = (
    "missing",
    "missing_owner",
    "released_at",
    "stalled_at",
    "done_at",
    "done_how",
    "content_mark",
    "action_id",
    "case_id",
)
