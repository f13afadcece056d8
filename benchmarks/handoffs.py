"""A pass at size: the second one, in which nothing is to be done, against the first, in which everybody is new.

`python benchmarks/handoffs.py [--persons N]`. Everybody has had their record for long (a step `done`, *before*); a few are
hired. What is printed is a ratio of processor time; nothing is asserted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.handoffs.passing import run_pass
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.ledger import open_ledger

sys.path.insert(0, str(Path(__file__).parents[1]))
from hrorch_tests.handoffs.chain import START, Seen, candidate, declare


def people(seen: Seen, persons: int) -> None:
    """`persons` who were hired long ago; their records stood in the first snapshot."""
    seen.con.execute(
        """INSERT INTO cells.ats BY NAME
           SELECT 'p' || i AS person_id, 'ats-' || i AS source_id, 'p' || i || '-1' AS application, 'Nowak' AS last_name,
                  'p' || i || '@home.example' AS personal_email, 'countersigned' AS offer_status, true AS authorised,
                  DATE '2020-01-01' + (i % 2000)::INTEGER AS start_date, 50000 + i % 1000 AS pay, [] AS changed
           FROM range($persons) r (i)""",
        {"persons": persons},
    )
    seen.con.execute(
        """INSERT INTO cells.hris BY NAME
           SELECT person_id, 'hris' || source_id AS source_id, application, last_name, personal_email, start_date,
                  'active' AS employment_status, [] AS changed FROM cells.ats"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--persons", type=int, default=100_000)
    parser.add_argument("--hired", type=int, default=20)
    given = parser.parse_args()
    stack = declare()
    with tempfile.TemporaryDirectory() as folder:
        home, clock = Home(Path(folder)), SetClock(START)
        ledger, seen = open_ledger(home, clock), Seen(stack)
        people(seen, given.persons)
        seen.decide()
        spent = {}
        for name in ("first", "hiring", "idle"):
            if name == "hiring":
                for number in range(given.hired):
                    seen.see("ats", f"new{number}", candidate(f"new{number}"), clock.now())
                seen.decide()
            began, clocked = time.process_time(), time.perf_counter()
            result = run_pass(ledger, seen.con, stack, clock.now())
            spent[name] = time.process_time() - began
            by_clock = time.perf_counter() - clocked
            print(
                f"{name:>7}: {spent[name]:7.2f} s ({by_clock:.2f} s by the clock), {result.total('evaluated'):,} looked at, "
                f"{result.total('moved'):,} moved, {result.total('proposed'):,} proposed"
            )
            clock.at += timedelta(hours=1)
        print(f"idle / first: {spent['idle'] / spent['first']:.3f} of {given.persons:,} persons")
        ledger.close()


if __name__ == "__main__":
    main()
