"""`${NAME}` and `${NAME:-default}` from the environment. The values never appear in a fault, a note or the content hash."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from hrorch_pipelines.stack.errors import Fault
from hrorch_pipelines.stack.tree import Entries, Listing, Node, Scalar, shown_path

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_OPENING = re.compile(r"\$\{")
_SHORTEST_SECRET = 4
"""Hiding shorter values would blacken every message and hide nothing worth hiding."""


@dataclass
class Environment:
    """Fills a tree, and remembers what it filled in so that texts can be cleaned of it."""

    values: Mapping[str, str]
    used: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)

    def fill(self, node: Node, path: tuple[str | int, ...] = ()) -> Node:
        """A copy of the tree with every `${NAME}` filled in."""
        match node:
            case Entries():
                return Entries(
                    node.place,
                    {key: (place, self.fill(value, (*path, key))) for key, (place, value) in node.items.items()},
                )
            case Listing():
                return Listing(node.place, [self.fill(item, (*path, number)) for number, item in enumerate(node.items)])
            case Scalar():
                return self._scalar(node, path)

    def hide(self, text: str) -> str:
        """The text with every value that came from the environment replaced by its `${NAME}`."""
        for value, name in sorted(self.used.items(), key=lambda item: -len(item[0])):
            text = text.replace(value, f"${{{name}}}")
        return text

    def _scalar(self, node: Scalar, path: tuple[str | int, ...]) -> Scalar:
        if not isinstance(node.value, str) or "${" not in node.value:
            return node
        if len(_OPENING.findall(node.value)) != len(_VARIABLE.findall(node.value)):
            self._fault(
                node, path, "`${` does not begin a name of the environment", "write ${NAME} or ${NAME:-default}"
            )
            return node
        return Scalar(
            node.place,
            node.source,
            _VARIABLE.sub(lambda found: self._value(found, node, path), node.value),
            filled=True,
        )

    def _value(self, found: re.Match[str], node: Scalar, path: tuple[str | int, ...]) -> str:
        name, default = found[1], found[2]
        value = self.values.get(name)
        if default is not None and not value:
            return default
        if value is None:
            self._fault(node, path, f"${{{name}}} is not set in the environment", f"export {name}=…")
            return ""
        if len(value) >= _SHORTEST_SECRET:
            self.used[value] = name
        return value

    def _fault(self, node: Scalar, path: tuple[str | int, ...], what: str, remedy: str) -> None:
        self.faults.append(Fault(node.place.file, node.place.line, shown_path(path), what, remedy))
