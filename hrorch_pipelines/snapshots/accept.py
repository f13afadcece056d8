"""A person vouches for a snapshot that the rules refused, so that a real mass change is not stuck for ever."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hrorch_pipelines.clock import Clock, SystemClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.errors import SnapshotNotAcceptable
from hrorch_pipelines.snapshots.manifest import FILE_NAME, Acceptance, Manifest, read_manifest, write_manifest
from hrorch_pipelines.snapshots.scratch import alone_with
from hrorch_pipelines.storage.durable import move_folder
from hrorch_pipelines.storage.home import Home

_AGAIN = "take a new snapshot of the system, and accept that one if it is refused for the same reason"


def accept(home: Home, system: str, snapshot_id: str, by: str, reason: str, *, clock: Clock | None = None) -> Manifest:
    """Move a refused snapshot among the good ones, with who accepted it and why in its manifest.

    Only judgements can be overruled (too few rows, other keys, an attribute emptied); a broken read cannot. Accepting
    twice is accepting once. Raises SnapshotNotAcceptable.
    """
    with alone_with(home, system) as scratch:
        done, waiting = home.snapshots / system / snapshot_id, home.untrusted / system / snapshot_id
        if (done / FILE_NAME).is_file():
            shutil.rmtree(waiting, ignore_errors=True)
            return read_manifest(done)
        manifest = _checked(home, system, snapshot_id, waiting, by, reason)
        acceptance = Acceptance(by=by, reason=reason, at=(clock or SystemClock()).now())
        accepted = manifest.model_copy(update={"trusted": True, "accepted": acceptance})
        made = scratch / "accepted"
        made.mkdir()
        for facts in manifest.records.values():
            os.link(waiting / facts.file, made / facts.file)
        write_manifest(made, accepted)
        move_folder(made, done)
        shutil.rmtree(waiting)
    return accepted


def _checked(home: Home, system: str, snapshot_id: str, waiting: Path, by: str, reason: str) -> Manifest:
    if not (waiting / FILE_NAME).is_file():
        raise SnapshotNotAcceptable(
            snapshot_id, "there is no such refused snapshot", remedy="look up the id in the refusal's message"
        )
    if not by.strip() or not reason.strip():
        raise SnapshotNotAcceptable(snapshot_id, "who and why are not said", remedy="give your name and the reason")
    manifest = read_manifest(waiting)
    broken = [fault.code for fault in manifest.faults if not fault.acceptable]
    if broken:
        raise SnapshotNotAcceptable(snapshot_id, f"the read itself was broken ({', '.join(broken)})", remedy=_AGAIN)
    latest = catalogue.latest(home, system)
    if latest and latest.observed_at >= manifest.observed_at:
        raise SnapshotNotAcceptable(snapshot_id, f"{latest.snapshot_id} is later and good", remedy=_AGAIN)
    return manifest
