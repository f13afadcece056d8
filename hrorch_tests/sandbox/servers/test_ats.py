"""The ATS keeps Greenhouse v3's habits: exclusive cursors, newest first, closed windows, versions of offers."""

from __future__ import annotations

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import CLIENT_ID, CLIENT_SECRET, Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect
from hrorch_tests.sandbox.servers.small_world import PEOPLE


def read_all(client: httpx.Client, url: str) -> list[dict]:
    rows: list[dict] = []
    while url:
        answer = client.get(url)
        assert answer.status_code == 200
        rows += answer.json()
        url = answer.links.get("next", {}).get("url", "")
    return rows


@pytest.mark.parametrize("per_page", [1, 7, 22, 23, 24, 500])
def test_pages_by_cursor_give_every_candidate_once_newest_first(connect: Connect, per_page: int) -> None:
    ids = [row["id"] for row in read_all(connect("ats"), f"/v3/candidates?per_page={per_page}")]
    assert ids == list(range(1000 + PEOPLE, 1000, -1))


def test_cursor_must_be_the_only_parameter(connect: Connect) -> None:
    client = connect("ats")
    following = client.get("/v3/candidates?per_page=5").links["next"]["url"]
    assert client.get(following).status_code == 200
    assert client.get(f"{following}&per_page=5").status_code == 422


def test_broken_and_foreign_cursors_are_refused(connect: Connect) -> None:
    client = connect("ats")
    cursor = client.get("/v3/candidates?per_page=5").links["next"]["url"].partition("cursor=")[2]
    assert client.get("/v3/offers", params={"cursor": cursor}).status_code == 422
    for broken in ("", "x", cursor[:-9], "bnVsbA", "eyJhIjoxfQ"):
        assert client.get("/v3/candidates", params={"cursor": broken}).status_code == 422, broken


@pytest.mark.parametrize(
    "query",
    [
        "per_page=501",
        "per_page=0",
        "per_page=x",
        "page=2",
        "updated_at=gte|yesterday",
        "updated_at=since|2026-01-01T00:00:00Z",
        "updated_at=gte|2026-01-01T00:00:00",
    ],
)
def test_parameters_it_does_not_understand_are_refused(connect: Connect, query: str) -> None:
    assert connect("ats").get(f"/v3/candidates?{query}").status_code == 422


def test_window_is_closed_at_both_ends_and_survives_paging(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("ats"), sandbox.records["ats"].store
    for n in range(1, 6):
        body = store.get("candidates", str(1000 + n)).body
        store.put("candidates", str(1000 + n), body, at=sandbox.clock.now().replace(hour=n), by=None)
    store.close()
    window = "gte|2026-06-01T02:00:00Z|lte|2026-06-01T04:00:00.000Z"
    rows = read_all(client, str(httpx.URL("/v3/candidates", params={"updated_at": window, "per_page": 1})))
    assert [row["id"] for row in rows] == [1004, 1003, 1002]
    assert {row["updated_at"] for row in rows} == {f"2026-06-01T0{n}:00:00Z" for n in (2, 3, 4)}


def test_a_record_added_while_paging_shifts_nothing(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("ats"), sandbox.records["ats"].store
    first = client.get("/v3/candidates?per_page=10")
    store.put("candidates", "2000", {"id": 2000}, at=sandbox.clock.now(), by=None)
    store.close()
    rest = read_all(client, first.links["next"]["url"])
    assert [row["id"] for row in [*first.json(), *rest]] == list(range(1000 + PEOPLE, 1000, -1))


def test_tokens_come_by_basic_or_form_and_only_for_the_right_secret(sandbox: Sandbox) -> None:
    sandbox.start("ats")
    url, grant = f"{sandbox.url('ats')}/auth/token", {"grant_type": "client_credentials"}
    in_form = {**grant, "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    assert httpx.post(url, data=in_form).json()["token_type"] == "Bearer"
    assert httpx.post(url, json=in_form).status_code == 200
    assert httpx.post(url, data=grant, auth=(CLIENT_ID, "wrong")).status_code == 401
    assert httpx.post(url, data={}, auth=(CLIENT_ID, CLIENT_SECRET)).status_code == 400
    for authorization in ("", "Bearer x", "Bearer 99999999999.x", "Basic c2FuZGJveDpzYW5kYm94LXNlY3JldA=="):
        answer = httpx.get(f"{sandbox.url('ats')}/v3/candidates", headers={"Authorization": authorization})
        assert answer.status_code == 401, authorization


def test_every_answer_tells_how_many_requests_are_left(connect: Connect) -> None:
    client = connect("ats")
    left = [int(client.get("/v3/candidates?per_page=1").headers["X-RateLimit-Remaining"]) for _ in range(2)]
    assert left[0] - left[1] == 1


def test_too_many_requests_end_in_a_429_without_headers(connect: Connect) -> None:
    client = connect("ats")
    answers = [client.get("/v3/candidates?per_page=1") for _ in range(301)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert all(
        "X-RateLimit-Remaining" not in answer.headers and "Retry-After" not in answer.headers for answer in refused
    )
    assert refused or int(answers[-1].headers["X-RateLimit-Remaining"]) > 0  # a new window began meanwhile


def test_patch_changes_what_it_names_and_tells_who(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("ats")
    assert client.patch("/v3/candidates/1003", json={"first_name": "Changed"}).json()["first_name"] == "Changed"
    shown = client.get("/v3/candidates?ids=1003").json()[0]
    assert (shown["first_name"], shown["last_name"], shown["updated_at"]) == (
        "Changed",
        "Family0003",
        "2026-06-01T12:00:00Z",
    )
    event = sandbox.records["ats"].store.events()[-1]
    sandbox.records["ats"].store.close()
    assert (event.by, event.fields) == ("hrorch-integration", ("first_name", "updated_at"))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("candidates/1003", {"id": 1}), ("candidates/1003", {"shoe_size": 44}), ("candidates/1003", {"first_name": ""}),
        ("offers/5003", {"starts_on": "30/02/2026"}), ("offers/5003", {"status": "maybe"}), ("offers/5003", {"version": 9}),
    ],
)  # fmt: skip
def test_invalid_writes_are_refused_and_change_nothing(connect: Connect, path: str, change: dict) -> None:
    client = connect("ats")
    collection, key = path.split("/")
    before = client.get(f"/v3/{collection}?ids={key}").json()
    answer = client.patch(f"/v3/{path}", json=change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == next(iter(change))
    assert client.get(f"/v3/{collection}?ids={key}").json() == before


def test_editing_an_offer_deprecates_it_and_begins_a_new_version(connect: Connect) -> None:
    client = connect("ats")
    new = client.patch("/v3/offers/5003", json={"starts_on": "2026-07-01"}).json()
    versions = read_all(client, "/v3/offers?candidate_ids=1003")
    assert [(one["id"], one["version"], one["status"], one["starts_on"]) for one in versions] == [
        (new["id"], 2, "draft", "2026-07-01"),
        (5003, 1, "deprecated", "2026-02-01"),
    ]
    assert client.patch("/v3/offers/5003", json={"starts_on": "2026-08-01"}).status_code == 422
    signed = client.patch(f"/v3/offers/{new['id']}", json={"status": "accepted"}).json()
    assert (signed["id"], signed["version"]) == (new["id"], 2)


def test_unknown_collections_and_records_are_not_found(connect: Connect) -> None:
    client = connect("ats")
    assert client.get("/v3/labels").status_code == 404
    assert client.patch("/v3/candidates/1", json={"first_name": "X"}).status_code == 404
    assert client.patch("/v3/candidates/1003", content=b"[").status_code == 400
