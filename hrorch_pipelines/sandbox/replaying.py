"""Carries what a story says into a store: only fields that the story changes, so that other people's work stays."""

from __future__ import annotations

from datetime import datetime, timedelta

from hrorch_pipelines.sandbox.stamps import moment
from hrorch_pipelines.sandbox.store import Body, Row, Store


def replay(store: Store, was: list[Row], will: list[Row], before: datetime, after: datetime) -> list[str]:
    """Carry one person's changes between two moments into a store; tells what was done to which documents."""
    old, new = ({(row[0], row[1]): row for row in rows} for rows in (was, will))
    done: list[str] = []
    earliest = before + timedelta(hours=1)

    def at(row: Row) -> datetime:
        return min(max(moment(row[4]), earliest), after)

    for (collection, key), row in new.items():
        held = store.get(collection, key)
        if (collection, key) not in old:
            if held is None:
                store.put(collection, key, row[6], at=at(row), by=row[5], parent=row[2], version=row[3])
                done.append("created")
            continue
        story = _changed(old[collection, key][6], row[6])
        if story and held is not None and not held.deleted:
            body = {
                name: value for name, value in {**held.body, **story}.items() if name not in story or name in row[6]
            }
            store.put(collection, key, body, at=at(row), by=row[5], parent=row[2], version=row[3])
            done.append("updated")
    for collection, key in sorted(old.keys() - new.keys()):
        if store.delete(collection, key, at=after, by="retention"):
            done.append("deleted")
    return done


def only_known(was: list[Row], will: list[Row]) -> list[Row]:
    """The rows of a story that are not new: where somebody else has made the record, the story makes no second one."""
    known = {(row[0], row[1]) for row in was}
    return [row for row in will if (row[0], row[1]) in known]


def _changed(old: Body, new: Body) -> Body:
    """Top-level fields that the story changes; None for one it removes."""
    return {name: new.get(name) for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)}
