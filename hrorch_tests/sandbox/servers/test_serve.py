"""The whole sandbox starts quickly, keeps its state, can be steered, and tells no client what was planted."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.sandbox.serve import Sandbox, run_sandbox
from hrorch_pipelines.sandbox.servers.errors import SandboxUnavailable, UnknownSandboxSystem
from hrorch_pipelines.sandbox.store import SYSTEMS
from hrorch_tests.sandbox.servers.conftest import sign_in
from hrorch_tests.sandbox.servers.test_transport import PAGES, rows

PROBES = [
    "/", "/labels", "/labels.jsonl", "/../labels.jsonl", "/%2e%2e/labels.jsonl", "/world.db", "/ats.db", "/faults.json",
    "/static/", "/v1/labels", "/v3/labels", "/api/labels", "/v2/labels",
]  # fmt: skip


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory):
    begun = time.process_time()  # this process's own work: other load on the machine does not count
    with run_sandbox(tmp_path_factory.mktemp("world") / "sandbox", base_port=None, people=500, seed=7) as sandbox:
        sandbox.took = time.process_time() - begun
        yield sandbox


def test_six_systems_with_five_hundred_people_start_within_five_seconds(running: Sandbox) -> None:
    assert running.took < 5
    outlets = {"MAIL_HOST", "MAIL_PORT", "CALENDAR_URL", "CALENDAR_USER", "CALENDAR_PASSWORD"}
    assert set(running.env) == {f"{system.upper()}_URL" for system in SYSTEMS} | outlets
    health = httpx.get(f"{running.control.url}/health").json()
    assert (health["status"], set(health["systems"])) == ("ok", set(SYSTEMS))


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_system_serves_the_made_world(running: Sandbox, system: str) -> None:
    with httpx.Client(base_url=running.env[f"{system.upper()}_URL"], timeout=30) as client:
        sign_in(client, system)
        assert len(rows(PAGES[system](client, 1))) == 5


def test_no_server_shows_labels_or_files(running: Sandbox) -> None:
    assert (running.folder / "labels.jsonl").stat().st_size > 0
    for system in SYSTEMS:
        root = running.url(system).removesuffix("/v2")
        with httpx.Client(base_url=root, timeout=30) as client:
            sign_in(client, system)
            for probe in PROBES:
                answer = client.get(probe)
                root_of_scim = (system, probe) == (
                    "directory",
                    "/",
                )  # RFC 7644, section 3.4.2.1: a search of everything
                assert answer.status_code in ({200} if root_of_scim else {401, 404, 405}), (system, probe)
                assert "label_id" not in answer.text, (system, probe)
    for probe in PROBES:
        assert httpx.get(f"{running.control.url}{probe}").status_code in {404, 405}, probe


def test_faults_are_switched_over_http(running: Sandbox) -> None:
    control = running.control.url
    told = httpx.post(f"{control}/faults/check", json={"fault": "unavailable", "times": 1, "retry_after": 3}).json()
    assert told["check"][0]["fault"] == "unavailable"
    assert httpx.get(f"{control}/faults").json() == told
    with httpx.Client(base_url=running.url("check")) as client:
        sign_in(client, "check")
        answers = [PAGES["check"](client, 1) for _ in range(2)]
    assert [(one.status_code, one.headers.get("Retry-After")) for one in answers] == [(503, "3"), (200, None)]
    httpx.post(f"{control}/faults", json={"system": "ats", "fault": "outage"})
    assert httpx.post(f"{control}/faults/ats", json={"fault": "none"}).json() == {}
    httpx.post(f"{control}/faults", json={"system": "ats", "fault": "outage"})
    assert httpx.delete(f"{control}/faults").json() == {}


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/faults/nobody", {"fault": "outage"}, 404), ("POST", "/faults/ats", {"fault": "gremlins"}, 422),
        ("POST", "/faults/ats", {"fault": "outage", "tmes": 1}, 422), ("POST", "/faults/ats", None, 400),
        ("DELETE", "/faults/nobody", None, 404), ("POST", "/advance", {"days": 0}, 422), ("POST", "/advance", {"days": "x"}, 422),
    ],
)  # fmt: skip
def test_control_refuses_what_it_does_not_know(
    running: Sandbox, method: str, path: str, body: dict | None, status: int
) -> None:
    assert httpx.request(method, f"{running.control.url}{path}", json=body).status_code == status
    assert running.board.everything() == {}


def test_writes_and_faults_survive_a_restart(tmp_path: Path) -> None:
    for text in ("First", "Second"):
        with (
            run_sandbox(tmp_path, base_port=None, people=20) as sandbox,
            httpx.Client(base_url=sandbox.url("hris")) as client,
        ):
            sign_in(client, "hris")
            key = rows(PAGES["hris"](client, 1))[0]
            before = client.get(f"/api/v1/employees/{key}?fields=preferredName").json()["preferredName"]
            client.post(f"/api/v1/employees/{key}", json={"preferredName": text})
            if text == "First":
                sandbox.board.switch_on("check", "outage")
            else:
                assert before == "First"
                assert [one.fault for one in sandbox.board.on("check")] == ["outage"]


def test_time_moves_on_and_the_same_world_can_be_made_again(tmp_path: Path) -> None:
    with run_sandbox(tmp_path, base_port=None, people=120) as sandbox:
        before = httpx.get(f"{sandbox.control.url}/health").json()["now"]
        with httpx.Client(base_url=sandbox.url("directory"), timeout=30) as client:
            sign_in(client, "directory")
            first = client.get("/Users?count=1000").json()
            later = httpx.post(f"{sandbox.control.url}/advance", json={"days": 40}, timeout=60).json()["now"]
            moved = client.get("/Users?count=1000").json()
            again = httpx.post(f"{sandbox.control.url}/reset", timeout=60).json()["now"]
            back = client.get("/Users?count=1000").json()
    assert later > before == again
    assert moved["Resources"] != first["Resources"]
    assert json.dumps(back, sort_keys=True) == json.dumps(first, sort_keys=True)


def test_a_taken_port_is_told_plainly_and_leaves_nothing_running(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SandboxUnavailable, match=str(port)), run_sandbox(tmp_path, base_port=port, people=5):
            pass
    with pytest.raises(UnknownSandboxSystem, match="hris"):
        Sandbox(tmp_path, base_port=None).url("hr")


def nine_free_ports() -> int:
    """The first of nine ports in a row that nobody uses, below those that systems hand out by themselves."""
    for first in range(21_000, 30_000, 9):
        with contextlib.ExitStack() as held, contextlib.suppress(OSError):
            for port in range(first, first + 9):
                held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first
    raise AssertionError("no nine ports in a row are free")


def test_serve_forever_says_where_it_is_and_stops_when_asked(tmp_path: Path) -> None:
    port = nine_free_ports() + 1
    code = (
        "import sys; from pathlib import Path; from hrorch_pipelines.sandbox.serve import serve_forever; "
        "serve_forever(Path(sys.argv[1]), base_port=int(sys.argv[2]), people=5)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path), str(port)], stdout=subprocess.PIPE, text=True
    )
    try:
        for _ in range(200):
            try:
                answer = httpx.get(f"http://127.0.0.1:{port - 1}/health")
                break
            except httpx.ConnectError:
                time.sleep(0.1)
        assert answer.json()["systems"]["directory"] == f"http://127.0.0.1:{port + 5}/v2"
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=20)
    finally:
        process.kill()
    assert process.returncode == 0
    assert f"http://127.0.0.1:{port}" in told
