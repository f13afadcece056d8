"""Reads the stack file: YAML, presets laid under it, `${NAME}` from the environment, models and cross-checks. All faults at once."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hrorch_pipelines.stack.draft import Draft
from hrorch_pipelines.stack.environment import Environment
from hrorch_pipelines.stack.errors import Fault, Note, StackFaults
from hrorch_pipelines.stack.faults import Declared, Finding, cross_check
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.presets import PRESETS, apply_presets
from hrorch_pipelines.stack.tree import Entries, Listing, Node, read_tree, shown_path

__all__ = ["PRESETS", "Loaded", "load_stack", "load_with_notes"]


@dataclass(frozen=True)
class Loaded:
    """A stack and what its file can say about it."""

    stack: Stack
    notes: tuple[Note, ...]
    _draft: Draft
    _environment: Environment

    def fault(self, finding: Finding) -> Fault:
        """A finding as a fault with file and line; what the environment gave is hidden."""
        return _fault(finding, self._draft, self._environment)


def load_stack(path: Path | str, env: Mapping[str, str] | None = None) -> Stack:
    """Load and check a stack file. Raises StackFaults with every fault at once, in the order of the file."""
    return load_with_notes(path, env).stack


def load_with_notes(path: Path | str, env: Mapping[str, str] | None = None) -> Loaded:
    """As `load_stack`, with the notes and the places. Raises StackFaults."""
    path = Path(path)
    tree, faults = read_tree(path, str(path))
    if tree is None:
        raise StackFaults(faults)
    preset_faults, bare = apply_presets(tree, path.parent)
    environment = Environment(os.environ if env is None else env)
    filled = environment.fill(tree)
    assert isinstance(filled, Entries)  # noqa: S101  a filled mapping is a mapping
    draft = Draft(filled)
    stack, found = draft.stack()
    faults += [*preset_faults, *environment.faults, *_beside(found, environment.faults, bare)]
    notes: list[Note] = []
    if stack is not None:
        stack._folder, stack._hash = path.parent, _digest(tree)  # noqa: SLF001
        for finding in cross_check(stack, _declared(draft)):
            if draft.is_set_aside(finding.path):
                continue
            if finding.note:
                notes.append(_note(finding, draft, environment))
            else:
                faults.append(_fault(finding, draft, environment))
    if faults or stack is None:
        raise StackFaults(_in_order(faults, environment, str(path)))
    return Loaded(stack, tuple(notes), draft, environment)


def _beside(found: Iterable[Fault], unset: Iterable[Fault], bare: Iterable[str]) -> list[Fault]:
    """Model faults, without those that only follow from a value the environment did not give, or from a preset not found."""
    places = {(fault.file, fault.line, fault.where) for fault in unset}
    lacking = tuple(f"systems.{name}." for name in bare)
    return [
        fault
        for fault in found
        if (fault.file, fault.line, fault.where) not in places
        and not (fault.where.startswith(lacking) and fault.what.endswith("is missing"))
    ]


def _declared(draft: Draft) -> Declared:
    """What the file declares, broken or not: a reference to something that is only misspelt inside is no second fault."""

    def keys(*path: str) -> frozenset[str]:
        place: Node | None = draft.tree
        for step in path:
            place = place.get(step) if isinstance(place, Entries) else None
        return frozenset(place.items) if isinstance(place, Entries) else frozenset()

    systems = keys("systems")
    return Declared(
        people=keys("people"),
        systems=systems,
        attributes=keys("attributes"),
        stages=keys("stages"),
        records={name: keys("systems", name, "records") for name in systems},
        broken=frozenset(draft.set_aside),
    )


def _fault(finding: Finding, draft: Draft, environment: Environment) -> Fault:
    place, _ = draft.find(finding.path)
    what, remedy = environment.hide(finding.what), environment.hide(finding.remedy)
    return Fault(place.file, place.line, shown_path(draft.original(finding.path)), what, remedy)


def _note(finding: Finding, draft: Draft, environment: Environment) -> Note:
    place, _ = draft.find(finding.path)
    return Note(place.file, place.line, shown_path(draft.original(finding.path)), environment.hide(finding.what))


def _in_order(faults: list[Fault], environment: Environment, own: str) -> list[Fault]:
    hidden = [
        replace(fault, what=environment.hide(fault.what), remedy=environment.hide(fault.remedy)) for fault in faults
    ]
    return sorted(dict.fromkeys(hidden), key=lambda fault: (fault.file != own, fault.file, fault.line))


def _digest(tree: Entries) -> str:
    """SHA-256 of the file with presets applied; `${NAME}` stays as written, so no secret is in it."""
    return hashlib.sha256(json.dumps(_plain(tree), sort_keys=True).encode()).hexdigest()


def _plain(node: Node) -> Any:
    match node:
        case Entries():
            return {key: _plain(value) for key, (_, value) in node.items.items()}
        case Listing():
            return [_plain(item) for item in node.items]
        case _:
            return node.value
