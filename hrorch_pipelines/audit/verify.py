"""Prove the log: nothing changed, dropped, inserted, reordered or cut off; if it was, which entry and how.

An entry's hash covers the hash before it, and both are stored: so stretches can be proved side by side, and the chain is
whole when each is.
"""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING

import sqlalchemy as sa

from hrorch_pipelines.audit.chain import MOST, Stretch
from hrorch_pipelines.audit.log import GENESIS, noted_tip
from hrorch_pipelines.audit.rows import read
from hrorch_pipelines.audit.values import check_values
from hrorch_pipelines.audit.verdict import Fault, Kind, Verdict
from hrorch_pipelines.storage.ledger_tables import audit_log
from hrorch_pipelines.storage.sealed import Seals

if TYPE_CHECKING:
    from hrorch_pipelines.audit.heads import Head

_WORTH_A_PROCESS = 200_000
"""Entries below which starting a second process takes longer than it saves."""


def verify(
    con: sa.Connection,
    *,
    head: Head | None = None,
    since: int | None = None,
    seals: Seals | None = None,
    workers: int = 2,
) -> Verdict:
    """Verify all entries, or those from `since` on, against each other, the noted end and an exported `head`.

    With `seals` the sealed values that still exist are opened and compared with what the envelopes commit to. A head's
    signature is checked where it is loaded (`heads.load`). Use a reading `con`; a large log is read by a second process
    too, which connects to the same database.
    """
    last = con.execute(sa.select(sa.func.max(audit_log.c.sequence))).scalar() or 0
    start = max(since or 1, 1)
    stretches = _walk(con, start, last, workers)
    faults = [] if start > 1 else _before_the_first(con)
    faults += [fault for stretch in stretches for fault in stretch.faults]
    faults += _noted_end(con, last)
    if head is not None:
        faults += _exported_end(con, head, last)
    opened = None
    if seals is not None:
        opened, wrong = check_values(con, seals, start)
        faults += wrong
    more = sum(stretch.more for stretch in stretches) + max(0, len(faults) - MOST)
    return Verdict(sum(stretch.entries for stretch in stretches), tuple(faults[:MOST]), more, opened)


def _walk(con: sa.Connection, start: int, last: int, workers: int) -> list[Stretch]:
    """The stretches of the chain, in order. Processes see committed entries only, so a writer walks alone."""
    count = last - start + 1
    alone = count < _WORTH_A_PROCESS or workers < 2 or con.get_execution_options().get("hrorch_writes")
    if alone or con.engine.url.database in {None, "", ":memory:"}:
        return [_stretch(con, start, last)]
    size = -(-count // workers)
    parts = [(first, min(first + size - 1, last)) for first in range(start, last + 1, size)]
    url = con.engine.url.render_as_string(hide_password=False)
    with ProcessPoolExecutor(len(parts) - 1, multiprocessing.get_context("spawn")) as pool:
        others = [pool.submit(_elsewhere, url, first, until) for first, until in parts[1:]]
        return [_stretch(con, *parts[0]), *(other.result() for other in others)]


def _elsewhere(url: str, first: int, last: int) -> Stretch:
    engine = sa.create_engine(url, hide_parameters=True)
    with engine.connect() as con:
        found = _stretch(con, first, last)
    engine.dispose()
    return found


def _stretch(con: sa.Connection, first: int, last: int) -> Stretch:
    """Walk one stretch; two entries before it are read too: the hash before, and the one that proves that."""
    begin = max(first - 2, 1)
    made = Stretch(begin, (GENESIS,) if begin == 1 else (), silent_before=first if begin < first else 0)
    made.walk(read(con, begin, last))
    if made.next <= last:
        made.note_missing(last)
    return made


def _before_the_first(con: sa.Connection) -> list[Fault]:
    rows = con.execute(sa.select(audit_log.c.sequence).where(audit_log.c.sequence < 1).limit(MOST))
    return [Fault(Kind.STRANGE, row.sequence, "entries are numbered from 1") for row in rows]


def _noted_end(con: sa.Connection, last: int) -> list[Fault]:
    noted = noted_tip(con)
    if noted is None:
        return [Fault(Kind.HEAD, last, "the ledger's note of the log's end is gone")] if last else []
    if noted.sequence < last:
        return [_range(Kind.BEYOND, noted.sequence + 1, last, "after the end that the ledger notes")]
    return _end(con, noted.sequence, noted.hash, last, "the ledger notes")


def _exported_end(con: sa.Connection, head: Head, last: int) -> list[Fault]:
    return _end(con, head.sequence, head.hash, last, "was exported")


def _end(con: sa.Connection, sequence: int, digest: str, last: int, what: str) -> list[Fault]:
    if sequence > last:
        return [_range(Kind.TRUNCATED, last + 1, sequence, f"the log stops before the end that {what}")]
    stored = con.execute(sa.select(audit_log.c.hash).where(audit_log.c.sequence == sequence)).scalar()
    if sequence and stored != digest:
        return [Fault(Kind.HEAD, sequence, f"its hash is not the one that {what}: it, or one before it, was replaced")]
    return []


def _range(kind: Kind, first: int, last: int, what: str) -> Fault:
    return Fault(kind, first, what, until=last if last > first else None)
