"""Files over a real SFTP server: a known host only, finished files only, whole files only, no credentials in errors."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hrorch_pipelines.systems.files import FilesConnector
from hrorch_pipelines.systems.raw import SystemUnavailable
from hrorch_tests.systems.conftest import NOW, free_port, system

asyncssh = pytest.importorskip("asyncssh", reason="install the dev extra: pip install asyncssh")
PASSWORD = "Canary-pa55"


@dataclass(frozen=True)
class Server:
    port: int
    folder: Path
    known_hosts: Path


@pytest.fixture(scope="module")
def sftp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    root = tmp_path_factory.mktemp("sftp")
    port, key = free_port(), asyncssh.generate_private_key("ssh-ed25519")
    known = root / "known_hosts"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key('openssh').decode()}")
    drop = root / "drop"
    drop.mkdir()

    class Login(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("hr", PASSWORD)

    loop, ready, done = asyncio.new_event_loop(), threading.Event(), asyncio.Event()

    async def serve() -> None:
        files = lambda channel: asyncssh.SFTPServer(channel, chroot=str(root))  # noqa: E731
        async with asyncssh.listen("127.0.0.1", port, server_factory=Login, server_host_keys=[key], sftp_factory=files):
            ready.set()
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    yield Server(port, drop, known)
    loop.call_soon_threadsafe(done.set)
    thread.join(5)


def connector(
    server: Server,
    clock: Any,
    *,
    password: str = PASSWORD,
    port: int | None = None,
    folder: str = "drop",
    **options: Any,
) -> FilesConnector:
    declared = {"read": {"path": "staff_*.csv"}, "key": "id"}
    found = system(
        "files",
        f"sftp://127.0.0.1:{port or server.port}/{folder}",
        {"worker": declared},
        credentials={"username": "hr", "password": password},
        connection={"options": {"known_hosts": str(server.known_hosts), **options}, "timeout": "5s"},
    )
    return FilesConnector("payroll", found, clock, Path())


def test_the_newest_finished_file_is_read(sftp, into, clock):
    (sftp.folder / "staff_2026-01.csv").write_text("id,name\n1,Old\n")
    (sftp.folder / "staff_2026-02.csv").write_text("id,name\n007,Zoë\n", encoding="utf-8")
    (sftp.folder / "staff_2026-03.csv.part").write_text("id,na")
    reader = connector(sftp, clock)
    reader.check()
    raw = reader.read("worker", into=into, until=NOW)
    assert pq.read_table(raw.path).to_pylist() == [{"_line": 2, "id": "007", "name": "Zoë"}]


def test_an_unknown_host_is_refused_unless_declared_otherwise(sftp, clock, tmp_path):
    stranger = tmp_path / "known_hosts"
    stranger.write_text("")
    with pytest.raises(SystemUnavailable) as refused:
        connector(sftp, clock, known_hosts=str(stranger)).check()
    assert refused.value.code == "host_key"
    connector(sftp, clock, known_hosts=str(stranger), accept_any_host_key=True).check()


def test_a_wrong_password_a_missing_folder_and_nobody_there(sftp, clock):
    for reader, code in (
        (connector(sftp, clock, password="wrong"), "unauthorized"),
        (connector(sftp, clock, folder="elsewhere"), "no_file"),
        (connector(sftp, clock, port=free_port()), "not_reachable"),
    ):
        with pytest.raises(SystemUnavailable) as refused:
            reader.check()
        assert refused.value.code == code
        assert PASSWORD not in str(refused.value)
