"""A bench for pushes: real sandbox systems over a small hand-made world, a ledger, corrections put into it as READY."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.clock import Clock
from hrorch_pipelines.corrections.push import PushResult, push
from hrorch_pipelines.corrections.terms import State
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.sandbox.store import Store
from hrorch_pipelines.stack.acting import Corrections
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Rate
from hrorch_pipelines.stack.writing import Writes
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_tables import audit_log, cases, corrections
from hrorch_pipelines.storage.sealed import Seals
from hrorch_tests.sandbox.servers.small_world import fill

EXAMPLE = Path(__file__).parents[2] / "data" / "stack.yaml"
FIELDS = {
    "work_email": "workEmail",
    "preferred_name": "preferredName",
    "phone": "mobilePhone",
    "personal_email": "homeEmail",
    "postcode": "zipcode",
}
"""Attribute → the HRIS's own field."""
_NUMBERS = itertools.count(1)


@contextmanager
def sandbox_of(folder: Path, people: int, clock: Clock, systems: tuple[str, ...] = ("hris",)) -> Iterator[Sandbox]:
    """A sandbox of hand-made people, some of its systems running on free ports."""
    fill(folder, people)
    box = Sandbox(folder, base_port=None, clock=clock)
    try:
        for system in systems:
            box.start(system)
        yield box
    finally:
        for system in systems:
            box.stop(system)


def stack_for(
    env: Mapping[str, str], *, rate: Rate | None = None, writes: Mapping[str, list[str]] | None = None, **rules: Any
) -> Stack:
    """The example stack, applying; `rules` are those of `corrections`."""
    stack = load_stack(EXAMPLE, env=dict(env))
    allowed = writes or {
        "hris": list(FIELDS),
        "onboarding": ["personal_email", "work_email"],
        "payroll": ["preferred_name"],
    }
    systems = dict(stack.systems)
    for name, attributes in allowed.items():
        connection = systems[name].connection.model_copy(update={"rate": rate, "timeout": timedelta(seconds=5)})
        changes = {"writes": Writes(attributes=attributes), "connection": connection}
        systems[name] = systems[name].model_copy(update=changes)
    acting = Corrections.model_validate({"mode": "apply", "patience": "2s", **rules})
    return stack.model_copy(update={"systems": systems, "corrections": acting})


@dataclass
class Bench:
    """What a test pushes with and looks at."""

    ledger: Ledger
    stack: Stack
    clock: Clock
    box: Sandbox | None = None
    naps: list[float] = field(default_factory=list)

    def ready(
        self,
        n: int,
        attribute: str,
        before: str | None,
        after: str,
        *,
        system: str = "hris",
        record: str = "worker",
        **more: Any,
    ) -> str:
        """One correction of person `n`, READY to be sent."""
        return self.put(
            [
                {
                    "n": n,
                    "attribute": attribute,
                    "before": before,
                    "after": after,
                    "target": system,
                    "record": record,
                    **more,
                }
            ]
        )[0]

    def put(self, wanted: list[dict[str, Any]]) -> list[str]:
        """Corrections as the plan would have left them: values sealed, each with its audit entry."""
        now = self.clock.now()
        ids = []
        with self.ledger.write() as con:
            seals = Seals(con, self.ledger.home.key(), now)
            for one in wanted:
                row = dict(one)
                n, before, after = row.pop("n"), row.pop("before"), row.pop("after")
                person = row.setdefault("person_id", f"person-{n:05d}")
                serial = next(_NUMBERS)
                sealed = {
                    "before_sealed": seals.seal(person, before),
                    "before_mark": seals.mark(person, before),
                    "after_sealed": seals.seal(person, after),
                    "after_mark": seals.mark(person, after),
                }
                values = {
                    "correction_id": f"correction-{serial:06d}",
                    "target": "hris",
                    "record": "worker",
                    "source_id": str(n),
                    "kind": "other",
                    "data_type": "personal",
                    "state": State.READY.value,
                    "state_at": now,
                    "proposed_by": "hrorch",
                    "proposed_at": now + timedelta(microseconds=serial),
                    **sealed,
                    **row,
                }
                con.execute(corrections.insert().values(**values))
                entry = Entry(
                    Action.CORRECTION_PROPOSED, person_id=person, system=values["target"], attribute=row["attribute"],
                    before=before, after=after, correction_id=values["correction_id"],
                )  # fmt: skip
                append(con, seals, [entry], now, "stack")
                ids.append(str(values["correction_id"]))
        return ids

    def push(self, system: str = "hris", **more: Any) -> PushResult:
        """One push; its sums always add up, and it never sleeps long."""
        result = push(self.ledger, self.stack, system, self.clock, sleep=self._nap, **more)
        assert result.taken + result.resumed == result.outcomes(), result
        return result

    def row(self, correction_id: str) -> sa.Row[Any]:
        with self.ledger.read() as con:
            return con.execute(sa.select(corrections).where(corrections.c.correction_id == correction_id)).one()

    def states(self) -> Counter[str]:
        with self.ledger.read() as con:
            return Counter(con.execute(sa.select(corrections.c.state)).scalars())

    def cases(self) -> list[sa.Row[Any]]:
        with self.ledger.read() as con:
            return list(con.execute(sa.select(cases).order_by(cases.c.detected_at)).all())

    def history(self, correction_id: str) -> list[str]:
        """The audit entries of a correction, in order."""
        with self.ledger.read() as con:
            rows = con.execute(
                sa.select(audit_log.c.action)
                .where(audit_log.c.correction_id == correction_id)
                .order_by(audit_log.c.sequence)
            )
            return list(rows.scalars())

    def stored(self, n: int, name: str, system: str = "hris", collection: str = "employees") -> Any:
        """What the system itself holds."""
        return self._ask(lambda store: store.get(collection, str(n)).body.get(name), system)

    def writes(
        self, system: str = "hris", collection: str = "employees"
    ) -> list[tuple[str, tuple[str, ...], str | None]]:
        """Every write the system accepted: record, fields that changed, by whom."""
        return self._ask(
            lambda store: [(one.id, one.fields, one.by) for one in store.events(collection=collection)], system
        )

    def edit(
        self, n: int, by: str = "Dana Whitfield", system: str = "hris", collection: str = "employees", **fields: Any
    ) -> None:
        """Somebody changes a record in the system's own screens."""

        def change(store: Store) -> None:
            old = store.get(collection, str(n))
            assert old is not None
            store.put(collection, str(n), {**old.body, **fields}, at=self.clock.now(), by=by, parent=old.parent)

        self._ask(change, system)

    def _ask(self, question: Callable[[Store], Any], system: str) -> Any:
        assert self.box is not None
        store = Store(self.box.folder, system)
        try:
            return question(store)
        finally:
            store.close()

    def _nap(self, seconds: float) -> None:
        import time

        assert seconds <= 2.5, "a push sleeps a second or so, never longer"
        self.naps.append(seconds)
        time.sleep(min(seconds, 0.2))
