"""The commands, as processes of their own: they listen, show what came, take a vendor's token, and say what is missing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from hrorch_pipelines.cli import app
from hrorch_pipelines.clock import SystemClock
from hrorch_tests.inbox.sending import EXAMPLE, SECRETS, VENDORS

COMMAND = [str(Path(sys.executable).with_name("hrorch")), "webhooks"]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(*words: str, port: int, env: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*COMMAND, *words, "--port", str(port)],
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        while True:
            assert process.poll() is None, process.communicate()
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                break
        yield process
    finally:
        process.kill()
        process.wait()


def test_serve_takes_in_and_list_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = {"HRORCH_STACK": str(EXAMPLE), "HRORCH_HOME": str(tmp_path / "home"), "CHECK_KEY": SECRETS["check"]}
    now, port = SystemClock().now(), free_port()
    with running("serve", port=port, env=env) as process:
        url = f"http://127.0.0.1:{port}/webhooks"
        message = VENDORS["checkr"](7, now)
        assert httpx.post(f"{url}/check", content=message.body, headers=message.headers).status_code == 200
        wrong = VENDORS["checkr"](8, now, secret="wrong")
        assert httpx.post(f"{url}/check", content=wrong.body, headers=wrong.headers).status_code == 401
        closed = VENDORS["greenhouse"](7, now)
        assert httpx.post(f"{url}/ats", content=closed.body, headers=closed.headers).status_code == 404
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=20)
    assert "/webhooks/check  (checkr)" in err
    assert "/webhooks/ats  (nothing is accepted: it has no secret)" in err
    assert "Canary7" not in out + err
    assert SECRETS["check"] not in out + err
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    told = CliRunner().invoke(app, ["webhooks", "list"], env={"COLUMNS": "160"})
    assert told.exit_code == 0, told.output
    check = next(line for line in told.output.splitlines() if "│ check" in line)
    assert [cell.strip() for cell in check.split("│")[1:-1]] == ["check", "checkr", "1", "0", "0", "wrong_signature 1"]
    assert "greenhouse (no secret)" in told.output
    assert "no_secret 1" in told.output


def test_a_stack_in_which_nobody_may_send_is_told(tmp_path: Path) -> None:
    env = {**os.environ, "HRORCH_HOME": str(tmp_path / "home"), "CHECK_KEY": ""}
    text = EXAMPLE.read_text(encoding="utf-8").replace("${CHECK_KEY:-sandbox-key}", "${CHECK_KEY:-}")
    for part in ("catalogues", "letters"):
        (tmp_path / part).symlink_to(EXAMPLE.parent / part)
    (tmp_path / "stack.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [*COMMAND, "serve", "--stack", str(tmp_path / "stack.yaml")],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert (
        "No system of the stack file may send messages (ats, check, hris, payroll could, with a secret)" in done.stderr
    )


def test_a_vendors_token_is_printed_and_kept_nowhere(tmp_path: Path) -> None:
    port = free_port()
    env = {"HRORCH_STACK": str(EXAMPLE), "HRORCH_HOME": str(tmp_path / "home")}
    with running("verify", "payroll", port=port, env=env) as process:
        url = f"http://127.0.0.1:{port}/webhooks/payroll"
        for nonsense in (b"", b"[]", b'{"verification_token": ""}', b'{"verification_token": "' + b"x" * 5000 + b'"}'):
            assert httpx.post(url, content=nonsense).status_code == 400
        token = {"verification_token": "tok-123", "webhook_subscription_uuid": "u"}
        assert httpx.post(url, json=token).status_code == 200
        out, _ = process.communicate(timeout=20)
    assert out.strip() == "tok-123"
    assert process.returncode == 0
    assert not (tmp_path / "home").exists()
