"""How fast the audit log is written and proved: entries per second, as ratios to what was promised.

20,000 entries a second appended in batches of 5,000, each with a sealed before and after, and 200,000 a second verified.
`python benchmarks/audit.py [--entries N] [--persons N] [--url URL]`
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from _measure import Timed, Timings, machine

from hrorch_pipelines.audit.entries import Action, Entry
from hrorch_pipelines.audit.log import append
from hrorch_pipelines.audit.verify import verify
from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import Ledger, open_ledger
from hrorch_pipelines.storage.sealed import Seals

APPENDED, VERIFIED = 20_000, 200_000
BATCH = 5_000


def entries(start: int, persons: int) -> list[Entry]:
    return [
        Entry(
            Action.CONFIRMED,
            person_id=f"p-{number % persons:06}",
            system="payroll",
            record="employee",
            source_id=f"E{number:07}",
            attribute="pay_amount",
            before=f"{number}.00",
            after=f"{number + 1}.00",
            rule="compensation: worker → payroll",
            correction_id=f"c-{number:024}",
            detail={"attempts": 1},
        )
        for number in range(start, start + BATCH)
    ]


def write(ledger: Ledger, batch: list[Entry]) -> None:
    """One batch in a transaction of its own."""
    with ledger.write() as con:
        now = ledger.clock.now()
        append(con, Seals(con, ledger.home.key(), now), batch, now, "stack")


def tell(step: Timed, wanted: int, promised: int) -> None:
    rate = wanted / step.wall
    print(
        f"{step.name:<8}{rate:>10,.0f} entries/s   {rate / promised:.2f} × the promised {promised:,}"
        f"   ({wanted / step.cpu:,.0f} per second of processor time)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--persons", type=int, default=500)
    parser.add_argument("--url", help="another ledger than SQLite in a temporary folder; must be empty")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(Home(Path(folder)), SystemClock(), options.url)
        wanted = max(BATCH, options.entries // BATCH * BATCH)
        times = Timings()
        for start in range(0, wanted, BATCH):
            batch = entries(start, options.persons)
            with times.step("append"):
                write(ledger, batch)
        with times.step("verify"), ledger.read() as con:
            verdict = verify(con)
        ledger.close()
    assert verdict.ok, verdict.faults
    assert verdict.entries == wanted
    print(f"{wanted:,} entries on {machine()}")
    tell(times.steps["append"], wanted, APPENDED)
    tell(times.steps["verify"], wanted, VERIFIED)


if __name__ == "__main__":
    main()
