"""How a record is made says whose it is, and from which day: what the parts of `create` cannot know alone."""

from __future__ import annotations

import json
from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.faults.handoffs import thens
from hrorch_pipelines.stack.handing import Create
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.stack.writing import RestCreate


def check_creates(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Records made under nobody, rows that nothing could fill in, handoffs that make a dated row without a day."""
    del declared
    for name, system in stack.systems.items():
        for record, item in system.records.items():
            if isinstance(item.create, RestCreate):
                yield from _whose(("systems", name, "records", record, "create"), item, item.create)
    for path, then in thens(stack):
        if isinstance(then, Create) and then.from_ is None:
            target, _, name = then.create.partition(".")
            found = stack.systems[target].records.get(name) if target in stack.systems else None
            if found is not None and found.effective is not None:
                yield Finding(
                    (*path, "create"), f"a {name} counts from a day on", "add `from`: the SQL of its first day"
                )


def _whose(path: Path, item: Record, create: RestCreate) -> Iterator[Finding]:
    named = "{parent}" in create.path + json.dumps(create.constant) or "{^." in create.path
    if item.parent is None and named:
        yield Finding(
            (*path, "path"), "names a parent, and this record type has none", "remove `{parent}`, or declare `parent`"
        )
    if item.parent is not None and not named:
        yield Finding(
            (*path, "path"),
            f"does not say whose it is: the {item.parent} is named nowhere",
            "write `{parent}` into `path` or `constant`",
        )
    if item.parent is None and create.look is not None:
        yield Finding((*path, "look"), "is for what a parent has; this record type has none", "remove it")
    if create.fills and item.write is None:
        yield Finding(
            (*path, "fills"), "nothing says how the row that is there is changed", "add `write` to this record type"
        )
