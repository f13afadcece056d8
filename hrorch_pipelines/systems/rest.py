"""Reads a REST API as the stack file declares it: pages, windows, one request per parent. Records leave as they came."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from requests import Response

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.systems import Record, RestRead, System
from hrorch_pipelines.systems.errors import ReadFault, unavailable
from hrorch_pipelines.systems.json_paths import decode, first_at, values_at
from hrorch_pipelines.systems.pages import PageLog
from hrorch_pipelines.systems.passes import settled
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.raw import Problem, RawRecords, ReadReport
from hrorch_pipelines.systems.rest_auth import fill
from hrorch_pipelines.systems.rest_client import CheckedClient
from hrorch_pipelines.systems.rest_pages import paginator_for, size_of
from hrorch_pipelines.systems.retry import RetryPolicy

PARENT_ID = "_parent_id"
"""Added to each record read with `each`: the id of the parent it was asked for."""

_LOST_PLACE = frozenset({400, 404, 410, 422})
"""Statuses of a page behind the first that mean the cursor no longer leads anywhere."""


@dataclass
class RestConnector:
    """One REST system. `sleep` is given in tests; a record type read by two declarations is asked for once.

    `rate`: the limit to share with others who ask the same system; by default its own.
    """

    name: str
    system: System
    clock: Clock
    sleep: Callable[[float], None] = time.sleep
    rate: RateLimit | None = None
    _client: CheckedClient | None = None
    _done: dict[tuple[str, datetime | None], RawRecords] = field(default_factory=dict)

    def check(self) -> None:
        """Ask for the first page of the base record. Raises SystemUnavailable."""
        read = self._read_of(self.system.base_record)
        client = self._connected()
        try:
            client.start_collection()
            next(self._pages(client, read, read.path, {}))
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault

    def read(self, record: str, *, into: Path, until: datetime, since: datetime | None = None) -> RawRecords:
        """Read one record type; see `raw.Connector`."""
        read = self._read_of(record)
        since = since if read.window else None
        known = self._done.get((read.model_dump_json(), since))
        if known is not None and known.path.exists():
            return replace(known, path=Path(shutil.copyfile(known.path, into / f"{record}.jsonl")))
        started, before = self.clock.now(), self._connected().requests_sent
        path = into / f"{record}.jsonl"
        try:
            log, mode, problems, removed = self._read(record, path, since, until)
        except ReadFault as fault:
            raise unavailable(self.name, fault) from fault
        if log.rows == 0 and not any(problem.fatal for problem in problems):
            problems.append(Problem("empty_answer", f"{record}: the system answered with no records", fatal=False))
        report = ReadReport(
            started_at=started,
            ended_at=self.clock.now(),
            mode=mode,
            pages=log.pages,
            requests=self._connected().requests_sent - before,
            claimed_rows=log.claimed,
            problems=tuple(problems),
            removed_ids=tuple(removed),
        )
        done = RawRecords(path, "nested", log.rows, (), report)
        if report.complete:
            self._done[read.model_dump_json(), since] = done
        return done

    def _read(
        self, record: str, path: Path, since: datetime | None, until: datetime
    ) -> tuple[PageLog, Literal["full", "window"], list[Problem], list[str]]:
        """Pass over everything, by window or in full; an expired window becomes a full read."""
        declared, read = self.system.records[record], self._read_of(record)
        removed: list[str] = []

        def run(log: PageLog) -> None:
            removed.clear()
            self._pass(read, log, self._window(read, since, until), removed, path.parent)
            if since is not None:
                removed.extend(self._removed_elsewhere(read, since, until))

        def expired(fault: ReadFault) -> bool:
            return since is not None and read.window is not None and fault.status in read.window.expired_status

        try:
            log, problems = settled(
                record,
                lambda: PageLog(path, _key_of(declared), read.paginator.size),
                run,
                lost_place=lambda fault: fault.status in _LOST_PLACE,
                hopeless=expired,
            )
        except ReadFault as fault:
            if not expired(fault):
                raise
            log, mode, problems, removed = self._read(record, path, None, until)
            note = Problem("cursor_expired", f"{record}: the window has expired; read in full", fatal=False)
            return log, mode, [note, *problems], removed
        return log, "full" if since is None else "window", problems, removed

    def _pass(self, read: RestRead, log: PageLog, params: dict[str, str], removed: list[str], into: Path) -> None:
        client = self._connected()
        for parent in self._parents(read, into):
            path = read.path if parent is None else read.path.replace("{id}", quote(parent, safe=""))
            client.start_collection()
            log.begin()
            for page in self._pages(client, read, path, params):
                records = page if parent is None else [{**row, PARENT_ID: parent} for row in page]
                log.add(records, _claimed(read, page.response))
                removed += _removed_here(read, page.response)
            log.end()

    def _pages(self, client: CheckedClient, read: RestRead, path: str, params: dict[str, str]) -> Iterator[Any]:
        credentials = self.system.credentials
        query = {name: fill(value, credentials) for name, value in read.params.items()} | params
        body = dict(read.body) if read.body is not None else None
        if read.paginator.in_ == "body":
            body = {**(body or {}), **size_of(read.paginator)}
        else:
            query |= {name: str(size) for name, size in size_of(read.paginator).items()}
        return client.paginate(
            fill(path, credentials),
            method=read.method,
            params=query,
            json=body,
            headers={name: fill(value, credentials) for name, value in read.headers.items()},
            paginator=paginator_for(read, lambda response: _claimed(read, response)),
            data_selector=read.data,
            hooks={"response": []},
        )

    def _parents(self, read: RestRead, into: Path) -> Iterator[str | None]:
        """The ids to ask for, one collection each; a single None when the read is not per parent."""
        if read.each is None:
            yield None
            return
        declared, parents = self.system.records[read.each], self._read_of(read.each)
        known = self._done.get((parents.model_dump_json(), None))
        if known is None or not known.path.exists():
            folder = into / f"{read.each}-for-each"
            folder.mkdir(exist_ok=True)
            known = self.read(read.each, into=folder, until=self.clock.now())
            if not known.report.complete:
                raise ReadFault("missing_data", f"`{read.each}` could not be read completely")
        key = _key_of(declared)
        with known.path.open(encoding="utf-8") as lines:
            yield from filter(None, (key(decode(line)) for line in lines))

    def _removed_elsewhere(self, read: RestRead, since: datetime, until: datetime) -> list[str]:
        """Ids of deleted records, where a request of its own lists them."""
        deleted = read.window.deleted if read.window else None
        if deleted is None or not deleted.startswith("/"):
            return []
        path, _, ids = deleted.partition("#")
        client = self._connected()
        client.start_collection()
        url = path.replace("{since}", quote(_stamp(since), safe="")).replace("{until}", quote(_stamp(until), safe=""))
        content = client.get(fill(url, self.system.credentials)).json()
        return [str(found) for found in _flat(values_at(ids or "$", content))]

    def _window(self, read: RestRead, since: datetime | None, until: datetime) -> dict[str, str]:
        if since is None or read.window is None:
            return {}
        # Outward to whole seconds: a record read twice does no harm, a record between two windows is lost.
        closed = read.window.format.replace("{since}", _stamp(since))
        return {read.window.param: closed.replace("{until}", _stamp(until + timedelta(microseconds=999_999)))}

    def _read_of(self, record: str) -> RestRead:
        read = self.system.records[record].read
        if not isinstance(read, RestRead):
            raise TypeError(f"{self.name}.{record} is not declared for REST")
        return read

    def _connected(self) -> CheckedClient:
        if self._client is None:
            connection = self.system.connection
            retry = RetryPolicy(connection.retries, self.clock, self.sleep)
            rate = self.rate or RateLimit(connection.rate, self.sleep)
            try:
                self._client = CheckedClient(self.system.base_url, connection, self.system.credentials, retry, rate)
            except ReadFault as fault:
                raise unavailable(self.name, fault) from fault
        return self._client


def _key_of(declared: Record) -> Callable[[dict[str, Any]], str | None]:
    """How to tell whether a record was on an earlier page.

    Exploded records have their key inside, effective-dated ones may share it: there the whole record is taken.
    """
    whole = declared.explode is not None or declared.effective is not None
    path = declared.key.paths[0] if declared.key.paths else None

    def key(row: dict[str, Any]) -> str | None:
        if whole or path is None:
            return repr(row)
        found = first_at(path, row)
        return None if found is None else str(found)

    return key


def _claimed(read: RestRead, response: Response) -> int | None:
    if read.total is None:
        return None
    if read.total.startswith("header:"):
        text = response.headers.get(read.total.removeprefix("header:"))
    else:
        text = first_at(read.total, response.json())
    return int(text) if text is not None and str(text).isdigit() else None


def _removed_here(read: RestRead, response: Response) -> list[str]:
    deleted = read.window.deleted if read.window else None
    if deleted is None or deleted.startswith("/"):
        return []
    return [str(found) for found in _flat(values_at(deleted, response.json()))]


def _flat(found: list[Any]) -> Iterator[Any]:
    for item in found:
        yield from item if isinstance(item, list) else [item]


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
