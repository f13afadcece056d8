"""Refusals and outages are waited out as the system asks, tokens are renewed, windows are closed, parents are fanned out."""

from __future__ import annotations

import base64
import json
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.responses import Response, StreamingResponse

from hrorch_pipelines.stack.systems import Rate
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.raw import SystemUnavailable
from hrorch_pipelines.systems.rest import RestConnector
from hrorch_tests.systems.api import Api, as_json, people
from hrorch_tests.systems.conftest import NOW, free_port, system

WORKER = {"worker": {"path": "/p"}}
SECRET = "s3cret-t0ken"


def basic(password: str) -> str:
    return "Basic " + base64.b64encode(f"{SECRET}:{password}".encode()).decode()


def connector(
    base_url: str, clock: Any, records: dict[str, Any] | None = None, **more: Any
) -> tuple[RestConnector, list[float]]:
    waits: list[float] = []
    return RestConnector("hris", system("rest", base_url, records or WORKER, **more), clock, sleep=waits.append), waits


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_refusal_without_retry_after_is_tried_again_with_growing_jittered_waits(serve, into, clock, status):
    api = Api(lambda _request, n: as_json([{"id": 1}]) if n == 4 else as_json({}, status))
    reader, waits = connector(serve(api.app), clock)
    raw = reader.read("worker", into=into, until=NOW)
    assert (raw.rows, raw.report.requests, raw.report.complete) == (1, 4, True)
    assert len(waits) == 3
    assert all(0 <= wait <= 0.5 * 2**n for n, wait in enumerate(waits))


@pytest.mark.parametrize("header", ["7", (NOW + timedelta(seconds=7)).strftime("%a, %d %b %Y %H:%M:%S GMT")])
def test_retry_after_is_obeyed_as_seconds_and_as_a_date(serve, into, clock, header):
    api = Api(lambda _request, n: as_json([{"id": 1}]) if n == 2 else as_json({}, 503, Retry_After=header))
    reader, waits = connector(serve(api.app), clock)
    assert reader.read("worker", into=into, until=NOW).rows == 1
    assert len(waits) == 1
    assert 7 <= waits[0] <= 7.25


def test_a_system_that_asks_for_an_hour_is_reported_at_once(serve, into, clock):
    api = Api(lambda *_: as_json({}, 429, Retry_After="3600"))
    reader, waits = connector(serve(api.app), clock)
    with pytest.raises(SystemUnavailable) as refused:
        reader.read("worker", into=into, until=NOW)
    assert refused.value.code == "rate_limited"
    assert waits == []


def test_tries_end(serve, into, clock):
    api = Api(lambda *_: as_json({}, 503))
    reader, _ = connector(serve(api.app), clock, connection={"retries": 2})
    with pytest.raises(SystemUnavailable) as refused:
        reader.read("worker", into=into, until=NOW)
    assert refused.value.code == "http_status"
    assert len(api.seen) == 3


def test_nobody_there(into, clock):
    reader, waits = connector(f"http://127.0.0.1:{free_port()}", clock, connection={"retries": 2})
    with pytest.raises(SystemUnavailable) as refused:
        reader.check()
    assert refused.value.code == "not_reachable"
    assert len(waits) == 2


def test_an_answer_that_takes_too_long(serve, into, clock):
    def slow(request: Any, n: int) -> Response:
        if n == 1:
            time.sleep(0.6)
        return as_json([{"id": 1}])

    reader, waits = connector(serve(Api(slow).app), clock, connection={"timeout": "0.2s"})
    assert reader.read("worker", into=into, until=NOW).rows == 1
    assert waits


def test_a_body_shorter_than_its_length_is_not_data(serve, into, clock):
    async def half() -> Any:
        yield b'[{"id": 1}]'

    api = Api(lambda *_: StreamingResponse(half(), headers={"Content-Length": "4000"}, media_type="application/json"))
    reader, waits = connector(serve(api.app), clock, connection={"retries": 1})
    with pytest.raises(SystemUnavailable) as refused:
        reader.read("worker", into=into, until=NOW)
    assert refused.value.code == "short_body"
    assert len(waits) == 1


def test_our_own_rate_never_exceeds_what_is_allowed():
    now, starts = [0.0], []
    limit = RateLimit(
        Rate(requests=3, per="2s"), sleep=lambda s: now.__setitem__(0, now[0] + s), monotonic=lambda: now[0]
    )
    for _ in range(10):
        limit.wait()
        starts.append(now[0])
        now[0] += 0.1
    assert all(later - earlier > 2 - 1e-9 for earlier, later in zip(starts, starts[3:], strict=False))
    assert starts[-1] < 7.0


