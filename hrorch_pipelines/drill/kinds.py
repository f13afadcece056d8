"""Every kind of failure that is rehearsed, by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from hrorch_pipelines.drill.terms import Kind
from hrorch_pipelines.errors import HrorchError
from hrorch_pipelines.stack.nearest import did_you_mean


class UnknownKindError(HrorchError):
    """There is no kind of failure of that name."""

    def __init__(self, given: str, known: Iterable[str]) -> None:
        self.given, self.known = given, tuple(known)
        super().__init__(
            f"There is no kind of failure called `{given}`.",
            remedy=f"{did_you_mean(given, sorted(self.known))}the kinds: {', '.join(self.known)}",
        )


def played() -> dict[str, Kind]:
    """Those that are played in a company of the drill's own."""
    from hrorch_pipelines.drill import handing, lasting, reading, sending, silence, telling

    every = [kind for room in (reading, telling, sending, handing, silence, lasting) for kind in room.kinds()]
    return {kind.name: kind for kind in every}


def chosen(kinds: Mapping[str, Kind], names: Iterable[str]) -> list[Kind]:
    """Those named, in the order of the list; all when none is. Raises UnknownKindError."""
    wanted = list(names)
    for name in wanted:
        if name not in kinds:
            raise UnknownKindError(name, kinds)
    return [kind for name, kind in kinds.items() if not wanted or name in wanted]
