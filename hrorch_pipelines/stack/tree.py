"""YAML as a tree in which every key and value knows its file and line. Meaning is given to it by the models, not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from hrorch_pipelines.stack.errors import Fault

_TAG = "tag:yaml.org,2002:"
_MOST_PARTS = 200_000
"""A stack file of a thousand systems stays below; aliases that multiply themselves do not."""


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1."""

    file: str
    line: int


@dataclass(eq=False)
class Scalar:
    """A single value. `source` is its text as written; `filled` says that the environment gave (part of) the value."""

    place: Place
    source: str
    value: str | int | float | bool | None
    filled: bool = False


@dataclass(eq=False)
class Listing:
    """A YAML sequence."""

    place: Place
    items: list[Node] = field(default_factory=list)


@dataclass(eq=False)
class Entries:
    """A YAML mapping: key, as text → (where the key stands, value)."""

    place: Place
    items: dict[str, tuple[Place, Node]] = field(default_factory=dict)

    def get(self, key: str) -> Node | None:
        """The value of a key."""
        return self.items[key][1] if key in self.items else None


Node = Scalar | Listing | Entries


def read_tree(path: Path, shown: str) -> tuple[Entries | None, list[Fault]]:
    """Read a YAML file whose top is a mapping. `shown` is the file's name in faults.

    Returns the tree, or None where the file as a whole cannot be used, and the faults. Never raises for a bad file.
    """
    text = _text(path, shown)
    if isinstance(text, Fault):
        return None, [text]
    try:
        top = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        return None, [_not_yaml(error, shown)]
    except YAMLError:
        return None, [Fault(shown, 1, "", "holds characters YAML does not allow", _TEXT_REMEDY)]
    except (ValueError, RecursionError, OverflowError):
        # ruamel raises these for escapes beyond Unicode and for nesting deeper than Python's stack
        return None, [
            Fault(shown, 1, "", "cannot be read as YAML", "look for brackets nested without end or odd escapes")
        ]
    if top is None:
        return None, [
            Fault(shown, 1, "", "is empty", "start from data/stack.yaml or docs/examples/two-files/stack.yaml")
        ]
    if not isinstance(top, MappingNode):
        return None, [
            Fault(shown, 1, "", "is not a mapping of keys and values", "begin with `organization:`, `people:`, …")
        ]
    builder = _Builder(shown)
    try:
        tree = builder.build(top, ())
    except RecursionError:
        return None, [Fault(shown, 1, "", "is nested too deeply", "look for brackets nested without end")]
    if builder.parts > _MOST_PARTS:
        return None, [Fault(shown, 1, "", "is too large once its aliases are written out", "use fewer `*aliases`")]
    return (tree if isinstance(tree, Entries) else None), builder.faults


_TEXT_REMEDY = "save it as plain UTF-8 text"


def _text(path: Path, shown: str) -> str | Fault:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Fault(
            shown, 1, "", "is not there", "check the path, or make one: copy docs/examples/two-files/stack.yaml"
        )
    except OSError as error:
        return Fault(shown, 1, "", f"cannot be read ({type(error).__name__})", "check that it is a file you may read")
    if b"\0" in content:
        return Fault(shown, 1, "", "is not text", _TEXT_REMEDY)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return Fault(shown, line, "", "is not UTF-8: an accented letter was saved in another encoding", _TEXT_REMEDY)


def _not_yaml(error: MarkedYAMLError, shown: str) -> Fault:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    problem = str(error.problem or error.context or "")
    if "\\t" in problem or "tab" in problem:
        return Fault(shown, line, "", "a tab stands where spaces belong", "indent with spaces only")
    if "single document" in str(error.context or "") or "another document" in problem:
        return Fault(shown, line, "", "a second document begins here", "remove the line `---`: one file, one document")
    if "alias" in problem:
        return Fault(
            shown, line, "", "an `*alias` has no `&anchor` before it", "write the anchor first, or quote the text"
        )
    if "escape" in problem:
        return Fault(
            shown, line, "", "an escape in double quotes is unknown", "use single quotes: they take \\ as it is"
        )
    remedy = "check indentation, colons and closing brackets and quotes from here upwards"
    if "mapping values are not allowed" in problem:
        remedy = "quote text that holds `: `, and check the indentation"
    return Fault(shown, line, "", "is not YAML from here on", remedy)


