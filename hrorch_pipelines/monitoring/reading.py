"""Watches over reading: systems not read for too long, refused snapshots in a row, no cycle, more held at a gate than usual."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from hrorch_pipelines.monitoring.scene import Scene, label, owner_of
from hrorch_pipelines.monitoring.terms import Trouble, Watch
from hrorch_pipelines.monitoring.usual import FEWEST, limit
from hrorch_pipelines.monitoring.words import ago, many, moment
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.manifest import FILE_NAME, read_manifest
from hrorch_pipelines.storage.catalog import has_table

FEWEST_HELD = 5
"""A share is only told as out of band when it stands for at least so many records."""
NARROWEST = 0.01
"""A gate that always holds the same share still varies by a hundredth."""


def freshness(scene: Scene) -> Iterator[Trouble]:
    """Systems whose last good snapshot is older than their `trust.max_age`, or that never gave one."""
    for name, system in scene.stack.systems.items():
        last = catalogue.latest(scene.home, name)
        if last is None:
            first = catalogue.latest_untrusted(scene.home, name)
            if first is None and _first_read(scene) is None:
                continue  # nothing has run yet: there is nothing to be late for
            yield _stale(scene, name, None, f"{label(scene.stack, name)} has never been read successfully.")
        elif catalogue.is_stale(last, system.trust, scene.now):
            since = last.started_at + system.trust.max_age
            what = (
                f"{label(scene.stack, name)} was last read at {moment(last.started_at)}; "
                f"its data counts as stale after {ago(system.trust.max_age)}."
            )
            yield _stale(scene, name, since, what)


def untrusted(scene: Scene) -> Iterator[Trouble]:
    """Systems of which so many snapshots in a row were refused, by their reading or by a gate."""
    for name, system in scene.stack.systems.items():
        refused = _refused_in_a_row(scene, name)
        if len(refused) >= scene.stack.alerts.watch.untrusted:
            yield Trouble(
                f"untrusted:{name}",
                Watch.UNTRUSTED,
                "error",
                system.owner,
                f"The last {many(len(refused), 'snapshot')} of {label(scene.stack, name)} could not be trusted.",
                f"`hrorch snapshots list` says why; the rest goes on with the last good data of {name}.",
                since=refused[scene.stack.alerts.watch.untrusted - 1],
                system=name,
                affects={"snapshots": len(refused)},
            )


def cycle(scene: Scene) -> Iterator[Trouble]:
    """No cycle has finished for too long although systems have been read."""
    first_read = _first_read(scene)
    if first_read is None:
        return
    patience = scene.stack.alerts.watch.cycle
    last: datetime | None = None
    if scene.published is not None and has_table(scene.published, "cycles", "runs"):
        found = scene.published.execute("SELECT max(finished_at) FROM cycles.runs").fetchone()
        last = found[0] if found else None
    began = last or first_read
    if scene.now - began > patience:
        told = f"The last cycle finished at {moment(last)}" if last else "No cycle has ever finished"
        yield Trouble(
            "cycle",
            Watch.CYCLE,
            "error",
            owner_of(scene.stack),
            f"{told}; one is expected every {ago(patience)}.",
            "See the last runs of the job `cycle` in Dagster; `hrorch run` starts one by hand.",
            since=began + patience,
        )


def gate_rate(scene: Scene) -> Iterator[Trouble]:
    """Systems of whose records the gate holds far more than it usually does, measured by its own last snapshots."""
    if scene.published is None or not has_table(scene.published, "gates", "receipts"):
        return
    watch = scene.stack.alerts.watch
    for name, system in scene.stack.systems.items():
        rows = scene.published.execute(
            "SELECT records, issued_at FROM gates.receipts WHERE system = ? ORDER BY issued_at DESC LIMIT ?",
            [name, watch.gate_cycles + 1],
        ).fetchall()
        shares = [share for records, _ in rows if (share := _judged(records)) is not None]
        if len(shares) <= FEWEST or _judged(rows[0][0]) is None:
            continue
        (held, judged), usual = shares[0], [held / judged for held, judged in shares[1:]]
        most = limit(usual, watch.gate_band, least=NARROWEST)
        if held >= FEWEST_HELD and held / judged > most:
            yield Trouble(
                f"gate:{name}",
                Watch.GATE,
                "warning",
                system.owner,
                f"The gate of {label(scene.stack, name)} held {held / judged:.1%} of the records it judged; "
                f"up to {most:.1%} is usual.",
                "See what they have in common: `hrorch report quarantine`. A change at the source, or a rule that no longer fits.",
                since=rows[0][1],
                system=name,
                affects={"records": held},
            )


def complete(folder: Path) -> list[Path]:
    """Snapshots in a system's folder, oldest first: names sort by time."""
    if not folder.is_dir():
        return []
    return sorted(entry for entry in folder.iterdir() if (entry / FILE_NAME).is_file())


def _judged(records: str) -> tuple[int, int] | None:
    """(held, judged) of one snapshot; None where nothing was judged anew."""
    counts = json.loads(records).values()
    held = sum(int(one["quarantined"]) for one in counts)
    judged = held + sum(int(one["passed"]) for one in counts)
    return (held, judged) if judged else None


def _stale(scene: Scene, name: str, since: datetime | None, what: str) -> Trouble:
    return Trouble(
        f"freshness:{name}",
        Watch.FRESHNESS,
        "error",
        scene.stack.systems[name].owner,
        what,
        f"See the last runs of `extract_{name.replace('-', '_')}` in Dagster; `hrorch check` tries the connection. "
        "Everything else goes on, and its values are marked stale.",
        since=since,
        system=name,
    )


def _refused_in_a_row(scene: Scene, name: str) -> list[datetime]:
    """When the refused snapshots since the last good one were taken, oldest first."""
    good = catalogue.baseline(scene.home, name)
    after = good.snapshot_id if good else ""
    unread = [folder for folder in complete(scene.home.untrusted / name) if folder.name > after]
    at_gate = [folder for folder in complete(scene.home.snapshots / name) if folder.name > after]
    refused = unread + [folder for folder in at_gate if (folder / catalogue.REFUSED).exists()]
    return sorted(read_manifest(folder).observed_at for folder in refused)


def _first_read(scene: Scene) -> datetime | None:
    """When the oldest good snapshot that is kept was taken."""
    oldest = [
        read_manifest(folders[0]).observed_at
        for name in scene.stack.systems
        if (folders := complete(scene.home.snapshots / name))
    ]
    return min(oldest, default=None)
