"""A payroll vendor who takes change files: a real SFTP server, and the clerk who applies what is dropped and answers."""

from __future__ import annotations

import asyncio
import csv
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PASSWORD = "Canary-pa55"


@dataclass
class Clerk:
    """Applies change files of the layout `employee,field,before,after,reference` to `export.csv` in one folder.

    `takes`: whether a change file is removed once applied. `seen`: how often each reference was applied.
    """

    folder: Path
    takes: bool = False
    encoding: str = "utf-8"
    refuse: Callable[[dict[str, str]], str | None] = lambda _: None
    seen: dict[str, int] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def work(self) -> int:
        """Apply every finished change file not applied yet; returns how many."""
        files = sorted(path for path in (self.folder / "in").glob("*.csv") if path.name not in self.done)
        for path in files:
            with path.open(encoding=self.encoding, newline="") as lines:
                rows = list(csv.DictReader(lines))
            answers = [(row["reference"], *self._apply(row)) for row in rows]
            self._answer(path.stem, answers)
            self.done.add(path.name)
            if self.takes:
                path.unlink()
        return len(files)

    def applied(self) -> dict[str, int]:
        """Lines applied per write."""
        counts: dict[str, int] = {}
        for reference, count in self.seen.items():
            key = reference.rpartition("-")[0]
            counts[key] = counts.get(key, 0) + count
        return counts

    def staff(self) -> dict[str, dict[str, str]]:
        """The vendor's own data, by id."""
        with (self.folder / "export.csv").open(encoding="utf-8", newline="") as lines:
            return {row["Id"]: row for row in csv.DictReader(lines)}

    def set(self, employee: str, name: str, value: str) -> None:
        """Somebody at the vendor's types a value."""
        staff = self.staff()
        staff[employee][name] = value
        with (self.folder / "export.new").open("w", encoding="utf-8", newline="") as lines:
            writer = csv.DictWriter(lines, next(iter(staff.values())))
            writer.writeheader()
            writer.writerows(staff.values())
        (self.folder / "export.new").replace(self.folder / "export.csv")

    def _apply(self, row: dict[str, str]) -> tuple[str, str]:
        code = self.refuse(row)
        if code is not None:
            return "Rejected", code
        self.seen[row["reference"]] = self.seen.get(row["reference"], 0) + 1
        self.set(row["employee"], row["field"], row["after"])
        return "OK", ""

    def _answer(self, stem: str, answers: list[tuple[str, str, str]]) -> None:
        part = self.folder / "acks" / f"{stem}.ack.csv.part"
        with part.open("w", encoding="utf-8", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(["reference", "status", "code"])
            writer.writerows(answers)
        part.replace(part.with_suffix(""))


@contextmanager
def sftp_server(root: Path, port: int) -> Iterator[Path]:
    """Serve a folder over SFTP to user `hr`; gives the known_hosts file."""
    import asyncssh

    key = asyncssh.generate_private_key("ssh-ed25519")
    known = root.parent / f"known_hosts.{port}"
    known.write_text(f"[127.0.0.1]:{port} {key.export_public_key('openssh').decode()}")

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
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()), daemon=True)
    thread.start()
    assert ready.wait(10)
    try:
        yield known
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(5)
