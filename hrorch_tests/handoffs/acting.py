"""A bench for pushes of actions: a ledger, steps and actions put into it as the pass would have left them, places to act in."""

from __future__ import annotations

import itertools
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.canonical import canonical
from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import GENESIS, append, link
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections.queue import MOVES
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.handoffs.push import PushResult, push
from hrorch_pipelines.handoffs.terms import StepState
from hrorch_pipelines.stack.acting import Corrections
from hrorch_pipelines.stack.handing import Handoff
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.outlets import CalendarOutlet, MailOutlet
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import actions, audit_log, cases, letters, steps
from hrorch_pipelines.storage.sealed import Seals

EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"
_NUMBERS = itertools.count(1)
_WITH = {"work_email": "work_email", "legal_last_name": "legal_last_name"}
HANDOFFS: dict[str, dict[str, Any]] = {
    "hris-prehire": {"when": "true", "then": {"create": "hris.worker", "with": _WITH}, "within": "1h", "owner": "hris-analyst"},
    "payroll-enrol": {"when": "true", "then": {"create": "payroll.worker", "with": _WITH}, "within": "1d", "owner": "payroll-lead"},
    "rename": {
        "when": "true",
        "then": {"change": "hris.worker", "with": {"preferred_name": "preferred_name"}},
        "within": "1h",
        "owner": "hris-analyst",
    },
    "offer-letter": {
        "when": "true",
        "then": {"mail": "letters", "to": "personal_email", "subject": "Your offer", "text": "offer.txt",
                 "fields": {"name": "legal_last_name"}},
        "within": "1h",
        "owner": "talent-ops",
    },
    "first-day": {
        "when": "true",
        "then": {"invite": "calendar", "starts": "start_date", "summary": "First day"},
        "within": "1d",
        "owner": "hris-analyst",
    },
}  # fmt: skip
PLACES = {
    "hris-prehire": ("hris", "create", "worker", "hire"),
    "payroll-enrol": ("payroll", "create", "worker", "hire"),
    "rename": ("hris", "change", "worker", "name"),
    "offer-letter": ("letters", "mail", None, "message"),
    "first-day": ("calendar", "invite", None, "message"),
}


def stack_for(folder: Path, env: Mapping[str, str] | None = None, **rules: Any) -> Stack:
    """The example stack with handoffs of each kind, applying; letters' templates lie in `folder`."""
    stack = load_stack(EXAMPLE, env=dict(env or {}))
    (folder / "offer.txt").write_text("Dear {{ name }},\nwelcome.\n", encoding="utf-8")
    acting = Corrections.model_validate({"mode": "apply", "patience": "2s", **rules})
    outlets = {
        "letters": MailOutlet(
            connector="smtp", host="127.0.0.1", security="none", sender="people@lakeside.example", owner="hris-analyst"
        ),
        "calendar": CalendarOutlet(
            connector="caldav", base_url="http://127.0.0.1:9/days/", organizer="people@lakeside.example", owner="talent-ops"
        ),
    }  # fmt: skip
    handoffs = {name: Handoff.model_validate(one) for name, one in HANDOFFS.items()}
    lifecycle = stack.lifecycle.model_copy(update={"handoffs": "do"})
    changes = {"handoffs": handoffs, "outlets": outlets, "corrections": acting, "lifecycle": lifecycle}
    made = stack.model_copy(update=changes)
    made._folder = folder
    return made


