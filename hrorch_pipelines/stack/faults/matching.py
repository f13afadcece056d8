"""Matching compares attributes that exist, and that more than one system knows."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed


def check_matching(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Attributes nobody declared; keys no two systems share; no way to match at all."""
    for path, attribute in _named(stack):
        if attribute not in declared.attributes:
            known = sorted(declared.attributes)
            yield Finding(
                path,
                f"there is no attribute `{attribute}`",
                f"{did_you_mean(attribute, known)}declare it under `attributes`, or name another",
            )
    if not declared.whole("systems", "attributes", "matching") or len(stack.systems) < 2:
        return
    if not stack.matching.keys and stack.matching.probabilistic is None:
        yield Finding(
            ("systems",), "`matching` is empty: nobody in one system will be recognized in another", note=True
        )
    for number, key in enumerate(stack.matching.keys):
        shared = [name for name, system in stack.systems.items() if set(key.attributes) <= set(system.mapped())]
        if len(shared) < 2 and set(key.attributes) <= declared.attributes:
            where = f"only `{shared[0]}` maps" if shared else "no system maps"
            yield Finding(
                ("matching", "keys", number),
                f"{where} {listed(key.attributes)}, so this key joins no two systems",
                note=True,
            )


def _named(stack: Stack) -> Iterator[tuple[Path, str]]:
    for number, key in enumerate(stack.matching.keys):
        for part, names in (("attributes", key.attributes), ("confirm", key.confirm)):
            for place, name in enumerate(names):
                yield ("matching", "keys", number, part, place), name
    probabilistic = stack.matching.probabilistic
    if probabilistic is not None:
        for place, name in enumerate(probabilistic.attributes):
            yield ("matching", "probabilistic", "attributes", place), name
        for number, block in enumerate(probabilistic.block_on):
            for place, name in enumerate(block):
                yield ("matching", "probabilistic", "block_on", number, place), name
