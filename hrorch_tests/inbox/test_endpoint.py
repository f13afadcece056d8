"""Over real HTTP: what is proved lands once and alone, all else is refused, counted and logged without its content."""

from __future__ import annotations

import json
import logging
import re
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.inbox import app, events
from hrorch_pipelines.storage.ledger_tables import heartbeats, inbox, inbox_refused
from hrorch_pipelines.workplace import Workplace
from hrorch_tests.inbox.sending import VENDORS, Message, Post, hexed, listening
from hrorch_tests.waiting import eventually

Serve = Callable[..., Post]
ONCE = pytest.mark.parametrize("ledger_url", ["sqlite"], indirect=True)


def rows(place: Workplace) -> list[Any]:
    ledger = place.ledger()
    with ledger.read() as con:
        found = con.execute(sa.select(inbox).order_by(inbox.c.message_id)).all()
    ledger.close()
    return list(found)


def refusals(place: Workplace, total: int) -> dict[tuple[str, str], int]:
    """(system, reason) → count, once as many as were refused have been written."""
    ledger = place.ledger()

    def counts() -> dict[tuple[str, str], int]:
        with ledger.read() as con:
            return {(row.system, row.reason): row.count for row in con.execute(sa.select(inbox_refused))}

    eventually(lambda: sum(counts().values()) >= total)
    found = counts()
    ledger.close()
    return found


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_proved_message_lands_once_with_nothing_of_its_content(
    serve: Serve, place: Workplace, ledger_clock: SetClock, vendor: str
) -> None:
    post, message = serve(), VENDORS[vendor](7, ledger_clock.now())
    assert [post(message) for _ in range(3)] == [200, 200, 200]
    (row,) = rows(place)
    assert row.system == message.system
    assert row.state == "new"
    assert row.received_at == ledger_clock.now()
    assert row.subject == {"checkr": "c7", "gusto": "e-7", "hmac": "t7"}.get(vendor, "7")
    assert row.kind
    assert "Canary7" not in repr(row)
    assert "ssn" not in repr(row)
    assert post(VENDORS[vendor](8, ledger_clock.now())) == 200
    assert len(rows(place)) == 2


