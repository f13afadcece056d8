"""What handoffs wait on: others that exist, never themselves, and never each other in a circle."""

from __future__ import annotations

import re
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.state_columns import bare

_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*")
_DONE = re.compile(r"\bdone_([a-z0-9_]+)", re.IGNORECASE)
_NOT_DONE = re.compile(r"\bnot\s+\"?done_[a-z0-9_]+", re.IGNORECASE)


def check_waiting(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """`done_…` of no handoff; one that waits on itself; circles, each told once with all who are in it."""
    names = {bare(name): name for name in stack.handoffs}
    waits: dict[str, dict[str, Path]] = {name: {} for name in stack.handoffs}
    for name, path, sql in _conditions(stack):
        bare_sql = _TEXTS.sub("''", sql)
        for found in _DONE.findall(bare_sql):
            if found.lower() in names or f"done_{found}" in stack.attributes:
                continue
            if declared.whole("handoffs"):
                known = [f"done_{key}" for key in names]
                hint = did_you_mean(f"done_{found}", known)
                yield Finding(
                    path, f"there is no handoff that `done_{found}` could tell of", f"{hint}known: {listed(known)}"
                )
        if path[2] in {"when", "requires"}:
            # What must not be done yet is not waited for.
            for found in _DONE.findall(_NOT_DONE.sub("", bare_sql)):
                if found.lower() in names:
                    waits[name].setdefault(names[found.lower()], path)
    yield from _circles(waits)


def _circles(waits: dict[str, dict[str, Path]]) -> Iterator[Finding]:
    while True:
        try:
            TopologicalSorter({name: list(on) for name, on in waits.items()}).prepare()
        except CycleError as circle:
            # Each waits on the one named before it: the sorter names who goes first, first.
            around: list[str] = circle.args[1]
            first, name = around[0], around[1]
            path = waits[name].pop(first)
            if name == first:
                yield Finding(
                    path, "waits on itself, so it would never happen", "let it wait on what is true before it"
                )
            else:
                told = " → ".join(f"`{one}`" for one in (name, first, *reversed(around[1:-1])))
                yield Finding(path, f"waits in a circle: {told}", "let one of them not wait on the others")
        else:
            return


def _conditions(stack: Stack) -> Iterator[tuple[str, Path, str]]:
    for name, handoff in stack.handoffs.items():
        path: Path = ("handoffs", name)
        yield name, (*path, "when"), handoff.when
        for number, requirement in enumerate(handoff.requires):
            yield name, (*path, "requires", number, "that"), requirement.that
        if handoff.done is not None:
            yield name, (*path, "done"), handoff.done
        if handoff.compensate is not None:
            yield name, (*path, "compensate", "when"), handoff.compensate.when
