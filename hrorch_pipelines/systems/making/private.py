"""A folder for what is read of persons in passing: gone afterwards, and at the next time where a crash left it."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def private_folder(scratch: Path | None, system: str) -> Iterator[Path]:
    """An empty folder only we may read, under `scratch` or where the machine keeps what is temporary.

    Its lock is the kernel's and ends with the process: a folder whose lock nobody holds was left by a crash.
    """
    prefix = f"look-{system}-"
    if scratch is not None:
        scratch.mkdir(parents=True, exist_ok=True)
        for left in scratch.glob(f"{prefix}*"):
            _remove_if_left(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=scratch, ignore_cleanup_errors=True) as folder:
        handle = os.open(Path(folder) / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield Path(folder)
        finally:
            os.close(handle)


def _remove_if_left(folder: Path) -> None:
    """Remove a folder that no living process holds. One that is just being made has no lock yet: it stays."""
    try:
        handle = os.open(folder / _LOCK, os.O_RDWR)
    except FileNotFoundError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)