@dataclass
class Bench:
    """What a test pushes with and looks at."""

    ledger: Ledger
    stack: Stack
    clock: Clock
    naps: list[float] = field(default_factory=list)

    def ready(self, handoff: str, person: str, said: dict[str, Any] | None = None, **more: Any) -> str:
        """One action, READY to be sent, with its step due. Returns its id."""
        return self.put([{"handoff": handoff, "person_id": person, "said": said, **more}])[0]

    def put(self, wanted: list[dict[str, Any]]) -> list[str]:
        """Steps and actions as the pass would have left them."""
        now, ids = self.clock.now(), []
        with self.ledger.write() as con:
            seals = Seals(con, self.ledger.home.key(), now)
            for one in wanted:
                row = dict(one)
                handoff, person, said = row.pop("handoff"), row["person_id"], row.pop("said", None)
                target, verb, record, kind = PLACES[handoff]
                serial = next(_NUMBERS)
                step_id = row.pop("step_id", None) or self._step(con, handoff, person, serial, now)
                text = canonical(said or said_by(handoff, person))
                values = {
                    "action_id": f"action-{serial:06d}", "step_id": step_id, "handoff": handoff, "purpose": "do",
                    "target": target, "verb": verb, "record": record, "kind": kind,
                    "content_sealed": seals.seal(person, text), "content_mark": seals.mark(person, text),
                    "rule": f"{handoff}: true", "state": State.READY.value, "state_at": now, "proposed_by": "hrorch",
                    "proposed_at": now + timedelta(microseconds=serial), **row,
                }  # fmt: skip
                con.execute(actions.insert().values(**values))
                entry = Entry(
                    Action.ACTION_PROPOSED, person_id=person, system=target, detail={"action_id": values["action_id"]}
                )
                append(con, seals, [entry], now, "stack")
                ids.append(str(values["action_id"]))
        return ids

    def push(self, target: str, maker: Any = None, **more: Any) -> PushResult:
        """One push; its sums always add up, and it never sleeps long."""
        result = push(self.ledger, self.stack, target, self.clock, maker=maker, sleep=self._nap, **more)
        assert result.taken + result.resumed == result.outcomes(), result
        return result

    def row(self, action_id: str) -> sa.Row[Any]:
        with self.ledger.read() as con:
            return con.execute(sa.select(actions).where(actions.c.action_id == action_id)).one()

    def step(self, action_id: str) -> sa.Row[Any]:
        with self.ledger.read() as con:
            return con.execute(sa.select(steps).where(steps.c.step_id == self.row(action_id).step_id)).one()

    def states(self) -> Counter[str]:
        with self.ledger.read() as con:
            return Counter(con.execute(sa.select(actions.c.state)).scalars())

    def steps(self) -> Counter[str]:
        with self.ledger.read() as con:
            return Counter(con.execute(sa.select(steps.c.state)).scalars())

    def rows(self) -> list[sa.Row[Any]]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(actions).order_by(actions.c.sent_at, actions.c.proposed_at)).all())

    def cases(self) -> list[sa.Row[Any]]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(cases).order_by(cases.c.detected_at)).all())

    def letters(self) -> list[sa.Row[Any]]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(letters).order_by(letters.c.action_id, letters.c.part)).all())

    def history(self, action_id: str) -> list[str]:
        """The states an action went through by its audit entries, in order."""
        return [one["to"] for one in self.entries() if one.get("action_id") == action_id and "to" in one]

    def entries(self) -> list[dict[str, Any]]:
        """The details of all entries, in order; the chain is looked over on the way."""
        with self.ledger.read() as con:
            rows = con.execute(sa.select(audit_log).order_by(audit_log.c.sequence)).all()
        previous, told = GENESIS, []
        for sequence, entry in enumerate(rows, start=1):
            previous = link(previous, entry.envelope)
            assert (entry.sequence, entry.hash) == (sequence, previous)
            told.append(json.loads(entry.envelope)["detail"])
        return told

    def ways_are_allowed(self) -> None:
        """Every action's entries are a way through the allowed moves that ends where it stands."""
        ways: dict[str, list[State]] = {}
        for one in self.entries():
            if "verb" in one:
                ways.setdefault(one["action_id"], [State.READY]).append(State(one["to"]))
        for row in self.rows():
            way = ways.get(row.action_id, [State.READY])
            assert all(after in MOVES[before] for before, after in itertools.pairwise(way)), way
            assert way[-1] == row.state

    def _step(self, con: sa.Connection, handoff: str, person: str, serial: int, now: datetime) -> str:
        step_id = f"step-{serial:06d}"
        con.execute(
            steps.insert().values(
                step_id=step_id, handoff=handoff, person_id=person, once_per=f"mark-{serial}", state=StepState.DUE.value,
                state_at=now, true_from=now, known_at=now, due_at=now + timedelta(hours=1), owner="hris-analyst",
                last_seen_at=now,
            )
        )  # fmt: skip
        return step_id

    def _nap(self, seconds: float) -> None:
        assert seconds <= 2.5, "a push sleeps a second or so, never longer"
        self.naps.append(seconds)
        time.sleep(min(seconds, 0.01))


def said_by(handoff: str, person: str) -> dict[str, Any]:
    """What an action of a person says, where the test does not care."""
    if handoff == "offer-letter":
        return {"to": f"{person}@home.example", "fields": {"name": "Äpfelbaum"}}
    if handoff == "first-day":
        return {"starts": "2026-04-01", "location": None, "attendees": [], "fields": {}}
    if handoff == "rename":
        return {"values": {"preferred_name": "Mo"}}
    return {"values": {"work_email": f"{person}@lakeside.example", "legal_last_name": "Nowak"}}
