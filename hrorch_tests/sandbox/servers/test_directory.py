"""The directory is a real SCIM server whose state survives: pages, filters, ETags, 409, writes kept on disk."""

from __future__ import annotations

import time
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_tests.sandbox.servers.conftest import Connect, sign_in
from hrorch_tests.sandbox.servers.small_world import NOW, PEOPLE, USER, fill


def read_all(client: httpx.Client, count: int) -> list[dict]:
    rows: list[dict] = []
    while True:
        page = client.get("/Users", params={"startIndex": len(rows) + 1, "count": count}).json()
        rows += page.get("Resources", [])
        if len(rows) >= page["totalResults"]:
            return rows


@pytest.mark.parametrize("count", [1, 10, 23, 100])
def test_pages_give_every_user_once_inactive_ones_too(connect: Connect, count: int) -> None:
    rows = read_all(connect("directory"), count)
    assert sorted(row["id"] for row in rows) == [f"u{n:03d}" for n in range(1, PEOPLE + 1)]
    assert [row["id"] for row in rows if not row["active"]] == ["u007"]
    assert {row["meta"]["lastModified"] for row in rows} == {"2026-01-01T00:00:00Z"}


def test_strangers_are_refused(sandbox: Sandbox) -> None:
    sandbox.start("directory")
    assert httpx.get(f"{sandbox.url('directory')}/Users").status_code == 401
    assert httpx.get(f"{sandbox.url('directory')}/ServiceProviderConfig").status_code == 200


def test_a_change_needs_the_current_etag_and_is_kept_on_disk(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("directory")
    version = client.get("/Users/u003").json()["meta"]["version"]
    patch = {
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{"op": "replace", "path": "title", "value": "Lead"}],
    }
    first = client.patch("/Users/u003", json=patch, headers={"If-Match": version})
    assert first.status_code in {200, 204}
    changed = client.get("/Users/u003").json()
    assert changed["title"] == "Lead"
    assert changed["meta"]["version"] != version
    assert client.patch("/Users/u003", json=patch, headers={"If-Match": version}).status_code == 412
    sandbox.stop("directory")
    sandbox.start("directory")
    again = client.get("/Users/u003").json()
    assert (again["title"], again["meta"]["version"]) == ("Lead", changed["meta"]["version"])
    assert again["meta"]["lastModified"] == "2026-06-01T12:00:00Z"
    assert sandbox.records["directory"].store.get("users", "u003").updated_by == "hrorch-integration"
    sandbox.records["directory"].store.close()


def test_users_are_created_and_deleted_for_good(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("directory")
    new = {"schemas": [USER], "userName": "new@lakeside.example"}
    made = client.post("/Users", json=new)
    assert made.status_code == 201
    assert client.post("/Users", json=new).status_code == 409
    assert client.delete("/Users/u004").status_code == 204
    sandbox.stop("directory")
    sandbox.start("directory")
    ids = {row["id"] for row in read_all(client, 10)}
    assert made.json()["id"] in ids
    assert "u004" not in ids


def test_what_the_world_writes_meanwhile_is_served(sandbox: Sandbox, connect: Connect) -> None:
    client, store = connect("directory"), sandbox.records["directory"].store
    assert client.get("/Users").json()["totalResults"] == PEOPLE
    body = store.get("users", "u005").body
    store.put("users", "u005", {**body, "title": "Moved"}, at=NOW, by="Workato")
    store.delete("users", "u006", at=NOW, by="Workato")
    store.close()
    assert client.get("/Users/u005").json()["title"] == "Moved"
    assert client.get("/Users/u006").status_code == 404
    assert client.get("/Users").json()["totalResults"] == PEOPLE - 1


def test_filters_and_sorting_are_the_real_ones(connect: Connect) -> None:
    client = connect("directory")
    found = client.get("/Users", params={"filter": 'userName eq "W9@lakeside.example"'}).json()
    assert [row["id"] for row in found["Resources"]] == ["u009"]
    assert client.get("/Users", params={"filter": "userName zz 1"}).status_code == 400


def test_two_thousand_users_are_read_quickly(tmp_path: Path) -> None:
    fill(tmp_path, 2_000)
    sandbox = Sandbox(tmp_path, base_port=None, clock=SetClock(NOW))
    sandbox.start("directory")
    with httpx.Client(base_url=sandbox.url("directory"), timeout=30) as client:
        sign_in(client, "directory")
        begun = time.process_time()
        rows = read_all(client, 100)
        took = time.process_time() - begun
    sandbox.stop()
    assert len({row["id"] for row in rows}) == 2_000
    assert took < 10


def test_two_accounts_of_one_name_are_both_served(sandbox: Sandbox, connect: Connect) -> None:
    store = sandbox.records["directory"].store
    store.put("users", "u999", store.get("users", "u005").body, at=NOW, by="Workato")
    client = connect("directory")
    assert len(read_all(client, 10)) == PEOPLE + 1
    for key in ("u005", "u999"):
        store.put(
            "users", key, {**store.get("users", key).body, "userName": f"{key}@lakeside.example"}, at=NOW, by="Workato"
        )
    store.close()
    assert {client.get(f"/Users/{key}").json()["userName"][:4] for key in ("u005", "u999")} == {"u005", "u999"}
    assert client.delete("/Users/u999").status_code == 204
