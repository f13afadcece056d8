"""Posts webhooks for what changed in the sandbox, as the vendors would: their payloads, their signatures, their bad habits.

Written from the vendors' documentation, apart from the product's own side of it.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from hrorch_pipelines.clock import Clock, SystemClock
from hrorch_pipelines.sandbox.company import token, uuid_of
from hrorch_pipelines.sandbox.store import Event, Store
from hrorch_pipelines.sandbox.world_clock import WorldClock

_FACT = "hooks"
Message = tuple[bytes, dict[str, str]]


@dataclass(frozen=True)
class Happening:
    """One event of a system, and the id of the person's document that it is about or lies under."""

    system: str
    event: Event
    person: str


@dataclass(frozen=True)
class Sent:
    """What became of the events since the last call.

    `events` told of = `posted` once at least + `dropped` + `undelivered`. `repeats` were posted on top of that. `answers`:
    (system, status of the answer) → how many, repeats included.
    """

    events: int
    posted: int
    dropped: int
    repeats: int
    undelivered: int
    answers: Mapping[tuple[str, int], int] = field(default_factory=dict)


def send_events(
    folder: Path,
    base_url: str,
    secrets: Mapping[str, str],
    *,
    systems: Iterable[str],
    shuffle_seed: int | None = None,
    duplicate: float = 0.0,
    drop: float = 0.0,
    clock: Clock | None = None,
) -> Sent:
    """Post a message for each document created, changed or deleted since the last call to `{base_url}/webhooks/{system}`.

    `secrets` sign them, one per system. With `shuffle_seed` they come in any order; `duplicate` and `drop` are shares of
    them that come twice, or never. `clock` tells when they are sent (the signed time of BambooHR). Nothing is tried again:
    what cannot be delivered is lost, as it may be. Raises ValueError for a system that sends none, KeyError without secret.
    """
    chosen = tuple(systems)
    if unknown := sorted(set(chosen) - set(_VENDORS)):
        raise ValueError(f"{', '.join(unknown)} cannot send webhooks; these can: {', '.join(_VENDORS)}")
    rng, events = random.Random(shuffle_seed), _new_events(folder, chosen)
    if shuffle_seed is not None:
        rng.shuffle(events)
    counts, answers = Counter[str](), Counter[tuple[str, int]]()
    moment = (clock or SystemClock()).now()
    with httpx.Client(base_url=base_url, timeout=10) as client:
        for one in events:
            if rng.random() < drop:
                counts["dropped"] += 1
                continue
            body, headers = _VENDORS[one.system](one, secrets[one.system].encode(), moment)
            status = _post(client, one.system, body, headers)
            counts["undelivered" if status is None else "posted"] += 1
            if status is None:
                continue
            answers[one.system, status] += 1
            if rng.random() < duplicate and (again := _post(client, one.system, body, headers)) is not None:
                counts["repeats"] += 1
                answers[one.system, again] += 1
    return Sent(
        len(events), counts["posted"], counts["dropped"], counts["repeats"], counts["undelivered"], dict(answers)
    )


def skip_events(folder: Path, *, systems: Iterable[str]) -> int:
    """Let what has happened so far go untold; tells how many events that are."""
    return len(_new_events(folder, tuple(systems)))


def _new_events(folder: Path, systems: Iterable[str]) -> list[Happening]:
    """Events of records that webhooks tell of, since the last call, which is remembered with the world."""
    clock = WorldClock(folder)
    try:
        told: dict[str, int] = json.loads(clock.fact(_FACT))
    except LookupError:
        told = {}
    found: list[Happening] = []
    for system in systems:
        store = Store(folder, system)
        new = store.events(after=told.get(system, 0))
        for event in new:
            if event.collection in _TOLD[system]:
                document = store.get(event.collection, event.id)
                found.append(Happening(system, event, (document and document.parent) or event.id))
        store.close()
        told |= {system: new[-1].event} if new else {}
    clock.keep(_FACT, json.dumps(told))
    return found


def _post(client: httpx.Client, system: str, body: bytes, headers: dict[str, str]) -> int | None:
    try:
        answer = client.post(
            f"/webhooks/{system}", content=body, headers={"Content-Type": "application/json", **headers}
        )
    except httpx.TransportError:
        return None
    return answer.status_code


def _greenhouse(one: Happening, secret: bytes, moment: datetime) -> Message:  # noqa: ARG001
    """`Signature: sha256 HEX` over the body; the event's id stands in a header that is not signed."""
    event, number, person = one.event, int(one.event.id), int(one.person)
    subjects: dict[str, dict[str, Any]] = {
        "candidates": {"candidate": {"id": person}},
        "applications": {"application": {"id": number, "candidate": {"id": person}}},
        "offers": {"id": number, "candidate_id": person},
    }
    kind = event.collection.removesuffix("s")
    body = _json(
        {"action": f"{kind}_{event.action}", "payload": {**subjects[event.collection], "updated_at": event.at}}
    )
    return body, {"Signature": f"sha256 {_hex(secret, body)}", "Greenhouse-Event-ID": token("ats", event.event)}


def _bamboohr(one: Happening, secret: bytes, moment: datetime) -> Message:
    """`X-BambooHR-Signature` over the body and the timestamp behind it. A row of a table is a change of its employee."""
    event = one.event
    action = event.action if event.collection == "employees" else "updated"
    data = {"employeeId": one.person, "changedFields": list(event.fields)}
    body, sent = (
        _json({"type": f"employee.{action}", "timestamp": event.at, "data": data}),
        str(int(moment.timestamp())),
    )
    return body, {"X-BambooHR-Timestamp": sent, "X-BambooHR-Signature": _hex(secret, body + sent.encode())}


def _checkr(one: Happening, secret: bytes, moment: datetime) -> Message:  # noqa: ARG001
    """`X-Checkr-Signature` over the body, with the API key."""
    event, kind = one.event, one.event.collection.removesuffix("s")
    about = {"id": event.id, "object": kind, "uri": f"/v1/{event.collection}/{event.id}", "candidate_id": one.person}
    body = _json(
        {
            "id": token("check", event.event)[:24],
            "object": "event",
            "type": f"{kind}.{event.action}",
            "created_at": event.at,
            "data": {"object": about},
        }
    )
    return body, {"X-Checkr-Signature": _hex(secret, body)}


def _gusto(one: Happening, secret: bytes, moment: datetime) -> Message:  # noqa: ARG001
    """`X-Gusto-Signature` over the body, with the subscription's verification token."""
    event = one.event
    body = _json(
        {
            "uuid": uuid_of("payroll event", event.event),
            "event_type": f"employee.{event.action}",
            "entity_type": "Employee",
            "entity_uuid": event.id,
            "timestamp": event.at,
        }
    )
    return body, {"X-Gusto-Signature": _hex(secret, body)}


_VENDORS: Mapping[str, Callable[[Happening, bytes, datetime], Message]] = {
    "ats": _greenhouse, "hris": _bamboohr, "payroll": _gusto, "check": _checkr,
}  # fmt: skip
_TOLD = {
    "ats": {"candidates", "applications", "offers"}, "hris": {"employees", "jobInfo", "compensation", "employmentStatus"},
    "payroll": {"employees"}, "check": {"candidates", "invitations", "reports"},
}  # fmt: skip


def _json(content: dict[str, Any]) -> bytes:
    return json.dumps(content, separators=(",", ":")).encode()


def _hex(secret: bytes, content: bytes) -> str:
    return hmac.new(secret, content, hashlib.sha256).hexdigest()
