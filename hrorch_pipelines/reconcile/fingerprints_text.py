"""Fingerprints of text: only the form differs, zeros lost, cut off, nicknames, wrongly decoded characters."""

from __future__ import annotations

import duckdb

from hrorch_pipelines.reconcile.fingerprints import ORDER, Fingerprint
from hrorch_pipelines.reconcile.terms import Cause
from hrorch_pipelines.stack.models import Stack

SHORTEST_CUT = 6
"""A shorter prefix is likelier a short form than a field too narrow for the value."""

_FOLDED = (
    "array_to_string(list_sort(list_filter(regexp_split_to_array(lower(strip_accents({x})), '[^a-z0-9]+'), "
    "lambda word: word <> '')), ' ')"
)
_SQUASHED = "regexp_replace(lower(strip_accents({x})), '[^a-z0-9]', '', 'g')"
_TEXT = "kind IN ('text', 'name', 'email', 'code', 'identifier', 'phone')"

TEXTS: tuple[Fingerprint, ...] = (
    Fingerprint(
        Cause.FORMAT_ONLY,
        f"""{_TEXT} AND {_SQUASHED.format(x="a")} <> ''
            AND ({_SQUASHED.format(x="a")} = {_SQUASHED.format(x="c")} OR {_FOLDED.format(x="a")} = {_FOLDED.format(x="c")})""",
        "'only letter case, spacing, accents, punctuation or word order differ'",
    ),
    Fingerprint(
        Cause.LEADING_ZEROS_LOST,
        "kind IN ('identifier', 'phone', 'text', 'code') AND a <> c AND ltrim(a, '0') = ltrim(c, '0') AND ltrim(a, '0') <> ''",
        "CASE WHEN length(c) < length(a) THEN 'leading zeros are lost, as in a spreadsheet' ELSE 'the authority lost leading zeros' END",
    ),
    Fingerprint(
        Cause.TRUNCATED,
        f"kind IN ('text', 'name', 'email') AND length(c) >= {SHORTEST_CUT} AND length(c) < length(a) AND starts_with(lower(a), lower(c))",
        "'cut off after ' || length(c) || ' characters'",
    ),
    Fingerprint(
        Cause.NICKNAME_OR_FORMER_NAME,
        """kind = 'name' AND EXISTS (SELECT 1 FROM cause_nicknames n
               WHERE (n.name = lower(strip_accents(a)) AND n.nickname = lower(strip_accents(c)))
                  OR (n.name = lower(strip_accents(c)) AND n.nickname = lower(strip_accents(a))))""",
        "'one is a short form of the other'",
    ),
)


def load_nicknames(con: duckdb.DuckDBPyConnection, stack: Stack) -> None:
    """Fill `cause_nicknames(name, nickname)` from `catalogues/nicknames.csv` beside the stack file, when there is one."""
    con.execute("CREATE OR REPLACE TEMP TABLE cause_nicknames (name VARCHAR, nickname VARCHAR)")
    path = stack.folder / "catalogues" / "nicknames.csv"
    if path.is_file():
        con.execute(
            "INSERT INTO cause_nicknames SELECT lower(name), lower(nickname) FROM read_csv(?, all_varchar = true, header = true)",
            [str(path)],
        )


def find_mojibake(con: duckdb.DuckDBPyConnection) -> None:
    """Record rows where one value is the other's UTF-8 read as Latin-1 or Windows-1252, once or twice."""
    rows = con.execute(
        f"""SELECT discrepancy_id, a, c FROM cause_work
            WHERE {_TEXT} AND a IS NOT NULL AND c IS NOT NULL
              AND (a <> strip_accents(a) OR regexp_matches(a || c, '[^\\x00-\\x7F]'))"""
    ).fetchall()
    hits = [
        (identifier, ORDER.index(Cause.MOJIBAKE), Cause.MOJIBAKE.value, "UTF-8 text was read in another encoding")
        for identifier, authority, copy in rows
        if copy in misreadings(authority) or authority in misreadings(copy)
    ]
    if hits:
        con.executemany("INSERT INTO cause_hits VALUES (?, ?, ?, ?)", hits)


def misreadings(text: str) -> set[str]:
    """What `text` becomes when its UTF-8 bytes are read as Latin-1 or Windows-1252, once or twice over."""
    found: set[str] = set()
    current = {text}
    for _ in range(2):
        current = {
            reading
            for value in current
            for encoding in ("latin-1", "cp1252")
            if (reading := value.encode("utf-8").decode(encoding, errors="replace")) != value
        }
        # A system that trims, or drops what it cannot print, leaves the rest of the damage visible.
        found |= current | {" ".join(reading.split()) for reading in current}
    return found
