"""The warehouse file: one writer at a time, short writes; and the read-only copy of it that everybody else opens."""

from __future__ import annotations

import os
import re
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import duckdb
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_random_exponential

from hrorch_pipelines.clock import Clock, SystemClock
from hrorch_pipelines.storage.copying import copy_file
from hrorch_pipelines.storage.durable import sync_folder
from hrorch_pipelines.storage.engine import connect, engine_errors, told
from hrorch_pipelines.storage.errors import NothingPublished, WarehouseBusy
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.sql import literal

_HOLDER = re.compile(r"PID (\d+)")
_WRITERS: defaultdict[Path, threading.Lock] = defaultdict(threading.Lock)
"""One lock per file: DuckDB's own keeps other processes out, and would let a second thread of this one in."""


class _TakenError(Exception):
    """The file is in use at this moment; `holder` is a process id when DuckDB names one."""

    def __init__(self, holder: int | None) -> None:
        super().__init__()
        self.holder = holder


@dataclass(frozen=True)
class Warehouse:
    """The one writable store of the warehouse stages.

    `patience` is how long a writer waits for another to finish; `sleep` is injected by tests.
    """

    home: Home
    clock: Clock
    patience: timedelta = timedelta(seconds=60)
    sleep: Callable[[float], None] = field(default=time.sleep, repr=False)

    @contextmanager
    def write(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The warehouse, for a short while, for nobody else.

        Raises WarehouseBusy after `patience`; WarehouseError for whatever the engine refuses inside the block.
        """
        path = self.home.warehouse
        path.parent.mkdir(parents=True, exist_ok=True)
        self.home.scratch.mkdir(parents=True, exist_ok=True)
        con = self._wait_for(path)
        try:
            with engine_errors():
                yield con
        finally:
            try:
                con.close()
            finally:
                _WRITERS[path.resolve()].release()

    def _wait_for(self, path: Path) -> duckdb.DuckDBPyConnection:
        patience = self.patience.total_seconds()

        def given_up(state: RetryCallState) -> bool:
            return state.idle_for >= patience

        def busy(state: RetryCallState) -> duckdb.DuckDBPyConnection:
            taken = state.outcome.exception() if state.outcome else None
            raise WarehouseBusy(
                path, state.idle_for, taken.holder if isinstance(taken, _TakenError) else None
            ) from None

        return Retrying(
            sleep=self.sleep,
            wait=wait_random_exponential(multiplier=0.05, max=1),
            stop=given_up,
            retry=retry_if_exception_type(_TakenError),
            retry_error_callback=busy,
        )(_take, path, self.home.scratch / "duckdb")


def publish(home: Home) -> Path:
    """Copy the warehouse's file as it stands and put the copy in place of the old one. Returns where it lies.

    Whoever has the old copy open goes on reading it. A crash on the way leaves the old copy. The bytes are copied, not
    the rows: at 1,000,000 persons that takes a second, where writing six of sixteen tables anew took 12 s.
    Raises WarehouseBusy.
    """
    made = home.scratch / "publish.duckdb"
    home.published.parent.mkdir(parents=True, exist_ok=True)
    with Warehouse(home, SystemClock()).write() as con:
        con.execute("CHECKPOINT")
        made.unlink(missing_ok=True)
        held = ExitStack()
        try:
            source = os.open(home.warehouse, os.O_RDONLY)
            held.callback(os.close, source)
            copy_file(source, made, held)
            made.replace(home.published)
        finally:
            made.unlink(missing_ok=True)
            # Closing any descriptor of a file drops this process's locks on it, so the connection goes first.
            con.close()
            held.close()
    sync_folder(home.published.parent)
    return home.published


def open_published(home: Home) -> duckdb.DuckDBPyConnection:
    """A read-only connection to the copy published last; close it, or use it in a `with`. Raises NothingPublished.

    The copy is attached to a connection of its own: DuckDB hands out one instance per path, so opening the path itself
    would show an older copy for as long as anything in this process has that one open.
    """
    if not home.published.exists():
        raise NothingPublished(home.published)
    home.scratch.mkdir(parents=True, exist_ok=True)
    con = connect(None, temporary=home.scratch / "duckdb", memory_limit="25%")
    with engine_errors("published"):
        con.execute(f"ATTACH {literal(str(home.published))} AS published (READ_ONLY)")
        con.execute("USE published")
    return con


def _take(path: Path, temporary: Path) -> duckdb.DuckDBPyConnection:
    """Open the file for writing, or raise _TakenError."""
    lock = _WRITERS[path.resolve()]
    if not lock.acquire(blocking=False):
        raise _TakenError(None)
    try:
        return connect(path, temporary=temporary)
    except duckdb.Error as error:
        lock.release()
        if isinstance(error, duckdb.IOException) and "lock" in str(error):
            found = _HOLDER.search(str(error))
            raise _TakenError(int(found[1]) if found else None) from None
        raise told(error, path.name) from None
    except BaseException:
        lock.release()
        raise
