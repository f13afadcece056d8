"""Making files survive a crash: synced before they are named, named by one rename."""

from __future__ import annotations

import os
from pathlib import Path

_PIECE = 1 << 22


def sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(path: Path) -> None:
    """Wait until a folder's own entries are on the disk."""
    sync_file(path)


def move_folder(made: Path, place: Path) -> None:
    """Sync every file of `made`, then give the whole folder its name in one step. OSError when `place` exists."""
    for file in made.iterdir():
        sync_file(file)
    sync_folder(made)
    place.parent.mkdir(parents=True, exist_ok=True)
    made.rename(place)
    sync_folder(place.parent)


def copy_open_file(source: int, made: Path) -> None:
    """Copy an open file's bytes into a new file and sync it. Where the file system can, the blocks are shared instead.

    Takes a descriptor and duplicates none: closing one would drop the process's locks on that file.
    """
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb", buffering=0) as out:
        at, size = 0, os.fstat(source).st_size
        while at < size:
            at += _copy_some(source, out.fileno(), at, size - at)
        os.fsync(out.fileno())


def _copy_some(source: int, target: int, at: int, left: int) -> int:
    """Copy up to `left` bytes at offset `at`; returns how many. By the kernel where it can, else through memory."""
    try:
        return os.copy_file_range(source, target, left, at, at)
    except OSError:
        piece = os.pread(source, min(left, _PIECE), at)
        return os.pwrite(target, piece, at)
