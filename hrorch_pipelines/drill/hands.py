"""What people do by hand in the sandbox's systems during a drill. All of it is as it was when the scenario ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hrorch_pipelines.drill.scenario import Scenario
from hrorch_pipelines.sandbox.store import Document, Store, moment

WHO = "drill"


def rewrite(here: Scenario, system: str, document: Document, fields: Mapping[str, Any]) -> None:
    """Somebody changes fields of a record, at this moment."""
    store = here.systems.records[system].store
    store.put(document.collection, document.id, {**document.body, **fields}, at=here.now, by=WHO)
    here.endings.append(lambda: _put_back(store, document))


def enter(here: Scenario, system: str, collection: str, fields: Mapping[str, Any], *, parent: str) -> None:
    """Somebody enters a row that belongs to a record, at this moment; it gets the next number."""
    records, at = here.systems.records[system], here.now
    key = str(records.new_number(collection))
    records.store.put(collection, key, {"id": key, **fields}, at=at, by=WHO, parent=parent)
    here.endings.append(lambda: records.store.delete(collection, key, at=at, by=WHO))


def _put_back(store: Store, was: Document) -> None:
    """With its own stamp: a scenario may have been days ahead of the next one, to which nothing has happened."""
    store.put(was.collection, was.id, was.body, at=moment(was.updated_at), by=was.updated_by, version=was.version)
