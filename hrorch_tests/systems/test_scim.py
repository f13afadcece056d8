"""A directory is read whole from the real scim2-server, inactive accounts included, resources exactly as it sends them."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_pipelines.systems.scim import ScimConnector
from hrorch_tests.systems.api import Api, as_json
from hrorch_tests.systems.conftest import NOW, free_port, system

TOKEN = "t0ken"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USERS = 23


def connector(base_url: str, clock: Any, **how: Any) -> ScimConnector:
    declared = {"user": {"read": {"resource": "User", "count": 5, **how}, "key": "id"}}
    auth = {"auth": {"type": "bearer", "token": "{token}"}, "retries": 2}
    found = system("scim", base_url, declared, credentials={"token": TOKEN}, connection=auth)
    return ScimConnector("directory", found, clock, sleep=lambda _: None)


def records(raw: RawRecords) -> list[dict[str, Any]]:
    return [json.loads(line) for line in raw.path.read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="module")
def directory() -> Iterator[str]:
    port = free_port()
    program = Path(sys.executable).with_name("scim2-server")
    process = subprocess.Popen([program, "--port", str(port), "--bearer-token", TOKEN], stderr=subprocess.DEVNULL)
    root = f"http://127.0.0.1:{port}/v2"
    with httpx.Client(headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        for _ in range(200):
            try:
                client.get(f"{root}/ServiceProviderConfig")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        for number in range(USERS):
            answer = client.post(
                f"{root}/Users",
                headers={"Content-Type": "application/scim+json"},
                json={
                    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
                    "userName": f"user{number}",
                    "name": {"givenName": f"Given{number}", "familyName": "Ó Briain"},
                    "active": number != 3,
                    "emails": [{"value": f"u{number}@x.example", "primary": True}],
                    ENTERPRISE: {"employeeNumber": f"00{number}", "department": "Radiology"},
                },
            )
            assert answer.status_code == 201, answer.text
    yield root
    process.terminate()
    process.wait(10)


def test_every_user_once_page_by_page(directory, into, clock):
    reader = connector(directory, clock)
    reader.check()
    raw = reader.read("user", into=into, until=NOW)
    found = records(raw)
    assert raw.report.complete
    assert (raw.rows, raw.report.claimed_rows, raw.report.pages, raw.report.requests) == (USERS, USERS, 5, 5)
    assert sorted(user["userName"] for user in found) == sorted(f"user{number}" for number in range(USERS))
    assert sum(user["active"] is False for user in found) == 1
    one = next(user for user in found if user["userName"] == "user7")
    assert one[ENTERPRISE]["employeeNumber"] == "007"
    assert one["name"]["familyName"] == "Ó Briain"
    assert one["meta"]["version"]
    assert one["meta"]["lastModified"]


def test_a_filter_is_passed_on(directory, into, clock):
    raw = connector(directory, clock, filter='userName eq "user7"').read("user", into=into, until=NOW)
    assert [user["userName"] for user in records(raw)] == ["user7"]


def test_no_groups_is_an_empty_answer(directory, into, clock):
    raw = connector(directory, clock, resource="Group").read("user", into=into, until=NOW)
    assert (raw.rows, raw.report.complete, raw.report.problems[0].code) == (0, True, "empty_answer")


def test_a_wrong_token_and_a_dead_server(directory, clock):
    wrong = connector(directory, clock)
    wrong.system.credentials.clear()
    with pytest.raises(SystemUnavailable) as refused:
        wrong.check()
    assert refused.value.code == "unauthorized"
    with pytest.raises(SystemUnavailable) as refused:
        connector(f"http://127.0.0.1:{free_port()}/v2", clock).check()
    assert refused.value.code == "not_reachable"


def listed(users: list[dict[str, Any]], total: int) -> Response:
    return as_json(
        {"schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": total, "Resources": users}
    )


def pages(request: Any, of: list[dict[str, Any]]) -> list[dict[str, Any]]:
    start = int(request.query_params["startIndex"]) - 1
    return of[start : start + int(request.query_params["count"])]


ALL = [{"id": f"u{number}", "x": 1.0} for number in range(12)]


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Response("<html>login</html>", media_type="text/html"), "html_answer"),
        (Response('{"totalResults": 1, "Res', media_type="application/scim+json"), "cut_json"),
        (Response(status_code=302, headers={"Location": "/login"}), "redirect"),
        (as_json({"hello": 1}), "missing_data"),
        (as_json({"totalResults": 1, "Resources": [1]}), "not_records"),
        (as_json({}, 404), "http_status"),
    ],
)
def test_an_answer_that_is_no_data_is_refused(serve, into, clock, answer, code):
    with pytest.raises(SystemUnavailable) as refused:
        connector(serve(Api(lambda *_: answer).app), clock).read("user", into=into, until=NOW)
    assert refused.value.code == code


def test_503_is_waited_out(serve, into, clock):
    api = Api(lambda request, n: as_json({}, 503, Retry_After="1") if n == 2 else listed(pages(request, ALL), 12))
    raw = connector(serve(api.app), clock).read("user", into=into, until=NOW)
    assert (raw.rows, raw.report.complete, raw.report.requests) == (12, True, 4)


def test_a_page_that_is_cut_short_is_fatal(serve, into, clock):
    def answer(request: Any, _: int) -> Response:
        page = pages(request, ALL)
        return listed(page[:2] if request.query_params["startIndex"] == "11" else page, 13)

    raw = connector(serve(Api(answer).app), clock).read("user", into=into, until=NOW)
    assert not raw.report.complete
    assert raw.report.problems[-1].code == "count_mismatch"


def test_drift_is_read_again(serve, into, clock):
    def answer(request: Any, n: int) -> Response:
        return listed(pages(request, [{"id": "new"}, *ALL] if n == 2 else ALL), 12)

    raw = connector(serve(Api(answer).app), clock).read("user", into=into, until=NOW)
    assert [record["id"] for record in records(raw)] == [record["id"] for record in ALL]
    assert raw.report.complete
    assert raw.report.problems[0].code == "read_again"