@ONCE
@pytest.mark.parametrize("vendor", VENDORS)
def test_who_cannot_prove_it_is_refused(serve: Serve, place: Workplace, ledger_clock: SetClock, vendor: str) -> None:
    post, make, now = serve(), VENDORS[vendor], ledger_clock.now()
    message = make(7, now)
    answers = [post(make(7, now, secret=secret)) for secret in ("another", "")]
    answers.append(post(message, headers={}))
    for name in message.headers:
        if name != "Greenhouse-Event-ID":
            without = {k: v for k, v in message.headers.items() if k != name}
            spoilt = ({}, {name: message.headers[name] + "0"}, {name: "not a signature"})
            answers += [post(message, headers={**without, **value}) for value in spoilt]
    for place_of_byte in (0, len(message.body) // 2, len(message.body) - 1):
        changed = bytearray(message.body)
        changed[place_of_byte] ^= 1
        answers.append(post(message, body=bytes(changed)))
    answers += [post(message, body=message.body + b" "), post(message, body=b"")]
    assert set(answers) == {401}
    assert rows(place) == []
    counted = refusals(place, len(answers))
    assert sum(counted.values()) == len(answers)
    assert {system for system, _ in counted} == {message.system}
    assert counted[message.system, "wrong_signature"] >= 7
    assert counted[message.system, "unsigned"] >= 2


@ONCE
@pytest.mark.parametrize("vendor", ["bamboohr", "hmac"])
def test_what_is_old_or_from_the_future_is_refused_where_the_vendor_tells_the_time(
    serve: Serve, place: Workplace, ledger_clock: SetClock, vendor: str
) -> None:
    post, make, now = serve(), VENDORS[vendor], ledger_clock.now()
    assert post(make(1, now - timedelta(minutes=5, seconds=1))) == 401
    assert post(make(2, now + timedelta(minutes=1, seconds=1))) == 401
    assert rows(place) == []
    assert refusals(place, 2) == {(make(1, now).system, "stale"): 2}
    assert post(make(3, now - timedelta(minutes=4, seconds=59))) == 200
    assert post(make(4, now + timedelta(seconds=59))) == 200
    caught = make(5, now)
    assert post(caught) == 200
    ledger_clock.at = now + timedelta(minutes=6)
    assert post(caught) == 401, "a message caught on the wire is worth nothing later"
    assert len(rows(place)) == 3


@ONCE
def test_a_message_sent_again_under_another_id_is_known_again(
    serve: Serve, place: Workplace, ledger_clock: SetClock
) -> None:
    """Greenhouse's own id stands outside what it signs."""
    post, message = serve(), VENDORS["greenhouse"](7, ledger_clock.now())
    for number in range(3):
        assert post(message, headers={**message.headers, "Greenhouse-Event-ID": f"made-up-{number}"}) == 200
    assert len(rows(place)) == 1


@ONCE
def test_what_is_too_large_is_refused_before_it_is_read(serve: Serve, place: Workplace, ledger_clock: SetClock) -> None:
    post, message = serve(), VENDORS["checkr"](1, ledger_clock.now())
    body = json.dumps({"id": "x", "filler": "y" * app.LARGEST}).encode()
    signed = {"X-Checkr-Signature": hexed("checkr-api-key", body)}
    assert post.raw("check", body, signed) == 413
    host, port = urlsplit(post.url).hostname, urlsplit(post.url).port
    with socket.create_connection((host, port), timeout=5) as wire:  # says it is large, and never sends it
        wire.sendall(b"POST /webhooks/check HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n")
        assert wire.recv(100).startswith(b"HTTP/1.1 413")
    chunks: Iterator[bytes] = (b"y" * 65536 for _ in range(40))  # does not say how large it is
    assert post.raw("check", chunks, signed) == 413
    assert post(message) == 200
    assert refusals(place, 3) == {("check", "oversized"): 3}


@ONCE
def test_a_flood_from_one_source_is_told_to_come_later_and_counted_in_full(
    serve: Serve, place: Workplace, ledger_clock: SetClock
) -> None:
    post = serve(rate=20)
    messages = [VENDORS["gusto"](n, ledger_clock.now()) for n in range(200)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(post, messages))
    taken = answers.count(200)
    assert set(answers) == {200, 429}
    assert 20 <= taken <= 80
    assert len(rows(place)) == taken
    assert refusals(place, 200 - taken) == {("payroll", "too_many"): 200 - taken}


@ONCE
def test_only_systems_with_a_secret_are_listened_to(serve: Serve, place: Workplace, ledger_clock: SetClock) -> None:
    systems = dict(place.stack.systems)
    for name, given in (("ats", {}), ("payroll", {"webhook_secret": SecretStr("")})):
        kept = {key: value for key, value in systems[name].credentials.items() if key != "webhook_secret"}
        systems[name] = systems[name].model_copy(update={"credentials": {**kept, **given}})
    bare = Workplace(place.stack.model_copy(update={"systems": systems}), place.home, place.clock, place.warehouse)
    with listening(bare) as post:
        now = ledger_clock.now()
        assert post(VENDORS["greenhouse"](1, now)) == 404
        assert post(VENDORS["gusto"](1, now, secret="")) == 404, "anybody can sign with an empty secret"
        message = VENDORS["checkr"](1, now)
        for system in ("directory", "Canary7", "..%2fcheck", "x" * 300):
            assert post.raw(system, message.body, message.headers) == 404
        assert post.client.get("/webhooks/check").status_code == 405
        counted = refusals(place, 5)
    assert counted == {("ats", "no_secret"): 1, ("payroll", "no_secret"): 1, ("-", "unknown_system"): 3}
    assert rows(place) == []


@ONCE
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b"employee=7", b"[" * 100_000, b'{"id": ' + b"9" * 6000 + b"}"],
    ids=["empty", "cut", "list", "text", "null", "no-utf8", "form", "deep", "long-number"],
)
def test_a_proved_message_that_is_no_json_object_is_refused(serve: Serve, place: Workplace, body: bytes) -> None:
    assert serve().raw("check", body, {"X-Checkr-Signature": hexed("checkr-api-key", body)}) == 400
    assert rows(place) == []


@ONCE
def test_what_is_no_word_is_not_kept(serve: Serve, place: Workplace) -> None:
    content = {
        "id": "Ann Canary7 <ann@x.example>",
        "type": {"name": "Canary7"},
        "data": {"object": {"id": "Ann Canary7"}},
    }
    body = json.dumps(content).encode()
    assert serve().raw("check", body, {"X-Checkr-Signature": hexed("checkr-api-key", body)}) == 200
    (row,) = rows(place)
    assert (row.kind, row.subject) == (None, None)
    assert row.message_id == f"check:~{row.digest}"
    assert "Canary7" not in repr(row)


@ONCE
def test_several_records_in_one_message_are_one_hint_without_a_key(
    serve: Serve, place: Workplace, ledger_clock: SetClock
) -> None:
    """BambooHR's field-based messages name every employee of a change."""
    content = {
        "employees": [{"id": "7", "action": "Updated", "fields": {"ssn": "Canary7"}}, {"id": "8", "action": "Updated"}]
    }
    body, stamp = json.dumps(content).encode(), f"{int(ledger_clock.now().timestamp())}"
    signature = hexed("bamboo-private-key", body + stamp.encode())
    assert serve().raw("hris", body, {"X-BambooHR-Signature": signature, "X-BambooHR-Timestamp": stamp}) == 200
    (row,) = rows(place)
    assert (row.kind, row.subject) == ("Updated", None)


