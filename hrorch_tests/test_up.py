"""`hrorch up` in a folder like the repository's: the UI answers, and whoever ends it finds both its ports free again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hrorch_pipelines.sandbox.servers.ports import answers, free_port, is_free
from hrorch_tests.waiting import eventually

REPOSITORY = Path(__file__).parents[1]
HRORCH = Path(sys.executable).with_name("hrorch")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What `make up` needs of the repository."""
    shutil.copy(REPOSITORY / "workspace.yaml", tmp_path)
    shutil.copytree(REPOSITORY / "data", tmp_path / "data", ignore=shutil.ignore_patterns("home", "sandbox"))
    return tmp_path


@pytest.fixture
def started(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], int, int]]:
    """The process, in a session of its own as a service has it; the UI's port, and the first of ten for the sandbox."""
    port, sandbox = free_port(), free_ports()
    command = [str(HRORCH), "up", "--port", str(port), "--sandbox-port", str(sandbox), "--people", "5"]
    env = {name: value for name, value in os.environ.items() if not name.startswith(("HRORCH_", "DAGSTER_"))}
    process = subprocess.Popen(command, cwd=folder, env=env, start_new_session=True)
    yield process, port, sandbox
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


def free_ports() -> int:
    """The first of the ports a sandbox takes; below those that the system gives to whoever asks for any."""
    return next(
        first
        for first in range(20_000 + os.getpid() % 10_000, 32_000)
        if all(map(is_free, range(first - 1, first + 10)))
    )


@pytest.mark.parametrize("how", ["kill", pytest.param("ctrl-c", marks=pytest.mark.long)])
def test_the_ui_answers_until_it_is_told_to_end(
    started: tuple[subprocess.Popen[bytes], int, int], folder: Path, how: str
) -> None:
    process, port, sandbox = started
    assert eventually(lambda: answers(port), 90), "the Dagster UI did not come up"
    served = httpx.get(f"http://127.0.0.1:{port}/server_info", timeout=30)
    assert "dagster_webserver_version" in served.json()
    again = subprocess.run(
        [str(HRORCH), "up", "--port", str(port)], cwd=folder, capture_output=True, text=True, check=False
    )
    assert again.returncode == 2
    assert f"uses port {port} already" in " ".join(again.stderr.split())
    if how == "kill":
        process.terminate()  # as a service manager does: it alone is told
    else:
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the whole group is told
    assert process.wait(60) == 0
    assert eventually(lambda: is_free(port) and is_free(sandbox)), "something was left behind"


def test_elsewhere_it_says_where_to_start_it(tmp_path: Path) -> None:
    done = subprocess.run([str(HRORCH), "up"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "in the folder of the repository" in " ".join(done.stderr.split())
