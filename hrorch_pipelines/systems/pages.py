"""Writes pages of records to JSON Lines and watches whether they fit together: drift, counts, short pages.

Shared by the connectors that page (`rest`, `scim`). How a page is asked for is theirs; when a read is passed over once more
is in `passes`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.json_paths import encode

KeyOf = Callable[[dict[str, Any]], str | None]


@dataclass
class PageLog:
    """One pass over one or several collections (a parent's records each), written to `path` as they come."""

    path: Path
    key_of: KeyOf
    size: int | None = None  # rows a page has unless it is the last
    pages: int = 0
    rows: int = 0
    claimed: int | None = None
    _file: TextIO | None = None
    twins: bool = False  # a key came again on a later page, with other content
    _seen: dict[int, int] = field(default_factory=dict)  # hash of key → hash of record
    _digest: Any = field(default_factory=lambda: hashlib.blake2b(digest_size=16))
    _short: bool = False
    _claims: list[int] = field(default_factory=list)
    _rows_before: int = 0

    def __enter__(self) -> PageLog:
        self._file = self.path.open("w", encoding="utf-8", newline="\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def begin(self) -> None:
        """A collection starts."""
        self._seen.clear()
        self._claims = []
        self._short = False
        self._rows_before = self.rows

    def add(self, records: list[dict[str, Any]], claimed: int | None) -> None:
        """Write a page. Raises Unsettled when it does not fit those before it."""
        if self._file is None:
            raise RuntimeError("pages are added inside `with`")
        if self._short and records:
            raise Unsettled("short_page", "a page before the last had fewer records than the page size")
        lines = [encode(record) + "\n" for record in records]
        self._look_for_repeats(records, lines)
        if claimed is not None:
            if self._claims and claimed != self._claims[0]:
                raise Unsettled(
                    "page_drift", f"the number of records changed from {self._claims[0]} to {claimed} while paging"
                )
            self._claims.append(claimed)
        self._file.writelines(lines)
        self._digest.update("".join(lines).encode())
        self.pages += 1
        self.rows += len(records)
        self._short = self.size is not None and len(records) < self.size

    @property
    def digest(self) -> str:
        """Of everything written, in its order."""
        return str(self._digest.hexdigest())

    def end(self) -> None:
        """A collection is through. Raises Unsettled when its rows are not as many as it claimed."""
        if not self._claims:
            return
        rows = self.rows - self._rows_before
        self.claimed = (self.claimed or 0) + self._claims[0]
        if rows != self._claims[0]:
            raise Unsettled("count_mismatch", f"{self._claims[0]} records claimed, {rows} received")

    def _look_for_repeats(self, records: list[dict[str, Any]], lines: list[str]) -> None:
        """The same record again is drift. The same key with other content may be two records of the source."""
        page = {
            hash(key): hash(line) for key, line in zip(map(self.key_of, records), lines, strict=True) if key is not None
        }
        repeated = page.keys() & self._seen.keys()
        if any(page[key] == self._seen[key] for key in repeated):
            raise Unsettled("page_drift", f"page {self.pages + 1} repeats a record of an earlier page")
        self.twins = self.twins or bool(repeated)
        self._seen |= page


class Unsettled(ReadFault):
    """The pages do not fit together; reading the whole once more may help."""
