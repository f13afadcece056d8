"""What may become of a write: ignored, done with the answer lost, or seen late; and what the client then reads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect
from hrorch_tests.sandbox.servers.small_world import employee_uuid
from hrorch_tests.waiting import eventually

WRITES: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "ats": lambda client, text: client.patch("/v3/candidates/1003", json={"first_name": text}),
    "hris": lambda client, text: client.post("/api/v1/employees/3", json={"firstName": text}),
    "payroll": lambda client, text: client.put(
        f"/v1/employees/{employee_uuid(3)}",
        json={"first_name": text, "version": client.get(f"/v1/employees/{employee_uuid(3)}").json()["version"]},
    ),
    "onboarding": lambda client, text: client.put(
        "/api/newhires/n003", json={"firstName": text}, headers={"If-Match": "*"}
    ),
    "directory": lambda client, text: client.patch(
        "/Users/u003",
        json={
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [{"op": "replace", "path": "name.givenName", "value": text}],
        },
    ),
}
READS: dict[str, Callable[[httpx.Client], str]] = {
    "ats": lambda client: client.get("/v3/candidates?ids=1003").json()[0]["first_name"],
    "hris": lambda client: client.get("/api/v1/employees/3").json()["firstName"],
    "payroll": lambda client: client.get(f"/v1/employees/{employee_uuid(3)}").json()["first_name"],
    "onboarding": lambda client: client.get("/api/newhires/n003").json()["firstName"],
    "directory": lambda client: client.get("/Users/u003").json()["name"]["givenName"],
}


@pytest.mark.parametrize("written", list(WRITES))
def test_an_ignored_write_is_answered_and_changes_nothing(written: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(written)
    sandbox.board.switch_on(written, "ignored_write", times=1)
    assert WRITES[written](client, "Changed").status_code in {200, 204}
    assert READS[written](client) == "Given0003"
    sandbox.stop(written)
    sandbox.start(written)
    assert READS[written](client) == "Given0003"
    assert WRITES[written](client, "Changed").status_code in {200, 204}
    assert READS[written](client) == "Changed"


@pytest.mark.parametrize("written", list(WRITES))
def test_a_lost_answer_hides_a_write_that_was_done(written: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(written)
    sandbox.board.switch_on(written, "lost_answer", times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        WRITES[written](client, "Changed")
    assert READS[written](client) == "Changed"


@pytest.mark.parametrize("written", list(WRITES))
def test_a_lagging_write_is_seen_after_some_reads(written: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(written)
    sandbox.board.switch_on(written, "lagging_reads", reads=2, times=1)
    WRITES[written](client, "Changed")
    assert [READS[written](client) for _ in range(3)] == ["Given0003", "Given0003", "Changed"]


def test_a_lagging_write_is_seen_after_some_seconds_and_never_lost(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("hris")
    sandbox.board.switch_on("hris", "lagging_reads", seconds=2, times=1)
    WRITES["hris"](client, "Soon")
    assert READS["hris"](client) == "Given0003"
    assert eventually(lambda: READS["hris"](client) == "Soon")
    sandbox.board.switch_on("hris", "lagging_reads", seconds=600, times=1)
    WRITES["hris"](client, "Kept")
    sandbox.stop("hris")
    sandbox.start("hris")
    assert READS["hris"](client) == "Kept"


ALL_OF_PAYROLL = "/v1/companies/sandbox-company/employees"
PERSON = {"first_name": "New", "last_name": "Person"}
HIRE = {"firstName": "New", "lastName": "Person", "startDate": "07/01/2026"}
ACCOUNT = {"schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "new@x.example"}
MAKES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hris": ("employees", "/api/v1/employees", {"firstName": "New", "lastName": "Person"}),
    "payroll": ("employees", ALL_OF_PAYROLL, PERSON),
    "check": ("candidates", "/v1/candidates", {"email": "new@mail.example"}),
    "onboarding": ("newhires", "/api/newhires", HIRE),
    "directory": ("users", "/Users", ACCOUNT),
}


@pytest.mark.parametrize("written", list(MAKES))
def test_what_is_made_has_the_fates_of_a_change(written: str, sandbox: Sandbox, connect: Connect) -> None:
    """Ignored: answered, and not there. Lost: there, and not answered. Late: there only after a while. Each once."""
    collection, path, body = MAKES[written]
    client = connect(written)
    headers = {"Content-Type": "application/scim+json"} if written == "directory" else {}

    def make() -> httpx.Response:
        return client.post(path, json=body, headers=headers)

    def held() -> int:
        return sandbox.records[written].store.count(collection)

    before = held()
    sandbox.board.switch_on(written, "ignored_write", times=1)
    assert make().status_code == 201
    assert held() == before
    sandbox.board.switch_on(written, "lagging_reads", times=1, reads=1)
    assert make().status_code == 201
    assert held() == before
    for _ in range(2):
        client.get(path)
    assert held() == before + 1
    if written == "directory":
        body["userName"] = "newer@x.example"
    sandbox.board.switch_on(written, "lost_answer", times=1)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        make()
    assert held() == before + 2
    told = sandbox.records[written].store.events(collection=collection)
    assert [(event.action, event.by) for event in told] == [("created", "hrorch-integration")] * 2
    sandbox.records[written].store.close()
