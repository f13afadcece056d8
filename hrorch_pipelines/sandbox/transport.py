"""Faults of transport: what may go wrong between a client and a sandbox system, and which of it is switched on now.

How a fault looks on the wire is in `servers/faulty.py`; faults in the data themselves are the world's business.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class FaultKind(StrEnum):
    """What goes wrong; see DOMAIN.md, "What goes wrong in the wild"."""

    PAGE_DRIFT = "page_drift"  # a record comes or goes while a client is paging
    TRUNCATED_PAGE = "truncated_page"  # fewer rows than the answer promises
    REDIRECT_ZERO = "redirect_zero"  # 302 to a page with no rows, or to a sign-in page
    RATE_LIMITED = "rate_limited"  # 429
    UNAVAILABLE = "unavailable"  # 503
    TIMEOUT = "timeout"  # done, but answered after longer than the client waits
    HALF_FILE = "half_file"  # the full Content-Length, half the body
    OUTAGE = "outage"  # the connection closes at once
    HTML_200 = "html_200"  # a web page instead of JSON, status 200
    EMPTY = "empty"  # a well-formed answer without rows
    EXPIRED_CURSOR = "expired_cursor"  # the cursor or window of the next page is no longer known
    LAGGING_READS = "lagging_reads"  # a write is seen only after some reads or seconds
    LOST_ANSWER = "lost_answer"  # the write is done, the connection drops
    IGNORED_WRITE = "ignored_write"  # the write is answered 200 and nothing changes


_READS = {FaultKind.PAGE_DRIFT, FaultKind.TRUNCATED_PAGE, FaultKind.EMPTY, FaultKind.EXPIRED_CURSOR}
_WRITES = {FaultKind.LAGGING_READS, FaultKind.LOST_ANSWER, FaultKind.IGNORED_WRITE}


class Fault(BaseModel):
    """One fault, switched on for the next `times` requests it fits, or until switched off."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fault: FaultKind
    times: int | None = Field(None, gt=0, description="Requests it hits; until switched off when absent.")
    skip: int = Field(0, ge=0, description="Fitting requests let through first.")
    path: str | None = Field(None, description="Regular expression the request's path must contain.")
    retry_after: int | None = Field(
        None, ge=0, description="429 and 503: seconds in Retry-After; no header when absent."
    )
    seconds: float = Field(
        35, ge=0, description="timeout: how late the answer is. lagging_reads: how late the write is."
    )
    reads: int | None = Field(None, ge=0, description="lagging_reads: reads that still see the old value.")
    drift: Literal["inserted", "removed"] = Field("inserted", description="page_drift: what happened before this page.")
    to: Literal["empty", "sign_in"] = Field("empty", description="redirect_zero: where the redirect leads.")

    @field_validator("path")
    @classmethod
    def _compiles(cls, path: str | None) -> str | None:
        if path is not None:
            try:
                re.compile(path)
            except re.error as wrong:
                raise ValueError(f"not a regular expression: {wrong}") from wrong
        return path

    def fits(self, *, path: str, write: bool, sign_in: bool, continues: bool) -> bool:
        """Whether a request is one this fault is about.

        `sign_in` requests (asking for a token) are hit by an outage only, unless `path` names them; `continues` says that
        the request asks for a later page or for a window of changes.
        """
        if self.path is not None:
            if not re.search(self.path, path):
                return False
        elif sign_in and self.fault is not FaultKind.OUTAGE:
            return False
        if self.fault in _WRITES:
            return write
        if self.fault in _READS and write:
            return False
        return continues if self.fault in {FaultKind.PAGE_DRIFT, FaultKind.EXPIRED_CURSOR} else True


class FaultBoard:
    """Which faults are on, per system; kept in `faults.json`. Safe to use from several threads of one process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "faults.json"
        self._lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._faults: dict[str, list[Fault]] = {}
        self.hold: Callable[[float], float] = lambda seconds: seconds
        """Asked for how long a late answer is held back, in the machine's seconds; simulated time may pass instead."""
        if self._path.exists():
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            self._faults = {system: [Fault.model_validate(one) for one in faults] for system, faults in kept.items()}

    def switch_on(self, system: str, fault: Fault | FaultKind | str, **settings: object) -> Fault:
        """Add a fault to a system; one of the same kind and path is replaced. Settings as in `Fault`."""
        new = fault if isinstance(fault, Fault) else Fault.model_validate({"fault": fault, **settings})
        with self._lock:
            others = [one for one in self._faults.get(system, []) if (one.fault, one.path) != (new.fault, new.path)]
            self._faults[system] = [*others, new]
            self._keep()
        return new

    def switch_off(self, system: str | None = None, kind: FaultKind | str | None = None) -> None:
        """Take faults away: one kind of a system, all of a system, or all."""
        with self._lock:
            for name in [system] if system else list(self._faults):
                left = [one for one in self._faults.get(name, []) if kind is not None and one.fault != kind]
                self._faults[name] = left
            self._faults = {name: faults for name, faults in self._faults.items() if faults}
            self._keep()

    def on(self, system: str, kind: FaultKind | None = None) -> list[Fault]:
        """The faults of a system that are switched on."""
        with self._lock:
            return [one for one in self._faults.get(system, []) if kind is None or one.fault is kind]

    def everything(self) -> dict[str, list[Fault]]:
        """All faults that are switched on."""
        with self._lock:
            return {system: list(faults) for system, faults in self._faults.items()}

    def take(self, system: str, *, path: str, write: bool, sign_in: bool, continues: bool) -> Fault | None:
        """The fault that hits this request, counted; None when the request goes through."""
        if system not in self._faults:
            return None
        with self._lock:
            faults = self._faults.get(system, [])
            for place, fault in enumerate(faults):
                if not fault.fits(path=path, write=write, sign_in=sign_in, continues=continues):
                    continue
                left: list[Fault] = []
                if fault.skip:
                    left = [fault.model_copy(update={"skip": fault.skip - 1})]
                elif fault.times is None or fault.times > 1:
                    left = [fault.model_copy(update={"times": fault.times - 1 if fault.times else None})]
                self._faults[system] = [*faults[:place], *left, *faults[place + 1 :]]
                if left != [fault]:
                    self._keep()
                if not fault.skip:
                    return fault
                faults = self._faults[system]
        return None

    def _keep(self) -> None:
        text = json.dumps(
            {
                system: [one.model_dump(mode="json", exclude_defaults=True) for one in faults]
                for system, faults in self._faults.items()
                if faults
            }
        )
        draft = self._path.with_suffix(".part")
        draft.write_text(text, encoding="utf-8")
        os.replace(draft, self._path)  # noqa: PTH105  (atomic on every platform)
