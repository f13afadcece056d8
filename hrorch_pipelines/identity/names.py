"""Names as people write them: folding, nicknames. How whole values compare is in `agreement`."""

from __future__ import annotations

import csv
from functools import lru_cache
from pathlib import Path

_SHIPPED = Path(__file__).parents[2] / "data" / "catalogues" / "nicknames.csv"

FOLD_MACRO = """
CREATE OR REPLACE TEMP MACRO folded_name(x) AS nullif(translate(
    replace(replace(strip_accents(lower(x)), 'ß', 'ss'), 'æ', 'ae'), 'øłđı -–.''’`´,"()/\u00a0', 'oldi'), '')
"""
"""Letter case, accents, spaces and punctuation carry no identity; letters of every script stay."""


def nicknames(folder: Path) -> tuple[tuple[str, str], ...]:
    """Pairs (name, nickname) of `catalogues/nicknames.csv` beside the stack file, else of the one shipped with it."""
    own = folder / "catalogues" / "nicknames.csv"
    path = own if own.exists() else _SHIPPED
    return _read(path) if path.exists() else ()


@lru_cache(maxsize=8)
def _read(path: Path) -> tuple[tuple[str, str], ...]:
    with path.open(encoding="utf-8", newline="") as file:
        return tuple((row["name"].strip(), row["nickname"].strip()) for row in csv.DictReader(file))
