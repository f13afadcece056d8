"""Copies of somebody's own home for a dry drill: what the watches look at, without any value of a person. Theirs is only read."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa

from hrorch_pipelines.audit import heads
from hrorch_pipelines.drill.moving import MovingClock
from hrorch_pipelines.drill.place import alone, ledger_url, quiet
from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.snapshots.catalogue import REFUSED
from hrorch_pipelines.snapshots.manifest import FILE_NAME
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.ledger_tables import metadata
from hrorch_pipelines.workplace import Workplace

NOT_COPIED = frozenset({"person_keys", "audit_log", "audit_values", "overrides", "letters", "alerts", "notices"})
"""Keys, the log and sealed values: no watch needs them to say what is wrong. Nor what was told already: it is told anew."""
_BATCH = 1_000


@contextmanager
def copied(workplace: Workplace, folder: Path) -> Iterator[Callable[[str], Scenario]]:
    """Copies in `folder`, made once; gives what makes a scenario of a name, at this moment, on copies of its own."""
    base, signed = Home((folder / "base").resolve()), heads.newest(heads.default_folder(workplace.home))
    base.root.mkdir(parents=True)
    now, stack = workplace.clock.now(), _stack(workplace.stack)
    with closing(workplace.ledger()) as theirs, alone():
        _copy_files(workplace.home, base, signed)
        with closing(open_ledger(base, MovingClock(now), ledger_url(base))) as ours:
            _copy_tables(theirs, ours)

        def scenario(name: str) -> Scenario:
            home, clock = Home(base.root.parent / name), MovingClock(now)
            shutil.copytree(base.root, home.root, symlinks=True)
            here = Scenario(stack, home, open_ledger(home, clock, ledger_url(home)), clock)
            here.endings.append(lambda: shutil.rmtree(home.root))
            return here

        yield scenario


def _stack(stack: Stack) -> Stack:
    """Theirs, telling nobody; as if it sent, since in mode `propose` nothing can be late."""
    told = quiet(stack)
    return told.model_copy(
        update={
            "corrections": stack.corrections.model_copy(update={"mode": "apply"}),
            "handoffs": stack.handoffs,
            "outlets": stack.outlets,
        }
    )


def _copy_files(theirs: Home, ours: Home, signed: Path | None) -> None:
    """Manifests, signed heads, the key; the published result is looked at where it lies, read-only."""
    for name in ("snapshots", "untrusted"):
        for manifest in (theirs.root / name).glob(f"*/*/{FILE_NAME}"):
            folder = ours.root / manifest.parent.relative_to(theirs.root)
            folder.mkdir(parents=True)
            shutil.copy2(manifest, folder / FILE_NAME)
            if (manifest.parent / REFUSED).exists():
                (folder / REFUSED).touch()
    if signed is not None:
        folder = heads.default_folder(ours)
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy2(signed, folder / signed.name)
    if (theirs.root / "hash.key").exists():
        shutil.copy2(theirs.root / "hash.key", ours.root / "hash.key")
    if theirs.published.exists():
        ours.published.parent.mkdir(parents=True)
        ours.published.symlink_to(theirs.published.resolve())


def _copy_tables(theirs: Ledger, ours: Ledger) -> None:
    with theirs.read() as source, ours.write() as target:
        for table in metadata.sorted_tables:
            if table.name in NOT_COPIED:
                continue
            columns = [column for column in table.c if not column.name.endswith("_sealed")]
            target.execute(sa.delete(table))
            for rows in source.execute(sa.select(*columns)).mappings().partitions(_BATCH):
                target.execute(table.insert(), [dict(row) for row in rows])