@pytest.mark.parametrize(
    ("auth", "header", "value"),
    [
        ({"type": "bearer", "token": "{key}"}, "authorization", f"Bearer {SECRET}"),
        ({"type": "basic", "username": "{key}", "password": "x"}, "authorization", basic("x")),
        ({"type": "basic", "username": "{key}", "password": ""}, "authorization", basic("")),
        ({"type": "header", "header": "X-Key", "token": "{key}"}, "x-key", SECRET),
    ],
)  # fmt: skip
def test_each_way_to_authenticate(serve, clock, auth, header, value):
    api = Api(lambda request, _: as_json([]) if request.headers.get(header) == value else as_json({}, 401))
    reader, _ = connector(serve(api.app), clock, credentials={"key": SECRET}, connection={"auth": auth})
    reader.check()
    wrong, _ = connector(reader.system.base_url, clock, credentials={"key": "wrong"}, connection={"auth": auth})
    with pytest.raises(SystemUnavailable) as refused:
        wrong.check()
    assert refused.value.code == "unauthorized"


def oauth_api(expired_after: int = 10**6, form_only: bool = False) -> Api:
    tokens: list[str] = []
    used: dict[str, int] = {}

    def answer(request: Any, n: int) -> Response:
        if request.url.path == "/auth/token":
            if form_only and "authorization" in request.headers:
                return as_json({"error": "invalid_client"}, 401)
            tokens.append(f"t{len(tokens)}")
            return as_json({"access_token": tokens[-1], "expires_in": 3600})
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        used[token] = used.get(token, 0) + 1
        if not tokens or token != tokens[-1] or used[token] > expired_after:
            return as_json({}, 401)
        number = int(request.query_params["page"])
        return as_json({"items": people(number, number), "total": 5})

    return Api(answer)


OAUTH = {
    "auth": {
        "type": "oauth_client_credentials",
        "token_url": "/auth/token",
        "client_id": "{id}",
        "client_secret": "{secret}",
    }
}
PAGED = {"worker": {"path": "/p", "data": "items", "total": "total", "paginator": {"type": "page_number"}}}


@pytest.mark.parametrize("form_only", [False, True])
def test_oauth_token_is_fetched_once_and_kept(serve, into, clock, form_only):
    api = oauth_api(form_only=form_only)
    reader, _ = connector(serve(api.app), clock, PAGED, credentials={"id": "me", "secret": SECRET}, connection=OAUTH)
    assert reader.read("worker", into=into, until=NOW).rows == 5
    asked = [request for request in api.seen if request["path"] == "/auth/token"]
    assert len(asked) == 1 + form_only
    assert "grant_type=client_credentials" in asked[-1]["body"]
    assert (SECRET in asked[-1]["body"]) == form_only


def test_oauth_token_refused_in_the_middle_is_renewed(serve, into, clock):
    api = oauth_api(expired_after=2)
    reader, _ = connector(serve(api.app), clock, PAGED, credentials={"id": "me", "secret": SECRET}, connection=OAUTH)
    raw = reader.read("worker", into=into, until=NOW)
    assert (raw.rows, raw.report.complete) == (5, True)
    assert sum(request["path"] == "/auth/token" for request in api.seen) == 3


def test_oauth_with_a_wrong_secret(serve, clock):
    api = Api(lambda *_: as_json({"error": "invalid_client"}, 401))
    reader, _ = connector(serve(api.app), clock, PAGED, credentials={"id": "me", "secret": SECRET}, connection=OAUTH)
    with pytest.raises(SystemUnavailable) as refused:
        reader.check()
    assert refused.value.code == "unauthorized"
    assert SECRET not in str(refused.value)


WINDOW = {"param": "updated_at", "format": "gte|{since}|lte|{until}"}


def test_a_window_is_closed_and_asked_for_outward(serve, into, clock):
    api = Api(lambda *_: as_json([{"id": 1}]))
    reader, _ = connector(serve(api.app), clock, {"worker": {"path": "/p", "window": WINDOW}})
    since = NOW - timedelta(hours=1, microseconds=5)
    raw = reader.read("worker", into=into, since=since, until=NOW + timedelta(microseconds=1))
    assert raw.report.mode == "window"
    assert api.seen[0]["query"]["updated_at"] == "gte|2026-03-01T10:59:59Z|lte|2026-03-01T12:00:01Z"


def test_a_system_without_windows_is_read_in_full_and_says_so(serve, into, clock):
    reader, _ = connector(serve(Api(lambda *_: as_json([{"id": 1}])).app), clock)
    assert reader.read("worker", into=into, since=NOW - timedelta(1), until=NOW).report.mode == "full"


def test_an_expired_window_becomes_a_full_read(serve, into, clock):
    api = Api(lambda request, _: as_json({}, 410) if "updated_at" in request.query_params else as_json(people(1, 3)))
    reader, _ = connector(serve(api.app), clock, {"worker": {"path": "/p", "window": WINDOW}})
    raw = reader.read("worker", into=into, since=NOW - timedelta(90), until=NOW)
    assert (raw.report.mode, raw.rows, raw.report.complete) == ("full", 3, True)
    assert [problem.code for problem in raw.report.problems] == ["cursor_expired"]


