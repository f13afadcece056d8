"""Errors of this room: a snapshot that is not believed, not in order, or not what its manifest says."""

from __future__ import annotations

from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.snapshots.manifest import Manifest, TrustFault


class SnapshotRefused(HrorchError):  # noqa: N818
    """A snapshot that is not trusted was about to be used. `owner` is who has to look; `faults` says why."""

    def __init__(self, manifest: Manifest) -> None:
        self.snapshot_id = manifest.snapshot_id
        self.system = manifest.system
        self.owner = manifest.owner
        self.faults: tuple[TrustFault, ...] = manifest.faults
        reasons = "; ".join(f"{fault.code}: {fault.what}" for fault in manifest.faults)
        super().__init__(
            f"{manifest.snapshot_id} is not trusted ({reasons}). Its owner is {manifest.owner}; the last good one stays in use.",
            remedy="; ".join(dict.fromkeys(fault.remedy for fault in manifest.faults)),
        )


class SnapshotOutOfOrder(HrorchError):  # noqa: N818
    """History already knows a later state of this system; going back would undo it."""

    def __init__(self, snapshot_id: str, last: str) -> None:
        self.snapshot_id = snapshot_id
        self.last = last
        super().__init__(
            f"{snapshot_id} is older than {last}, which is in history already.",
            remedy="leave it out; to see that moment again, ask for the state known at that time",
        )


class SnapshotDamaged(HrorchError):  # noqa: N818
    """A snapshot's files are not what its manifest says: a file lost, cut or replaced."""

    def __init__(self, snapshot_id: str, record: str | None, what: str) -> None:
        self.snapshot_id = snapshot_id
        self.record = record
        place = f"{snapshot_id}/{record}" if record else snapshot_id
        super().__init__(
            f"{place}: {what}.",
            remedy="restore the folder from a backup, or delete it and take a new snapshot of the system",
        )


class SnapshotNotAcceptable(HrorchError):  # noqa: N818
    """A reviewer asked to accept a snapshot that nobody can vouch for, or that comes too late."""

    def __init__(self, snapshot_id: str, why: str, *, remedy: str) -> None:
        self.snapshot_id = snapshot_id
        super().__init__(f"{snapshot_id} cannot be accepted: {why}.", remedy=remedy)


class ObservationRunning(HrorchError):  # noqa: N818
    """Another process is taking a snapshot of the same system at this moment."""

    def __init__(self, system: str) -> None:
        self.system = system
        super().__init__(
            f"A snapshot of {system} is being taken already.",
            remedy="wait for it to end; its result counts for everybody",
        )
