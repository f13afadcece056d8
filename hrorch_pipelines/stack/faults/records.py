"""The record types of a system: one stands for a person, the others belong to it, and each says when its rows count."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.systems import Record


def check_records(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Parents that are not there, chains of parents, more or less than one base record."""
    for name, system in stack.systems.items():
        known = declared.records.get(name, frozenset(system.records))
        base = [record for record, item in system.records.items() if item.parent is None]
        unbroken = known <= set(system.records)
        if not base and unbroken:
            yield Finding(
                ("systems", name, "records"), "no record type stands for a person", "let one of them have no `parent`"
            )
        for second in base[1:]:
            yield Finding(
                ("systems", name, "records", second),
                f"is a second base record beside `{base[0]}`",
                f"say whose it is: `parent: {base[0]}` and `parent_key`, or make it a system of its own",
            )
        for record, item in system.records.items():
            path: Path = ("systems", name, "records", record)
            yield from _parent(path, item, record, {key: value.parent for key, value in system.records.items()}, known)
            if item.effective is not None and item.effective.to_inclusive and item.effective.to is None:
                yield Finding(
                    (*path, "effective", "to_inclusive"), "there is no `to` it could speak of", "add `to`, or remove it"
                )


def _parent(
    path: Path, item: Record, record: str, parents: dict[str, str | None], known: frozenset[str]
) -> Iterator[Finding]:
    where = (*path, "parent")
    if item.parent is None:
        if item.parent_key is not None:
            yield Finding(
                (*path, "parent_key"), "there is no `parent` it could be the key of", "add `parent`, or remove it"
            )
        return
    if item.parent == record:
        yield Finding(where, "a record type cannot belong to itself", "name the base record, or remove `parent`")
    elif item.parent not in known:
        others = sorted(known - {record})
        yield Finding(
            where,
            f"this system has no record type `{item.parent}`",
            f"{did_you_mean(item.parent, others)}its record types are {listed(others)}",
        )
    elif parents.get(item.parent) is not None:
        yield Finding(
            where,
            f"`{item.parent}` belongs to `{parents[item.parent]}` itself: records go one step deep",
            f"write `parent: {parents[item.parent]}` with the key that leads there",
        )
    if item.parent_key is None:
        yield Finding(path, "nothing says whose record it is", f"add `parent_key`: the path of the {item.parent}'s key")
