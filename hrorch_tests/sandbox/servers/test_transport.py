"""Each fault of transport looks on the wire as it does in the wild, for every system it can befall."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.sandbox.serve import Sandbox
from hrorch_pipelines.sandbox.store import SYSTEMS
from hrorch_tests.sandbox.servers.conftest import Connect, sign_in
from hrorch_tests.sandbox.servers.small_world import NOW, PEOPLE

Page = Callable[[httpx.Client, int], httpx.Response]
SIZE = 5


def _ats(client: httpx.Client, page: int) -> httpx.Response:
    answer = client.get(f"/v3/candidates?per_page={SIZE}")
    for _ in range(page - 1):
        answer = client.get(answer.links["next"]["url"])
    return answer


PAGES: dict[str, Page] = {
    "ats": _ats,
    "hris": lambda client, page: client.post(
        "/api/v2/datasets/employee/data", json={"fields": ["id"], "page": page, "pageSize": SIZE}
    ),
    "payroll": lambda client, page: client.get(
        "/v1/companies/sandbox-company/employees", params={"page": page, "per": SIZE}
    ),
    "check": lambda client, page: client.get("/v1/candidates", params={"page": page, "per_page": SIZE}),
    "onboarding": lambda client, page: client.get("/api/newhires", params={"page": page, "size": SIZE}),
    "directory": lambda client, page: client.get("/Users", params={"startIndex": (page - 1) * SIZE + 1, "count": SIZE}),
}


def rows(answer: httpx.Response) -> list[str]:
    content = answer.json()
    found = (
        content
        if isinstance(content, list)
        else next(content[key] for key in ("data", "items", "Resources") if key in content)
    )
    return [str(row.get("id") or row.get("uuid") or row["fields"]["id"]) for row in found]


def total(answer: httpx.Response) -> int | None:
    if "X-Total-Count" in answer.headers:
        return int(answer.headers["X-Total-Count"])
    content = answer.json()
    if isinstance(content, list):
        return None
    return content.get(
        "count", content.get("total", content.get("totalResults", content.get("meta", {}).get("totalItems")))
    )


@pytest.fixture(scope="module")
def sandbox(filled: Path) -> Iterator[Sandbox]:
    """One sandbox for all these tests: faults of reading leave its records alone."""
    made = Sandbox(filled, base_port=None, clock=SetClock(NOW))
    made.start()
    yield made
    made.stop()


@pytest.fixture
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    clients = []

    def connected(system: str) -> httpx.Client:
        clients.append(httpx.Client(base_url=sandbox.url(system), timeout=5))
        sign_in(clients[-1], system)
        return clients[-1]

    yield connected
    sandbox.board.switch_off()
    for client in clients:
        client.close()


@pytest.fixture(params=SYSTEMS)
def system(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_without_faults_every_system_answers_pages(system: str, connect: Connect) -> None:
    client = connect(system)
    first, second = PAGES[system](client, 1), PAGES[system](client, 2)
    assert len({*rows(first), *rows(second)}) == 2 * SIZE
    assert total(first) in {PEOPLE, None}


def test_an_inserted_record_repeats_a_row_on_the_next_page(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    plain = [row for page in (1, 2, 3) for row in rows(PAGES[system](client, page))]
    sandbox.board.switch_on(system, "page_drift")
    first, second = PAGES[system](client, 1), PAGES[system](client, 2)
    assert rows(first) == plain[:5]
    assert rows(second) == plain[4:9]
    assert total(second) in {PEOPLE + 1, None}
    if system != "ats":  # its helper walks from the first page again
        assert rows(PAGES[system](client, 3)) == plain[9:14]


def test_a_removed_record_hides_a_row_of_the_next_page(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    plain = [row for page in (1, 2) for row in rows(PAGES[system](client, page))]
    sandbox.board.switch_on(system, "page_drift", drift="removed", times=1)
    first, second = PAGES[system](client, 1), PAGES[system](client, 2)
    assert [*rows(first), *rows(second)] == [*plain[:5], *plain[6:]]
    assert total(second) in {PEOPLE - 1, None}
    assert sandbox.board.on(system) == []


def test_a_truncated_page_has_fewer_rows_than_it_promises(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    whole = PAGES[system](client, 1)
    sandbox.board.switch_on(system, "truncated_page", times=1)
    cut = PAGES[system](client, 1)
    assert rows(cut) == rows(whole)[:2]
    assert total(cut) == total(whole)
    assert ("next" in cut.links) == ("next" in whole.links)
    assert rows(PAGES[system](client, 1)) == rows(whole)


@pytest.mark.parametrize("to", ["empty", "sign_in"])
def test_a_redirect_leads_to_nothing_with_status_200(system: str, to: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, "redirect_zero", to=to, times=1)
    answer = PAGES[system](client, 1)
    assert answer.status_code == 302
    landed = client.get(answer.headers["Location"], auth=None)
    assert landed.status_code == 200
    if to == "empty":
        assert rows(landed) == []
    else:
        assert landed.headers["Content-Type"].startswith("text/html")


@pytest.mark.parametrize(("kind", "status"), [("rate_limited", 429), ("unavailable", 503)])
@pytest.mark.parametrize("retry_after", [None, 7])
def test_busy_systems_say_so_n_times(
    system: str, kind: str, status: int, retry_after: int | None, sandbox: Sandbox, connect: Connect
) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, kind, times=2, retry_after=retry_after)
    answers = [PAGES[system](client, 1) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert [answer.headers.get("Retry-After") for answer in answers[:2]] == [None if retry_after is None else "7"] * 2


def test_a_timeout_outlasts_the_client(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    client.timeout = httpx.Timeout(0.3)
    sandbox.board.switch_on(system, "timeout", seconds=30, times=1)
    begun = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        PAGES[system](client, 1)
    assert time.monotonic() - begun < 3
    assert PAGES[system](client, 1).status_code == 200


def test_half_a_file_promises_the_whole_length(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    whole = PAGES[system](client, 1)
    sandbox.board.switch_on(system, "half_file", times=1)
    with pytest.raises(
        httpx.RemoteProtocolError, match=rf"received {len(whole.content) // 2} bytes, expected {len(whole.content)}"
    ):
        PAGES[system](client, 1)
    assert PAGES[system](client, 1).content == whole.content


def test_an_outage_closes_every_connection_until_it_is_over(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, "outage")
    for _ in range(3):
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            PAGES[system](client, 1)
    sandbox.board.switch_off(system, "outage")
    assert PAGES[system](client, 1).status_code == 200


def test_a_stopped_system_refuses_connections_and_comes_back_at_its_port(
    system: str, sandbox: Sandbox, connect: Connect
) -> None:
    client = connect(system)
    url = sandbox.url(system)
    sandbox.stop(system)
    with pytest.raises((httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError)):
        PAGES[system](client, 1)
    with pytest.raises(httpx.ConnectError):
        PAGES[system](client, 1)
    sandbox.start(system)
    assert sandbox.url(system) == url
    assert PAGES[system](client, 1).status_code == 200


def test_a_web_page_with_status_200(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, "html_200", times=1)
    answer = PAGES[system](client, 1)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


def test_an_empty_answer_is_well_formed_and_leads_nowhere(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, "empty", times=1)
    answer = PAGES[system](client, 1)
    assert (answer.status_code, rows(answer), answer.links) == (200, [], {})
    assert total(answer) in {0, None}


def test_an_expired_cursor_is_told_on_later_pages_only(system: str, sandbox: Sandbox, connect: Connect) -> None:
    client = connect(system)
    sandbox.board.switch_on(system, "expired_cursor", times=1)
    assert PAGES[system](client, 1).status_code == 200
    assert PAGES[system](client, 2).status_code == (400 if system == "hris" else 410)
    assert PAGES[system](client, 2).status_code == 200


def test_windows_expire_too(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("ats")
    sandbox.board.switch_on("ats", "expired_cursor", times=1)
    assert client.get("/v3/candidates?updated_at=gte|2026-01-01T00:00:00Z").status_code == 410


def test_a_fault_can_wait_and_pick_its_path(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("check")
    sandbox.board.switch_on("check", "unavailable", path="/reports$", skip=1, times=1)
    statuses = [client.get(f"/v1/{name}").status_code for name in ("reports", "candidates", "reports", "reports")]
    assert statuses == [200, 200, 503, 200]


def test_signing_in_is_spared_unless_named(sandbox: Sandbox, connect: Connect) -> None:
    client = connect("ats")
    form = {"grant_type": "client_credentials", "client_id": "sandbox", "client_secret": "sandbox-secret"}
    sandbox.board.switch_on("ats", "unavailable")
    assert client.post("/auth/token", data=form).status_code == 200
    sandbox.board.switch_on("ats", "unavailable", path="^/auth/")
    assert client.post("/auth/token", data=form).status_code == 503
