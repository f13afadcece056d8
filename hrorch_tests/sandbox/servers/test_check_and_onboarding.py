"""The check system pages by `next_href`; onboarding replaces whole records and only at the version that was read."""

from __future__ import annotations

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect
from hrorch_tests.sandbox.servers.small_world import PEOPLE


@pytest.mark.parametrize("collection", ["candidates", "reports"])
@pytest.mark.parametrize("per_page", [1, 10, 23, 100])
def test_next_href_leads_through_everything(connect: Connect, collection: str, per_page: int) -> None:
    client, rows, url = connect("check"), [], f"/v1/{collection}?per_page={per_page}"
    while url:
        page = client.get(url).json()
        assert page["count"] == PEOPLE
        rows += page["data"]
        url = page["next_href"]
    assert [row["id"] for row in rows] == [f"{collection[0]}{n:03d}" for n in range(1, PEOPLE + 1)]


def test_deleted_candidates_are_hidden_until_asked_for(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("check"), sandbox.records["check"].store
    store.delete("candidates", "c005", at=sandbox.clock.now(), by="Priya Raman")
    store.close()
    shown = client.get("/v1/candidates?per_page=100").json()
    everything = client.get("/v1/candidates?per_page=100&include_deleted=true").json()
    assert (shown["count"], everything["count"]) == (PEOPLE - 1, PEOPLE)
    assert [row["id"] for row in everything["data"] if row.get("deleted_at")] == ["c005"]
    assert client.get("/v1/candidates/c005").status_code == 404


def test_an_invitation_needs_a_known_candidate(connect: Connect) -> None:
    client = connect("check")
    made = client.post("/v1/invitations", json={"candidate_id": "c003", "package": "standard"})
    assert (made.status_code, made.json()["status"]) == (201, "pending")
    assert client.get(f"/v1/invitations/{made.json()['id']}").json() == made.json()
    assert client.post("/v1/invitations", data={"candidate_id": "c004", "package": "standard"}).status_code == 201
    assert client.post("/v1/invitations", json={"candidate_id": "nobody", "package": "standard"}).status_code == 400
    assert client.get("/v1/invitations").json()["count"] == 2


def test_candidates_can_be_created(connect: Connect) -> None:
    client = connect("check")
    made = client.post("/v1/candidates", json={"first_name": "New", "email": "new@mail.example"}).json()
    assert client.get(f"/v1/candidates/{made['id']}").json()["first_name"] == "New"
    assert client.post("/v1/candidates", json={"first_name": "New"}).status_code == 400
    assert client.post("/v1/candidates", json={"email": "a@b", "shoe_size": 44}).status_code == 400


def test_check_refuses_wrong_keys_and_unknown_things(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("check")
    assert httpx.get(f"{sandbox.url('check')}/v1/candidates", auth=("wrong", "")).status_code == 401
    assert client.get("/v1/labels").status_code == 404
    assert client.get("/v1/candidates?per_page=101").status_code == 400
    assert client.post("/v1/reports", json={}).status_code == 404


@pytest.mark.parametrize(("collection", "letter"), [("newhires", "n"), ("tasks", "t")])
@pytest.mark.parametrize("size", [1, 10, 23, 200])
def test_onboarding_pages_give_everything_once(connect: Connect, collection: str, letter: str, size: int) -> None:
    client, rows = connect("onboarding"), []
    for page in range(1, PEOPLE // size + 3):
        answer = client.get(f"/api/{collection}", params={"page": page, "size": size}).json()
        assert answer["total"] == PEOPLE
        rows += answer["items"]
    assert [row["id"] for row in rows] == [f"{letter}{n:03d}" for n in range(1, PEOPLE + 1)]


def test_put_needs_if_match_with_the_current_etag(connect: Connect) -> None:
    client, url = connect("onboarding"), "/api/newhires/n003"
    read = client.get(url)
    assert client.put(url, json=read.json()).status_code == 428
    written = client.put(url, json={**read.json(), "status": "open"}, headers={"If-Match": read.headers["ETag"]})
    assert written.json()["status"] == "open"
    assert written.json()["updatedBy"] == "hrorch-integration"
    assert client.put(url, json=read.json(), headers={"If-Match": read.headers["ETag"]}).status_code == 412
    assert client.get(url).headers["ETag"] == written.headers["ETag"]


def test_put_clears_what_it_does_not_name(connect: Connect) -> None:
    client, url = connect("onboarding"), "/api/newhires/n003"
    client.put(url, json={"status": "open"}, headers={"If-Match": "*"})
    read = client.get(url).json()
    assert (read["id"], read["status"], read["firstName"], read["startDate"]) == ("n003", "open", None, None)


def test_onboarding_refuses_what_it_does_not_know(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("onboarding")
    assert httpx.get(f"{sandbox.url('onboarding')}/api/newhires").status_code == 401
    for body in ({"shoeSize": 44}, {"id": "n004"}):
        assert client.put("/api/newhires/n003", json=body, headers={"If-Match": "*"}).status_code == 422
    assert client.get("/api/newhires?size=201").status_code == 400
    assert client.get("/api/labels").status_code == 404
    assert client.get("/api/tasks?newHireId=n003").json()["total"] == 1


def test_a_new_hire_comes_with_the_tasks_of_everybody(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("onboarding")
    sent = {"firstName": "New", "lastName": "Person", "startDate": "07/01/2026", "department": "4200"}
    made = client.post("/api/newhires", json=sent, headers={"X-Sandbox-User": "Dana Whitfield"})
    assert made.status_code == 201
    assert (
        made.json().items() >= {**sent, "status": "not_started", "openTasks": 6, "updatedBy": "Dana Whitfield"}.items()
    )
    read = client.get(f"/api/newhires/{made.json()['id']}")
    assert (read.json(), read.headers["ETag"]) == (made.json(), made.headers["ETag"])
    tasks = client.get("/api/tasks", params={"newHireId": made.json()["id"]}).json()["items"]
    assert [task["status"] for task in tasks] == ["open"] * 6
    assert {task["dueDate"] for task in tasks} == {"07/04/2026"}
    assert client.get("/api/newhires").json()["total"] == PEOPLE + 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"shoeSize": 44}, "shoeSize"),
        ({"status": "done"}, "status"),
        ({"startDate": "2026-07-01"}, "startDate"),
        ({"lastName": ""}, "lastName"),
    ],
)
def test_new_hires_are_refused_for_what_is_missing_unknown_or_no_date(
    connect: Connect, change: dict, field: str
) -> None:
    client = connect("onboarding")
    sent = {"firstName": "New", "lastName": "Person", "startDate": "07/01/2026"}
    answer = client.post("/api/newhires", json={**sent, **change})
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert client.post("/api/tasks", json=sent).status_code == 405
    assert client.get("/api/newhires").json()["total"] == PEOPLE
