"""Which snapshots there are: found by name, since names sort by time. Says nothing about what history has taken in."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hrorch_pipelines.snapshots.manifest import FILE_NAME, Manifest, read_manifest, snapshot_id, system_of
from hrorch_pipelines.stack.systems import Trust
from hrorch_pipelines.storage.home import Home

REFUSED = "refused-by-gate"
"""Name of the empty file that marks a snapshot a gate refused."""


def latest(home: Home, system: str) -> Manifest | None:
    """The last good snapshot of a system; None when there never was one. Reads one manifest."""
    return _newest(home.snapshots / system)


def baseline(home: Home, system: str) -> Manifest | None:
    """The last good snapshot that no gate refused: what the next one is measured against and built on.

    A delivery that was cut, and that only a gate noticed, must not make the mended one look implausible.
    """
    folder = home.snapshots / system
    newest = next((name for name in reversed(_names(folder)) if not (folder / name / REFUSED).exists()), None)
    return read_manifest(folder / newest) if newest else None


def mark(home: Home, snapshot_id: str, *, refused: bool) -> None:
    """Note beside a good snapshot that a gate refused it, or that none does any more. Nothing is done where it is pruned.

    A file, because extraction asks for it and holds no lock on the warehouse.
    """
    folder = home.snapshots / system_of(snapshot_id) / snapshot_id
    if not (folder / FILE_NAME).is_file():
        return
    if refused:
        (folder / REFUSED).touch(mode=0o600)
    else:
        (folder / REFUSED).unlink(missing_ok=True)


def latest_untrusted(home: Home, system: str) -> Manifest | None:
    """The last refused snapshot of a system, kept for inspection."""
    return _newest(home.untrusted / system)


def manifests(home: Home, system: str) -> list[Manifest]:
    """Every good snapshot of a system, oldest first."""
    folder = home.snapshots / system
    return [read_manifest(folder / name) for name in _names(folder)]


def new_since(home: Home, ingested: Collection[str]) -> list[Manifest]:
    """Good snapshots later than the last ingested one of their system, oldest first. Reads only those manifests."""
    last = _last_of_each(ingested)
    found = [
        read_manifest(folder / name)
        for folder in _systems(home.snapshots)
        for name in _names(folder)
        if name > last.get(folder.name, "")
    ]
    return sorted(found, key=lambda manifest: (manifest.observed_at, manifest.system))


def folder_of(home: Home, manifest: Manifest) -> Path:
    """Where a snapshot's files lie."""
    return (home.snapshots if manifest.trusted else home.untrusted) / manifest.system / manifest.snapshot_id


def is_stale(manifest: Manifest, trust: Trust, now: datetime) -> bool:
    """Is it older than the system's `max_age`? A value may be as old as the beginning of the read, so that is counted."""
    return now - manifest.started_at > trust.max_age


def prune(home: Home, keep: timedelta, now: datetime, *, ingested: Collection[str]) -> list[str]:
    """Delete snapshots older than `keep`; returns their ids.

    Never the last good one of a system, nor the one the next is measured against, nor one that history has not taken in.
    A refused one goes once a good one has been taken after it.
    """
    last = _last_of_each(ingested)
    limit = snapshot_id("", now.astimezone(UTC) - keep)
    gone = []
    for folder in _systems(home.snapshots):
        measured_against = baseline(home, folder.name)
        kept = {*_names(folder)[-1:], *([measured_against.snapshot_id] if measured_against else [])}
        gone += [
            folder / name
            for name in _names(folder)
            if name not in kept and name <= last.get(folder.name, "") and _is_older(name, limit)
        ]
    for folder in _systems(home.untrusted):
        newest_good = next(reversed(_names(home.snapshots / folder.name)), "")
        gone += [folder / name for name in _names(folder) if name < newest_good and _is_older(name, limit)]
    for folder in gone:
        # Without its manifest a folder is no snapshot to anybody, so a crash in the middle leaves rubbish, not a lie.
        (folder / FILE_NAME).unlink()
        shutil.rmtree(folder)
    for root in (home.snapshots, home.untrusted):
        for system in _systems(root):
            for rubbish in [entry for entry in system.iterdir() if not (entry / FILE_NAME).is_file()]:
                shutil.rmtree(rubbish)
    return [folder.name for folder in gone]


def _newest(folder: Path) -> Manifest | None:
    names = sorted((entry.name for entry in folder.iterdir()), reverse=True) if folder.is_dir() else []
    newest = next((name for name in names if (folder / name / FILE_NAME).is_file()), None)
    return read_manifest(folder / newest) if newest else None


def _names(folder: Path) -> list[str]:
    """Snapshot ids in a system's folder, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(entry.name for entry in folder.iterdir() if (entry / FILE_NAME).is_file())


def _systems(root: Path) -> Iterator[Path]:
    if root.is_dir():
        yield from sorted(folder for folder in root.iterdir() if folder.is_dir())


def _is_older(name: str, limit: str) -> bool:
    return name.removeprefix(system_of(name)) < limit


def _last_of_each(ingested: Collection[str]) -> dict[str, str]:
    last: defaultdict[str, str] = defaultdict(str)
    for name in ingested:
        last[system_of(name)] = max(last[system_of(name)], name)
    return dict(last)
