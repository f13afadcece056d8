"""From the tree to the models, as far as it goes: what is at fault is set aside and named, the rest is still checked."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from hrorch_pipelines.stack.errors import Fault
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import nearest
from hrorch_pipelines.stack.shape import stand_in, takes_path
from hrorch_pipelines.stack.tree import Entries, Listing, Node, Place, Scalar, shown_path
from hrorch_pipelines.stack.words import explain

Path = tuple[str | int, ...]

_MOST_ROUNDS = 30


@dataclass
class Draft:
    """A tree on its way to a Stack. `set_aside` are the paths left out because something is wrong there.

    Where one of them is needed for the rest to stand, a stand-in takes its place; nothing said about it is believed.
    """

    tree: Entries
    set_aside: set[Path] = field(default_factory=set)
    as_text: set[Path] = field(default_factory=set)
    _stand_ins: dict[Path, Any] = field(default_factory=dict)
    _kept: dict[Path, list[int]] = field(default_factory=dict)

    def stack(self) -> tuple[Stack | None, list[Fault]]:
        """The models, without what is at fault, and the faults; None when too little is left."""
        faults: list[Fault] = []
        for _ in range(_MOST_ROUNDS):
            try:
                return Stack.model_validate(self._content(self.tree, ())), faults
            except ValidationError as problem:
                errors = problem.errors(include_url=False, include_input=False)
            if self._taken_as_text(errors):
                continue
            faults += self._explained(errors)
            at_fault = {self.original(error["loc"]): error["type"] for error in errors}
            gone = {self._to_set_aside(path, kind) for path, kind in at_fault.items()}
            if () in gone:
                return None, faults
            self.set_aside |= gone
        return None, faults

    def find(self, path: Path) -> tuple[Place, Node]:
        """The line of the longest part of a path that exists, and what stands there. `path` as the models count."""
        return self._reach(self.original(path))

    def is_set_aside(self, path: Path) -> bool:
        """Whether a path of the models leads into something that is at fault already."""
        own = self.original(path)
        return any(own[:length] in self.set_aside for length in range(1, len(own) + 1))

    def original(self, loc: Path) -> Path:
        """A path of the models as a path of the tree: steps that only name a form left out, list positions restored."""
        path: Path = ()
        node: Node | None = self.tree
        for number, step in enumerate(loc):
            last = number == len(loc) - 1
            if isinstance(node, Entries) and str(step) in node.items:
                path, node = (*path, str(step)), node.items[str(step)][1]
            elif isinstance(node, Listing) and isinstance(step, int):
                kept = self._kept.get(path)
                position = kept[step] if kept is not None and step < len(kept) else step
                if position >= len(node.items):
                    return path
                path, node = (*path, position), node.items[position]
            elif isinstance(node, Entries) and last and not _is_form(step):
                return (*path, step)
        return path

    def _reach(self, path: Path) -> tuple[Place, Node]:
        place, node = self.tree.place, self.tree
        found: Node = node
        for step in path:
            if isinstance(found, Entries) and str(step) in found.items:
                place, found = found.items[str(step)]
            elif isinstance(found, Listing) and isinstance(step, int) and step < len(found.items):
                found = found.items[step]
                place = found.place
            else:
                break
        return place, found

    def _content(self, node: Node, path: Path) -> Any:
        match node:
            case Entries():
                own = {
                    key: self._content(value, (*path, key))
                    for key, (_, value) in node.items.items()
                    if (*path, key) not in self.set_aside
                }
                return own | {str(at[-1]): value for at, value in self._stand_ins.items() if at[:-1] == path}
            case Listing():
                kept = [number for number in range(len(node.items)) if (*path, number) not in self.set_aside]
                self._kept[path] = kept
                return [self._content(node.items[number], (*path, number)) for number in kept]
            case Scalar():
                return node.source if path in self.as_text and not node.filled else node.value

    def _taken_as_text(self, errors: list[ErrorDetails]) -> bool:
        """Where text is wanted and YAML saw a number, a date or true/false, the text as written counts (zeros stay)."""
        found = False
        for error in errors:
            path = self.original(error["loc"])
            _, node = self._reach(path)
            wanted = error["type"] == "string_type" or takes_path(error["loc"])
            if wanted and isinstance(node, Scalar) and node.value is not None and path not in self.as_text:
                self.as_text.add(path)
                found = True
        return found

    def _explained(self, errors: list[ErrorDetails]) -> list[Fault]:
        together: dict[Path, list[ErrorDetails]] = {}
        kinds = {(self.original(error["loc"]), error["type"]) for error in errors}
        for error in errors:
            path = self.original(error["loc"])
            if not self._follows(path, error["type"]) and not _told_elsewhere(path, error["type"], kinds):
                together.setdefault(path, []).append(error)
        faults = []
        for path, same in together.items():
            place, node = self._reach(path)
            what, remedy = explain(same, path, node)
            faults.append(Fault(place.file, place.line, shown_path(path), what, remedy))
        return faults

    def _to_set_aside(self, path: Path, kind: str) -> Path:
        """The smallest part without which the rest may stand: what lacks a key with no stand-in goes whole."""
        if path in self._stand_ins:
            del self._stand_ins[path]
        elif path and path not in self.set_aside and (value := stand_in(path)) is not None:
            self._stand_ins[path] = value
            return path
        path = path[:-1] if kind == "missing" else path
        while path in self.set_aside:
            path = path[:-1]
        return path

    def _follows(self, path: Path, kind: str) -> bool:
        """Whether an error is only there because something below it was set aside."""
        holder = path[:-1] if kind == "missing" else path
        return any(gone[: len(holder)] == holder for gone in self.set_aside)


def _told_elsewhere(path: Path, kind: str, kinds: set[tuple[Path, str]]) -> bool:
    """A missing key that only is misspelt; a `read` of no form because its system's connector is at fault."""
    if kind.startswith("union_tag"):
        return any(other[:2] == path[:2] and other[2:] == ("connector",) for other, _ in kinds)
    misspelt = [str(other[-1]) for other, what in kinds if what == "extra_forbidden" and other[:-1] == path[:-1]]
    return kind == "missing" and nearest(str(path[-1]), misspelt) is not None


def _is_form(step: str | int) -> bool:
    """Steps pydantic adds that are no keys: `(rest)`, `[key]`, the types of a union."""
    return isinstance(step, int) or step.startswith(("(", "[")) or step.partition("[")[0] in {
        "str", "list", "int", "dict", "function-before", "constrained-str", "constrained-list", "FieldMap", "lax-or-strict",
    }  # fmt: skip
