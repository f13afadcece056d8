"""What a connector hands over: raw records on disk and an honest report of the read. No mapping, no trust, here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol

from hrorch_pipelines.errors import HrorchError


@dataclass(frozen=True)
class Problem:
    """Something a read noticed. `fatal` ones make the snapshot untrusted. `detail` never holds a person's value."""

    code: str  # e.g. http_status, html_answer, cut_json, page_drift, count_mismatch, empty_answer, cursor_expired
    detail: str
    fatal: bool = True


@dataclass(frozen=True)
class ReadReport:
    """How a read went: enough for the trust rules to decide, and for a person to understand a refusal."""

    started_at: datetime
    ended_at: datetime
    mode: Literal["full", "window"]
    pages: int
    requests: int
    claimed_rows: int | None  # what the system itself says there is; None when it does not say
    problems: tuple[Problem, ...] = ()
    removed_ids: tuple[str, ...] = ()  # window mode: ids the system lists as deleted
    encoding: str | None = None
    delimiter: str | None = None

    @property
    def complete(self) -> bool:
        return not any(problem.fatal for problem in self.problems)


@dataclass(frozen=True)
class RawRecords:
    """Raw records of one record type.

    `nested`: a JSON Lines file, one source record a line. `flat`: a Parquet file whose columns are all VARCHAR, exactly as
    read (nothing trimmed, nothing guessed), plus `_line` BIGINT, the line or row in the source.
    """

    path: Path
    shape: Literal["nested", "flat"]
    rows: int
    columns: tuple[str, ...]  # flat: source columns in order; nested: empty
    report: ReadReport


class Connector(Protocol):
    """Reads one system. Retries, paging and rate limits are inside; partial data is reported, never hidden."""

    def check(self) -> None:
        """Try to reach and authenticate. Raises SystemUnavailable with what to do."""

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        """Read every record (`since` None), or those changed in the closed window [since, until] where the system can.

        A system that cannot answer a window is read in full (`report.mode` says so). Files go into the folder `into`.
        Raises SystemUnavailable when nothing usable came back.
        """


class SystemUnavailable(HrorchError):  # noqa: N818  (a state of the world, not of the program)
    """A system could not be read or reached; `code` as in Problem."""

    def __init__(self, system: str, code: str, what: str, *, remedy: str) -> None:
        super().__init__(f"{system}: {what}", remedy=remedy)
        self.system = system
        self.code = code
