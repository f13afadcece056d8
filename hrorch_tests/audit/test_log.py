"""What is appended stays in order, linked to what was before it, with no value in clear."""

from __future__ import annotations

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.storage.sealed import Seals


def test_entries_are_numbered_without_a_gap(ledger):
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), ledger.clock.now())
        first = append(con, seals, [Entry(Action.STACK_LOADED)] * 3, ledger.clock.now(), "stack")
    with ledger.write() as con:
        seals = Seals(con, ledger.home.key(), ledger.clock.now())
        last = append(con, seals, [Entry(Action.LINKED, person_id="p1", after="x")], ledger.clock.now(), "stack")
    assert (first, last) == (3, 4)
