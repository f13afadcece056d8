"""A private folder for one observation, and nobody else observing the same system meanwhile."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hrorch_pipelines.snapshots.errors import ObservationRunning
from hrorch_pipelines.storage.home import Home


@contextmanager
def alone_with(home: Home, system: str) -> Iterator[Path]:
    """An empty scratch folder, held alone. Whatever a crashed observation left there is removed first.

    The lock is the kernel's, so it ends with the process however that ends. Raises ObservationRunning.
    """
    home.scratch.mkdir(parents=True, exist_ok=True)
    folder = home.scratch / f"observe-{system}"
    handle = os.open(home.scratch / f"observe-{system}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ObservationRunning(system) from None
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder)
    finally:
        os.close(handle)
