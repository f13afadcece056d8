"""The sandbox's small world as a place where records are made. No test in here."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.protocol import Maker, Making, NewRecord, Seen
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY

_KEYS = (f"{number:064x}" for number in itertools.count(1))


def making(
    place: str, record: str, parent: str | None = None, on: date | None = None, *, key: str | None = None, **values: Any
) -> Making:
    """One record to be made, under a key of its own."""
    return Making(place, NewRecord(record, values, parent, on), key or next(_KEYS))


@contextmanager
def maker(stack: Stack, place: str) -> Iterator[Any]:
    """A new maker, as each push has one."""
    made = maker_for(stack, place, CLOCK, KEY)
    try:
        yield made
    finally:
        made.close()


def look(stack: Stack, one: Making) -> Seen:
    """As the next push sees it."""
    with maker(stack, one.place) as other:
        seen: Seen = other.look(one)
    return seen


def made(maker: Maker, one: Making) -> str:
    """Look, make, look again; the id under which it is there."""
    seen = maker.look(one)
    assert seen.state == "absent", seen
    receipt = maker.make(one, seen)
    after = maker.look(one)
    assert after.state == "there", after
    assert receipt.reference in {None, after.source_id}
    assert after.source_id is not None
    return after.source_id
