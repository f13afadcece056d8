"""Expectations on whole snapshots: complete, and referring to what exists."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.rules import Expectation

_USED_BY = {
    "at_least": {"completeness", "refers_to", "unique"},
    "at_most": {"drift"},
    "min_rows": {"volume"},
    "max_rows": {"volume"},
    "refers_to": {"refers_to"},
}


def check_expectations(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Expectations that lack a part, have one that does nothing, or refer to nowhere."""
    for target, gates in stack.gates.items():
        for number, gate in enumerate(gates):
            if isinstance(gate, Expectation):
                yield from _expectation(("gates", target, number), gate, stack, declared)


def _expectation(path: Path, gate: Expectation, stack: Stack, declared: Declared) -> Iterator[Finding]:
    for key, expects in _USED_BY.items():
        if getattr(gate, key) is not None and gate.expect not in expects:
            yield Finding(
                (*path, key),
                f"means nothing to the expectation `{gate.expect}`",
                f"remove it, or expect {' or '.join(sorted(expects))}",
            )
    if gate.expect == "volume":
        if gate.min_rows is None and gate.max_rows is None:
            yield Finding(path, "expects no volume in particular", "add `min_rows`, `max_rows` or both")
        elif gate.min_rows is not None and gate.max_rows is not None and gate.min_rows > gate.max_rows:
            yield Finding((*path, "min_rows"), "is above `max_rows`: every snapshot would fail", "exchange the two")
    elif gate.attribute is None:
        yield Finding(path, f"the expectation `{gate.expect}` needs `attribute`", "say which attribute it looks at")
    if gate.expect == "refers_to":
        yield from _reference(path, gate, stack, declared)


def _reference(path: Path, gate: Expectation, stack: Stack, declared: Declared) -> Iterator[Finding]:
    if gate.refers_to is None:
        yield Finding(path, "does not say what the values must be found in", "add `refers_to: system.attribute`")
        return
    where = (*path, "refers_to")
    system, _, attribute = gate.refers_to.partition(".")
    if system not in declared.systems:
        known = sorted(declared.systems)
        yield Finding(
            where,
            f"there is no system `{system}`",
            f"{did_you_mean(system, known)}write `system.attribute` with one of {listed(known)}",
        )
    elif system in stack.systems and declared.whole("systems") and attribute not in stack.systems[system].mapped():
        mapped = sorted(stack.systems[system].mapped())
        yield Finding(
            where,
            f"`{system}` does not map `{attribute}`",
            f"{did_you_mean(attribute, mapped)}it maps {listed(mapped)}",
        )
