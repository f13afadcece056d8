"""Ready descriptions of products, laid under what the user's file says. What the user writes wins; `null` takes out."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from hrorch_pipelines.stack.errors import Fault
from hrorch_pipelines.stack.nearest import did_you_mean
from hrorch_pipelines.stack.tree import Entries, Node, Scalar, read_tree

PRESETS = Path(__file__).parent.parent / "systems" / "presets"


def apply_presets(stack: Entries, folder: Path) -> tuple[list[Fault], set[str]]:
    """Lay each system's preset under it, in place; `folder` is the stack file's, whose `presets/` are looked at first.

    Returns the faults, and the systems left without their preset: what those lack is no fault of theirs.
    """
    faults: list[Fault] = []
    bare: set[str] = set()
    systems = stack.get("systems")
    if not isinstance(systems, Entries):
        return faults, bare
    for name, (place, system) in list(systems.items.items()):
        if not isinstance(system, Entries) or not isinstance(chosen := system.get("preset"), Scalar):
            continue
        if not chosen.source:
            continue
        where = f"systems.{name}.preset"
        path = _path(chosen.source, folder)
        if path is None:
            known = sorted(available(folder))
            remedy = f"{did_you_mean(chosen.source, known)}the presets are {', '.join(known)}"
            faults.append(Fault(chosen.place.file, chosen.place.line, where, "there is no such preset", remedy))
            bare.add(name)
            continue
        under, found = _read(path, path.stat().st_mtime_ns)
        faults += [fault for fault in found if fault not in faults]
        if under is None:
            bare.add(name)
        else:
            laid = _laid(under, system)
            _without_orphans(laid, str(path))
            systems.items[name] = (place, laid)
    return faults, bare


def available(folder: Path) -> Iterator[str]:
    """Names of presets: the user's own, then ours."""
    for place in (folder / "presets", PRESETS):
        yield from (path.stem for path in sorted(place.glob("*.yaml")))


def _path(name: str, folder: Path) -> Path | None:
    if name not in set(available(folder)):
        return None
    own = folder / "presets" / f"{name}.yaml"
    return own if own.exists() else PRESETS / f"{name}.yaml"


@lru_cache(maxsize=64)
def _read(path: Path, changed: int) -> tuple[Entries | None, tuple[Fault, ...]]:
    """A preset's tree; `changed` makes an edited one be read anew. Trees are never changed, so they can be shared."""
    del changed
    tree, faults = read_tree(path, str(path))
    return tree, tuple(faults)


def _without_orphans(system: Node, preset: str) -> None:
    """Whoever takes a preset's base record out takes its children too, those of later versions included."""
    records = system.get("records") if isinstance(system, Entries) else None
    if not isinstance(records, Entries):
        return
    for name, (place, record) in list(records.items.items()):
        parent = record.get("parent") if isinstance(record, Entries) else None
        if place.file == preset and isinstance(parent, Scalar) and parent.source not in records.items:
            del records.items[name]


def _laid(under: Node, over: Node) -> Node:
    """`over` wins; mappings merge key by key, anything else is replaced."""
    if not isinstance(under, Entries) or not isinstance(over, Entries):
        return over
    merged = Entries(over.place)
    for key, (place, value) in under.items.items():
        if key not in over.items:
            merged.items[key] = (place, value)
            continue
        own_place, own = over.items[key]
        if not (isinstance(own, Scalar) and own.value is None):
            merged.items[key] = (own_place, _laid(value, own))
    for key, entry in over.items.items():
        if key not in under.items:
            merged.items[key] = entry
    return merged
