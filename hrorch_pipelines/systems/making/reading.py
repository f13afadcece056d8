"""All records of one type of a system, read by its own reader and mapped as a snapshot is; or not at all."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from hrorch_pipelines.clock import Clock
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.json_paths import decode
from hrorch_pipelines.systems.making.private import private_folder
from hrorch_pipelines.systems.mapping.errors import MappingFault
from hrorch_pipelines.systems.rate import RateLimit
from hrorch_pipelines.systems.raw import Connector, SystemUnavailable
from hrorch_pipelines.systems.rest import RestConnector
from hrorch_pipelines.systems.scim import ScimConnector
from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.remap import Mapped, Remap

_AT_ONCE = 2_000
"""Records mapped in one statement."""

Found = tuple[list[dict[str, Any]], list[Mapped]]
"""Source records, and the rows they hold (`Mapped.row` numbers them)."""


def read_all(
    stack: Stack,
    system: str,
    record: str,
    clock: Clock,
    remap: Remap,
    attributes: frozenset[str],
    *,
    rate: RateLimit,
    sleep: Callable[[float], None] = time.sleep,
    since: datetime | None = None,
    scratch: Path | None = None,
) -> Iterator[Found]:
    """Every record (or, where the system can say it, those changed `since`), some at a time.

    Raises WriteFault `not_done` before the first when the system cannot be read, or not in full: whoever is missing from
    half a list would be made a second time. Files with persons' data are under `scratch`, and gone when this returns.
    """
    declared = stack.systems[system]
    with private_folder(scratch, system) as folder:
        try:
            raw = _connector(stack, system, clock, rate, sleep).read(
                record, into=folder, until=clock.now(), since=since
            )
        except SystemUnavailable as away:
            raise fault(away.code, away.what, "not_done") from None
        broken = next((problem for problem in raw.report.problems if problem.fatal), None)
        if broken is not None:
            raise fault(broken.code, broken.detail, "not_done")
        if raw.report.mode == "full" and record == declared.base_record and raw.rows < declared.trust.min_rows:
            what = f"{record}: {raw.rows} rows, and `trust.min_rows` asks for {declared.trust.min_rows}"
            raise fault("min_rows", what, "not_done")
        with raw.path.open(encoding="utf-8") as lines:
            while chunk := [decode(line) for line in itertools.islice(lines, _AT_ONCE)]:
                try:
                    yield chunk, remap.rows(record, chunk, attributes)
                except MappingFault as wrong:
                    raise fault("bad_path", wrong.what, "refused") from None


def _connector(stack: Stack, system: str, clock: Clock, rate: RateLimit, sleep: Callable[[float], None]) -> Connector:
    """The snapshots' reader, under the rate of the maker."""
    declared = stack.systems[system]
    if declared.connector == "scim":
        return ScimConnector(system, declared, clock, sleep, rate=rate)
    return RestConnector(system, declared, clock, sleep, rate=rate)
