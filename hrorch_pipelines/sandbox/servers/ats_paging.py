"""Where a reader of the ATS is: a listing and its opaque cursor, which carries everything the first request asked for."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from hrorch_pipelines.sandbox.store import stamp

_PARENTS = {"offers": "candidate_ids", "applications": "candidate_ids"}


@dataclass(frozen=True)
class Listing:
    """What to list, newest first, and the `seq` behind which to go on. `since` and `until` are both inclusive."""

    collection: str
    size: int
    after: int | None = None
    since: str | None = None
    until: str | None = None
    parent: str | None = None
    ids: tuple[str, ...] | None = None

    def after_row(self, seq: int) -> Listing:
        """The listing that goes on behind a row."""
        return replace(self, after=seq)

    def cursor(self) -> str:
        """The opaque form."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode().rstrip("=")


def next_listing(cursor: str, collection: str) -> Listing | None:
    """The listing behind a cursor; None when it is no cursor of this collection."""
    try:
        content = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        ids = content.pop("ids")
        listing = Listing(**content, ids=None if ids is None else tuple(ids))
    except (binascii.Error, ValueError, TypeError, AttributeError, KeyError):
        return None
    return listing if listing.collection == collection else None


def first_listing(collection: str, size: int, query: dict[str, str]) -> tuple[Listing | None, str]:
    """The listing a first request asks for, or None and the name of the parameter that is wrong."""
    listing = Listing(collection, size)
    for name, value in query.items():
        if name == "updated_at":
            window = _window(value)
            if window is None:
                return None, name
            listing = replace(listing, since=window[0], until=window[1])
        elif name == "ids":
            listing = replace(listing, ids=tuple(value.split(",")))
        elif name == _PARENTS.get(collection) and "," not in value:
            listing = replace(listing, parent=value)
        else:
            return None, name
    return listing, ""


def _window(text: str) -> tuple[str | None, str | None] | None:
    """`gte|A|lte|B` (also gt and lt, to the second) as inclusive bounds."""
    parts = text.split("|")
    since = until = None
    if len(parts) % 2:
        return None
    for operator, written in zip(parts[::2], parts[1::2], strict=True):
        try:
            moment = datetime.fromisoformat(written)
        except ValueError:
            return None
        if moment.tzinfo is None:
            return None
        if operator in {"gte", "gt"}:
            since = stamp(moment + timedelta(seconds=operator == "gt"))
        elif operator in {"lte", "lt"}:
            until = stamp(moment - timedelta(seconds=operator == "lt"))
        else:
            return None
    return since, until
