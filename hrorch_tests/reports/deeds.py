"""A ledger with something of everything: corrections and steps in every state, cases, alerts, and canaries under seal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.terms import DoneHow, StepState
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, alerts, cases, corrections, steps
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.reports.house import CANARIES, House

EXAMPLE = load_stack(Path(__file__).parents[2] / "data" / "stack.yaml", env={})
MAKES, TELLS, IDLE = "payroll-enrolment", "manager-told", "leaver-told"
DAY = timedelta(days=1)


def handing_over(stack: Stack) -> Stack:
    """The company's stack with three handoffs of the example's: one makes records, one writes letters, one has no step."""
    return stack.model_copy(update={"handoffs": {name: EXAMPLE.handoffs[name] for name in (MAKES, TELLS, IDLE)}})


def act(ledger: Ledger, house: House, person: str) -> None:
    """Fill the ledger. Each state has another number of rows, so that none can be taken for another."""
    now = house.now
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), now)
        seals.prepare([person])
        sealed = {
            "before_sealed": seals.seal(person, CANARIES["other pay"]),
            "after_sealed": seals.seal(person, CANARIES["pay"]),
        }
        for target, base in (("payroll", 1), ("hris", 2)):
            written = [
                _correction(f"{target} {state.value} {n}", person, target, state, now) | sealed
                for place, state in enumerate(State)
                for n in range(base + place)
            ]
            con.execute(corrections.insert(), written)
        con.execute(steps.insert(), list(_steps(person, now)))
        con.execute(actions.insert(), list(_actions(person, now)))
        con.execute(cases.insert(), list(_cases(person, now)))
        con.execute(alerts.insert(), list(_alerts(now)))


def _correction(correction_id: str, person: str, target: str, state: State, now: datetime) -> dict[str, Any]:
    return {
        "correction_id": correction_id, "person_id": person, "target": target, "record": "worker", "source_id": "102",
        "attribute": "pay_amount", "kind": "pay", "data_type": "pay", "state": state.value, "state_at": now,
        "why": "in words", "proposed_by": "service", "proposed_at": now,
    }  # fmt: skip


def _steps(person: str, now: datetime) -> Any:
    """One parked, two due, … of the handoff that makes records; late parked ones of the other."""
    number = 0
    for place, state in enumerate(StepState):
        for _ in range(place + 1):
            number += 1
            how = DoneHow.ACTION.value if state in {StepState.DONE, StepState.COMPENSATED} else None
            yield _step(number, MAKES, person, state, now, now + DAY, done_how=how)
    for how, n in ((DoneHow.BEFORE, 2), (DoneHow.BY_HAND, 3), (DoneHow.ALREADY, 1)):
        for _ in range(n):
            number += 1
            yield _step(number, MAKES, person, StepState.DONE, now, now + DAY, done_how=how.value)
    for n in range(4):
        number += 1
        missing = {"missing": "the hiring manager", "missing_owner": "lead"} if n else {"why": "nothing is missing"}
        state = StepState.PARKED if n else StepState.DUE
        yield _step(number, TELLS, person, state, now, now - DAY, action_id=None if n else "a0", **missing)


def _step(
    number: int, handoff: str, person: str, state: StepState, now: datetime, due: datetime, **more: Any
) -> dict[str, Any]:
    nothing = dict.fromkeys(("done_how", "missing", "missing_owner", "why", "action_id"))
    return {
        **nothing, "step_id": f"s{number:03}", "handoff": handoff, "person_id": person, "once_per": str(number), "state": state.value,
        "state_at": now - 2 * DAY, "true_from": now - 9 * DAY, "known_at": now - 9 * DAY, "due_at": due, "owner": "analyst",
        "last_seen_at": now, **more,
    }  # fmt: skip


def _actions(person: str, now: datetime) -> Any:
    for n, state in enumerate((State.READY, State.FAILED, State.DIVERGED, State.CONFIRMED)):
        yield {
            "action_id": f"a{n}", "step_id": f"s{n}", "handoff": TELLS, "purpose": "do", "person_id": person, "target": "mail",
            "verb": "send", "kind": "message", "state": state.value, "state_at": now, "proposed_by": "service", "proposed_at": now,
        }  # fmt: skip


def _cases(person: str, now: datetime) -> Any:
    """Forty closed after 1 to 40 hours; two equal corrections that diverged, one budget, and gate cases, open."""
    sources = ["gate"] * 40 + ["correction", "correction", "budget", "gate", "discrepancy"]
    for n, source in enumerate(sources):
        closed = n < 40
        begun = now - 10 * DAY
        yield {
            "case_id": f"c{n}", "source": source, "rule": "r", "person_id": person, "system": "payroll",
            "attribute": "job_title" if source == "correction" else None, "severity": "error", "what": f"{source} is <wrong>",
            "action": "run `hrorch x`", "reviewer": "lead", "state": "confirmed" if closed else "open",
            "expected": "S******** (9)", "actual": "(empty)", "occurred_at": begun - timedelta(minutes=n), "detected_at": begun,
            "confirmed_at": begun + timedelta(hours=n + 1) if closed else None, "due_at": now + (n - 41) * DAY,
            "last_seen_at": now,
        }  # fmt: skip


def _alerts(now: datetime) -> Any:
    """Three of the last month, one of them found by a person; one from before; one nobody can date."""
    for n, (ago, detail) in enumerate(
        ((1, {}), (2, {"found_by": "lead"}), (3, {}), (60, {}), (4, {"occurrence": "unknown"}))
    ):
        begun = now - ago * DAY
        yield {
            "alert_id": f"a{n}", "key": f"k{n}", "watch": "freshness", "state": "open", "severity": "error", "owner": "lead",
            "what": "x", "action": "y", "not_before": begun, "since": begun + timedelta(minutes=20),
            "detected_at": begun + timedelta(minutes=30 + n), "last_at": now, "detail": json.dumps(detail),
        }  # fmt: skip
