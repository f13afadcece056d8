"""What each kind of failure leaves behind, written into the copies of a dry drill: rows and manifests, or only time that passes."""

from __future__ import annotations

import shutil
import uuid
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.handoffs import alive
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.inbox.terms import Refusal
from hrorch_pipelines.inbox.terms import State as InboxState
from hrorch_pipelines.monitoring import beats
from hrorch_pipelines.monitoring.arriving import MANY
from hrorch_pipelines.monitoring.scene import owner_of
from hrorch_pipelines.monitoring.terms import Change, Watch
from hrorch_pipelines.snapshots.manifest import Manifest, snapshot_id, write_manifest
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger_tables import (
    actions,
    breakers,
    cases,
    corrections,
    inbox,
    inbox_refused,
    notices,
    steps,
)
from hrorch_pipelines.storage.sealed import Seals

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


def dry_kinds(stack: Stack) -> dict[str, Kind]:
    """The kinds this stack can have, by name."""
    first = next(iter(stack.systems))
    every = [
        Kind("freshness", "a system is not read", frozenset({Watch.FRESHNESS}), _read_once, first, silent=True, limit=400 * _DAY),
        Kind("untrusted", "snapshots are refused in a row", frozenset({Watch.UNTRUSTED}), _untrusted, first),
        Kind("breaker", "a target fails at every write", frozenset({Watch.BREAKER}), _breaker, first),
        Kind("mass-change", "a mass change is held back", frozenset({Watch.FROZEN}), _frozen, first),
        Kind("queue", "nobody sends what is due", frozenset({Watch.QUEUE}), _queue, first, silent=True, limit=30 * _DAY),
        Kind("starved", "a target's limit lets nothing through", frozenset({Watch.STARVED}), _starved, first, silent=True,
             limit=stack.alerts.watch.starved + 5 * _MINUTE),
        Kind("overdue", "a case is past its time", frozenset({Watch.OVERDUE}), _overdue),
        Kind("forged", "messages are refused in number", frozenset({Watch.REFUSED}), _refused, first),
        Kind("unheard", "a system tells of a change and is not read", frozenset({Watch.HINTS}), _unheard, first, silent=True,
             limit=30 * _DAY),
        Kind("daemon", "the daemon is silent", frozenset({Watch.HEARTBEAT}), _silent, silent=True, limit=30 * _DAY),
        Kind("sensor", "a sensor crashes at every tick", frozenset({Watch.TICK}), _crashing),
        Kind("disk", "the disk is nearly full (the limit is raised to what is free)", frozenset({Watch.DISK}), _full),
        Kind("unsigned-log", "the end of the audit log is not signed", frozenset({Watch.AUDIT_HEAD}), _unsigned, silent=True,
             limit=400 * _DAY),
        Kind("alerts", "alerts reach nobody", frozenset({Watch.CHANNEL}), _unreachable),
    ]  # fmt: skip
    if stack.handoffs and stack.lifecycle.handoffs != "off":
        every += [
            Kind("handoff", "a handoff never happens", frozenset({Watch.STALLED}), _stalled),
            Kind("parked", "a handoff waits for what nobody brings about", frozenset({Watch.PARKED}), _parked),
            Kind("pass", "nobody looks what handoffs should have made", frozenset({Watch.PASS}), _looked_once, silent=True,
                 limit=30 * _DAY),
        ]  # fmt: skip
        if stack.outlets:
            every.append(Kind("letter", "the mail server refuses a letter", frozenset({Watch.LETTERS}), _letter))
    return {kind.name: kind for kind in every}


def _read_once(here: Scenario) -> None:
    _manifest(here, trusted=True)


def _untrusted(here: Scenario) -> None:
    for number in range(here.stack.alerts.watch.untrusted):
        _manifest(here, trusted=False, later=number * timedelta(seconds=1))


def _manifest(here: Scenario, *, trusted: bool, later: timedelta = timedelta(0)) -> None:
    system, at = next(iter(here.stack.systems)), here.now + later
    name = snapshot_id(system, at)
    folder = (here.home.snapshots if trusted else here.home.untrusted) / system / name
    folder.mkdir(parents=True)
    write_manifest(
        folder,
        Manifest(
            snapshot_id=name, system=system, owner=here.stack.systems[system].owner, started_at=at, observed_at=at,
            trusted=trusted, stack_hash=here.stack.content_hash,
        ),
    )  # fmt: skip


def _breaker(here: Scenario, **more: Any) -> None:
    system = next(iter(here.stack.systems))
    values = {"system": system, "state": "open", "failures": 5, "changed_at": here.now, "fault": "timeout"}
    with here.ledger.write() as con:
        con.execute(sa.delete(breakers).where(breakers.c.system == system))
        con.execute(breakers.insert().values(**values | more))