@dataclass
class _Builder:
    """Turns ruamel's nodes into ours. Each node is built once: an alias shares it."""

    file: str
    faults: list[Fault] = field(default_factory=list)
    parts: int = 0
    _built: dict[int, tuple[Node, int]] = field(default_factory=dict)
    _open: set[int] = field(default_factory=set)

    def build(self, node: Any, path: tuple[str, ...]) -> Node:
        known = self._built.get(id(node))
        if known is not None:
            self.parts += known[1]
            return known[0]
        place = Place(self.file, node.start_mark.line + 1)
        if id(node) in self._open:
            self._fault(place, path, "an alias stands inside what it names", "write the part out instead of `*alias`")
            return Scalar(place, "", None)
        self._open.add(id(node))
        before = self.parts
        self.parts += 1
        built = self._build(node, path, place)
        self._open.discard(id(node))
        self._built[id(node)] = (built, self.parts - before)
        return built

    def _build(self, node: Any, path: tuple[str, ...], place: Place) -> Node:
        tag = str(node.tag)
        if not tag.startswith(_TAG) or tag.removeprefix(_TAG) in {"binary", "set", "omap", "pairs"}:
            self._fault(
                place,
                path,
                f"the tag `{tag.removeprefix(_TAG)}` has no meaning here",
                "remove the word that begins with `!`",
            )
        if isinstance(node, SequenceNode):
            return Listing(place, [self.build(item, (*path, f"[{number}]")) for number, item in enumerate(node.value)])
        if isinstance(node, MappingNode):
            return self._entries(node, path, place)
        plain = isinstance(node, ScalarNode) and not getattr(node, "style", None)
        return Scalar(
            place, str(node.value), _value(tag.removeprefix(_TAG), str(node.value)) if plain else str(node.value)
        )

    def _entries(self, node: MappingNode, path: tuple[str, ...], place: Place) -> Entries:
        entries = Entries(place)
        merged: list[Entries] = []
        for key, value in node.value:
            at = Place(self.file, key.start_mark.line + 1)
            if not isinstance(key, ScalarNode):
                self._fault(
                    at, path, "a key is a list or mapping", "write a name, then `:`; put quotes around `{…}` in texts"
                )
                continue
            if str(key.tag) == f"{_TAG}merge":
                merged += self._merged(self.build(value, path), at, path)
                continue
            name = str(key.value)
            built = self.build(value, (*path, name))
            if name in entries.items:
                self._twice(entries.items[name][0], at, (*path, name))
                continue
            entries.items[name] = (at, built)
        for other in merged:
            for name, entry in other.items.items():
                entries.items.setdefault(name, entry)
        return entries

    def _merged(self, value: Node, at: Place, path: tuple[str, ...]) -> Iterator[Entries]:
        for part in value.items if isinstance(value, Listing) else [value]:
            if isinstance(part, Entries):
                yield part
            else:
                self._fault(at, path, "`<<` takes a mapping", "name the anchor of a mapping: `<<: *anchor`")

    def _twice(self, first: Place, at: Place, path: tuple[str, ...]) -> None:
        deciders = path[0] == "authority" and len(path) > 1
        what = f"two authorities: `{path[-1]}` is declared twice" if deciders else f"`{path[-1]}` is declared twice"
        remedy = "keep the one that is right" if deciders else "keep one of the two, or give one another name"
        self._fault(at, path, f"{what} (first on line {first.line})", remedy)

    def _fault(self, place: Place, path: tuple[str, ...], what: str, remedy: str) -> None:
        self.faults.append(Fault(place.file, place.line, shown_path(path), what, remedy))


def shown_path(path: tuple[str | int, ...]) -> str:
    """`systems.hris.records`, `gates.hris.worker[3]`."""
    text = ""
    for step in path:
        index = isinstance(step, int) or step.startswith("[")
        text += (f"[{step}]" if isinstance(step, int) else step) if index else f"{'.' if text else ''}{step}"
    return text


def _value(kind: str, text: str) -> str | int | float | bool | None:
    """What YAML 1.2 takes a plain scalar for. Dates stay text: the models read them."""
    try:
        match kind:
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text, 0) if text.lstrip("+-")[:2].lower() in {"0x", "0o", "0b"} else int(text)
            case "float":
                return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        return text
    return text
