"""What the ledger tells on the HTML page: M3 and M4, what was corrected, and what moves by itself between the systems.

A ledger that is not there or cannot be read costs these parts, never the page.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hrorch_pipelines.exceptions.durations import resolution_times, spells
from hrorch_pipelines.monitoring.detection import detection, failures
from hrorch_pipelines.reports import page_corrections, page_handoffs
from hrorch_pipelines.reports.headline import DETECTION, RESOLUTION, Told, detection_told, resolution_told
from hrorch_pipelines.reports.scene import Scene
from hrorch_pipelines.storage.ledger import Ledger
from hrorch_pipelines.storage.ledger_errors import LedgerError

WINDOW = 30
"""Days of failures that M3 is of, as in `hrorch monitor times`."""

NO_LEDGER = "this page was made from the published copy alone, without the ledger"


@dataclass(frozen=True)
class Acted:
    """What the ledger told: both rates in words, and what the template shows of the rest."""

    rates: tuple[Told, ...]
    told: dict[str, Any] = field(repr=False)


def acted(scene: Scene, open_ledger: Callable[[], Ledger] | None) -> Acted:
    """Read the ledger, and close it. Without one, or when it cannot be read, the reason stands in the place of each part."""
    if open_ledger is None:
        return _silent(NO_LEDGER)
    try:
        with closing(open_ledger()) as ledger:
            return _read(scene, ledger)
    except LedgerError as fault:
        # Its words may name a server; the code tells whoever reads the page enough to ask the right colleague.
        return _silent(f"the ledger could not be read when this page was made ({fault.code})")


def _read(scene: Scene, ledger: Ledger) -> Acted:
    now, window = ledger.clock.now(), timedelta(days=WINDOW)
    with ledger.read() as con:
        known = failures(con, scene.con, since=now - window)
        noticed = detection(known, now, window, censored=False)[0]
        elapsed, working = resolution_times(spells(con, scene.stack, now), censored=False)
    told = {
        "ledger_at": scene.moment(now),
        "unread": "",
        "acted": page_corrections.corrected(scene, ledger),
        "moving": page_handoffs.handed(scene, ledger) if scene.stack.handoffs else None,
    }
    return Acted((detection_told(noticed, WINDOW), resolution_told(elapsed, working)), told)


def _silent(why: str) -> Acted:
    rates = tuple(Told(title, "–", f"Not shown: {why}.") for title in (DETECTION, RESOLUTION))
    return Acted(rates, {"ledger_at": "", "unread": f"Not shown: {why}.", "acted": None, "moving": None})