@ONCE
def test_a_ping_is_answered_and_asks_for_nothing(serve: Serve, place: Workplace) -> None:
    body = b'{"action": "ping", "payload": {"id": 1}}'
    assert serve().raw("ats", body, {"Signature": f"sha256 {hexed('gh-secret', body)}"}) == 200
    assert [row.state for row in rows(place)] == ["ignored"]
    ledger = place.ledger()
    with ledger.read() as con:
        assert events.hints(con) == {}
    ledger.close()


@ONCE
def test_the_log_tells_counts_and_nothing_else(
    place: Workplace, ledger_clock: SetClock, caplog: pytest.LogCaptureFixture
) -> None:
    message = VENDORS["greenhouse"](7, ledger_clock.now(), secret="wrong")
    with caplog.at_level(logging.DEBUG), listening(place) as post:
        for _ in range(5):
            post(message)
        post.raw("Canary7", message.body, message.headers)
    ours = [record.getMessage() for record in caplog.records if record.name == "hrorch.inbox"]
    told = [re.fullmatch(r"refused (\d+) messages: system ats, reason wrong_signature", line) for line in ours]
    assert sum(int(line[1]) for line in told if line) == 5, "in one line or in several, as they were committed"
    assert "Canary7" not in " ".join(ours)
    assert message.headers["Signature"] not in caplog.text


def test_a_message_is_taken_in_while_others_write_or_refused_but_never_lost(
    serve: Serve, place: Workplace, ledger_clock: SetClock
) -> None:
    post, ledger = serve(), place.ledger()
    with ThreadPoolExecutor(30) as pool:
        with ledger.write():
            waiting = [pool.submit(post, VENDORS["checkr"](n, ledger_clock.now())) for n in range(60)]
            time.sleep(0.3)
            assert not any(answer.done() for answer in waiting), "nothing is answered before its commit"
        assert {answer.result() for answer in waiting} == {200}
    ledger.close()
    assert len(rows(place)) == 60


def test_health_and_readiness(serve: Serve, place: Workplace, ledger_clock: SetClock) -> None:
    post = serve()
    assert post.client.get("/healthz").json() == {"status": "ok"}
    post(VENDORS["checkr"](1, ledger_clock.now()))
    ready = post.client.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ok", "faults": [], "new": {"check": 1}})
    ledger = place.ledger()
    with ledger.read() as con:
        assert con.execute(sa.select(heartbeats.c.name)).scalars().all() == ["webhooks"]
    with ledger.write() as con:
        con.execute(sa.text("ALTER TABLE inbox RENAME TO gone"))
    ready = post.client.get("/readyz")
    assert ready.status_code == 503
    assert "does not answer" in ready.text
    assert post(VENDORS["checkr"](2, ledger_clock.now())) == 503, "what cannot be written is sent again by its sender"
    with ledger.write() as con:
        con.execute(sa.text("ALTER TABLE gone RENAME TO inbox"))
    assert post(VENDORS["checkr"](2, ledger_clock.now())) == 200
    ledger.close()


def test_messages_make_no_more_transactions_than_needed(
    place: Workplace, ledger_clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = []
    put = events.put
    monkeypatch.setattr(events, "put", lambda con, batch: commits.append(len(batch)) or put(con, batch))
    messages: list[Message] = [VENDORS["gusto"](n, ledger_clock.now()) for n in range(300)]
    with listening(place) as post, ThreadPoolExecutor(30) as pool:
        assert set(pool.map(post, messages)) == {200}
    assert sum(commits) == 300
    assert len([size for size in commits if size]) < 200
    assert len(rows(place)) == 300


def test_it_gives_signs_of_life_until_it_is_told_to_end(place: Workplace, ledger_clock: SetClock) -> None:
    ledger = place.ledger()

    def beats() -> list[Any]:
        with ledger.read() as con:
            return list(con.execute(sa.select(heartbeats)).all())

    with listening(place):
        (beat,) = eventually(beats)
        assert (beat.name, beat.at, json.loads(beat.detail)) == (
            "webhooks",
            ledger_clock.now(),
            {"every": 30.0, "failures": 0},
        )
        ledger_clock.at += timedelta(seconds=31)
        assert eventually(lambda: [beat.at for beat in beats()] == [ledger_clock.now()])
    assert beats() == []
    ledger.close()