def _correction(here: Scenario, state: State) -> None:
    one = uuid.uuid4().hex
    with here.ledger.write() as con:
        con.execute(
            corrections.insert().values(
                correction_id=one, person_id=one, target=next(iter(here.stack.systems)), record="drill", source_id=one,
                attribute="drill", kind="other", data_type="drill", state=state.value, state_at=here.now,
                proposed_by="hrorch", proposed_at=here.now,
            )
        )  # fmt: skip


def _frozen(here: Scenario) -> None:
    _correction(here, State.FROZEN)


def _queue(here: Scenario) -> None:
    _correction(here, State.READY)


def _starved(here: Scenario) -> None:
    _correction(here, State.READY)
    patience = here.stack.alerts.watch.starved
    _breaker(here, state="closed", failures=0, retry_at=here.now + patience)


def _overdue(here: Scenario) -> None:
    with here.ledger.write() as con:
        con.execute(
            cases.insert().values(
                case_id=uuid.uuid4().hex, source="gate", rule="drill", what="A drill.", action="Nothing.",
                reviewer=owner_of(here.stack), state="open", detected_at=here.now, due_at=here.now, last_seen_at=here.now,
            )
        )  # fmt: skip


def _refused(here: Scenario) -> None:
    hour = here.now.replace(minute=0, second=0, microsecond=0)
    place = {"system": next(iter(here.stack.systems)), "reason": Refusal.WRONG_SIGNATURE.value, "hour": hour}
    with here.ledger.write() as con:
        con.execute(sa.delete(inbox_refused).filter_by(**place))
        con.execute(inbox_refused.insert().values(count=MANY, **place))


def _unheard(here: Scenario) -> None:
    with here.ledger.write() as con:
        con.execute(
            inbox.insert().values(
                message_id=uuid.uuid4().hex, system=next(iter(here.stack.systems)), received_at=here.now,
                state=InboxState.NEW.value, digest="drill",
            )
        )  # fmt: skip


def _silent(here: Scenario) -> None:
    with here.ledger.write() as con:
        beats.write(con, [beats.Beat(f"{beats.DAEMON}SENSOR", here.now, _MINUTE)])


def _crashing(here: Scenario) -> None:
    with here.ledger.write() as con:
        beats.write(con, [beats.Beat("sensor drill", here.now, _DAY, beats.FAILS_TO_TELL, here.now, "RuntimeError")])


def _full(here: Scenario) -> None:
    usage = shutil.disk_usage(here.home.root)
    here.watched(disk_free=min(1.0, usage.free / usage.total + 0.01))


def _unsigned(here: Scenario) -> None:
    shutil.rmtree(here.home.root / "heads", ignore_errors=True)
    with here.ledger.write() as con:
        append(
            con, Seals(con, here.home.key(), here.now), [Entry(Action.STACK_LOADED)], here.now, here.stack.content_hash
        )


def _unreachable(here: Scenario) -> None:
    with here.ledger.write() as con:
        con.execute(
            notices.insert().values(
                notice_id=uuid.uuid4().hex, change=Change.RAISED.value, recipient=owner_of(here.stack), channel="drill/0",
                severity="error", title="A drill", body="A drill", made_at=here.now, due_at=here.now, attempts=9,
                fault="undelivered",
            )
        )  # fmt: skip


def _step(here: Scenario, state: StepState, **more: Any) -> str:
    one, handoff = uuid.uuid4().hex, next(iter(here.stack.handoffs))
    values = {
        "step_id": one, "handoff": handoff, "person_id": one, "once_per": "drill", "state": state.value, "state_at": here.now,
        "true_from": here.now, "known_at": here.now, "due_at": here.now, "owner": here.stack.handoffs[handoff].owner,
        "last_seen_at": here.now,
    }  # fmt: skip
    with here.ledger.write() as con:
        con.execute(steps.insert().values(**values | more))
    return one


def _stalled(here: Scenario) -> None:
    _step(here, StepState.DUE)


def _parked(here: Scenario) -> None:
    _step(here, StepState.PARKED, missing="a drill")


def _letter(here: Scenario) -> None:
    one = uuid.uuid4().hex
    step = _step(here, StepState.DUE, action_id=one)
    with here.ledger.write() as con:
        con.execute(
            actions.insert().values(
                action_id=one, step_id=step, handoff=next(iter(here.stack.handoffs)), purpose="do", person_id=one,
                target=next(iter(here.stack.outlets)), verb="mail", kind="message", state=State.FAILED.value,
                state_at=here.now, proposed_by="hrorch", proposed_at=here.now, fault="refused",
            )
        )  # fmt: skip


def _looked_once(here: Scenario) -> None:
    alive.sign(here.ledger, here.now)