@pytest.mark.parametrize("deleted", ["gone", "/changed?since={since}&type=deleted#employees.*.id"])
def test_removed_ids_of_a_window(serve, into, clock, deleted):
    def answer(request: Any, _: int) -> Response:
        if request.url.path == "/changed":
            assert request.query_params["since"] == "2026-02-28T12:00:00Z"
            return as_json(
                {"employees": {"7": {"id": "7", "action": "Deleted"}, "9": {"id": "9", "action": "Deleted"}}}
            )
        return as_json({"items": [], "gone": [7, 9]})

    read = {"path": "/p", "data": "items", "window": {**WINDOW, "deleted": deleted}}
    reader, _ = connector(serve(Api(answer).app), clock, {"worker": read})
    assert reader.read("worker", into=into, since=NOW - timedelta(1), until=NOW).report.removed_ids == ("7", "9")


FAN_OUT = {
    "worker": {"path": "/people"},
    "pay": {
        "read": {"path": "/people/{id}/pay", "each": "worker"},
        "key": "row",
        "parent": "worker",
        "parent_key": "_parent_id",
    },
}


def pay_api() -> Api:
    def answer(request: Any, _: int) -> Response:
        if request.url.path == "/people":
            return as_json([{"id": "a/1"}, {"id": "b"}])
        return as_json([{"row": 1, "amount": "10"}])

    return Api(answer)


@pytest.mark.parametrize("parents_first", [True, False])
def test_one_request_per_parent_with_the_parents_id_on_each_record(serve, into, clock, parents_first):
    api = pay_api()
    reader, _ = connector(serve(api.app), clock, FAN_OUT)
    if parents_first:
        reader.read("worker", into=into, until=NOW)
    raw = reader.read("pay", into=into, until=NOW)
    assert [json.loads(line)["_parent_id"] for line in raw.path.read_text().splitlines()] == ["a/1", "b"]
    assert sum(request["path"] == "/people" for request in api.seen) == 1


def test_two_record_types_of_one_read_ask_once(serve, into, clock):
    api = Api(lambda *_: as_json([{"id": 1, "jobs": [{"id": 2}]}]))
    reader, _ = connector(
        serve(api.app),
        clock,
        {
            "worker": {"path": "/p"},
            "job": {"read": {"path": "/p"}, "key": "id", "explode": "jobs", "parent": "worker", "parent_key": "^.id"},
        },
    )
    first = reader.read("worker", into=into, until=NOW)
    second = reader.read("job", into=into, until=NOW)
    assert len(api.seen) == 1
    assert first.path != second.path
    assert first.path.read_bytes() == second.path.read_bytes()


def test_placeholders_come_from_the_credentials(serve, into, clock):
    api = Api(lambda *_: as_json([]))
    reader, _ = connector(
        serve(api.app),
        clock,
        {"worker": {"path": "/c/{company}/p", "headers": {"X-V": "1"}}},
        credentials={"company": "c9"},
        connection={"headers": {"X-C": "{company}"}},
    )
    reader.read("worker", into=into, until=NOW)
    assert api.seen[0]["path"] == "/c/c9/p"
    assert (api.seen[0]["headers"]["x-v"], api.seen[0]["headers"]["x-c"]) == ("1", "c9")


def test_a_body_with_a_persons_data_never_reaches_an_error(serve, into, clock, caplog):
    canary = "Jane-Canary-123-45-6789"
    for answer in (
        Response(f'[{{"name": "{canary}"', media_type="application/json"),
        as_json({"error": canary}, 422),
        Response(f"<p>{canary}</p>"),
    ):
        reader, _ = connector(serve(Api(lambda *_, answer=answer: answer).app), clock)
        with pytest.raises(SystemUnavailable) as refused:
            reader.read("worker", into=into, until=NOW)
        seen: BaseException | None = refused.value
        while seen is not None:
            assert canary not in str(seen)
            seen = seen.__cause__
    assert canary not in caplog.text


def test_memory_stays_with_one_page(serve, into, clock, tmp_path: Path):
    import tracemalloc

    row = {"id": 0, "text": "x" * 2000}
    pages = 40
    api = Api(lambda _request, n: as_json([{**row, "id": n * 1000 + k} for k in range(200)] if n <= pages else []))
    reader, _ = connector(serve(api.app), clock, {"worker": {"path": "/p", "paginator": {"type": "page_number"}}})
    tracemalloc.start()
    raw = reader.read("worker", into=into, until=NOW)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert raw.rows == 200 * pages
    assert peak < raw.path.stat().st_size
