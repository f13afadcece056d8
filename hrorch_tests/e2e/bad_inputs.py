"""A day on which every system but one delivers something broken, each in its own way: issue 2, section 12.

`write_good` is the day before; `write_bad` the day itself. What should become of each is in the test.
"""

from __future__ import annotations

import json
from pathlib import Path

from hrorch_tests.e2e.company import Exports, write_csv

REFUSED = ("empty", "header_only", "binary", "wrong_encoding", "no_key_column", "renamed", "json_half", "html")
"""Systems whose whole delivery cannot be believed."""

JUDGED = ("duplicates", "values", "huge_cell", "nul")
"""Systems that deliver some records that cannot be believed among many that can."""

SYSTEMS = ("hris", *REFUSED, *JUDGED)
JSON = ("json_half",)
PEOPLE = 16

BAD_CELLS: dict[str, tuple[str, str, str]] = {
    "0001": ("date_of_birth", "1980-02-30", "not_a_date"),
    "0002": ("date_of_birth", "30/02/1980", "not_a_date"),
    "0003": ("pay_amount", "1.234,56", "not_a_number"),
    "0004": ("pay_amount", "$1,234.56", "not_a_number"),
    "0005": ("pay_amount", "NaN", "not_a_number"),
    "0006": ("pay_amount", "Infinity", "not_a_number"),
    "0007": ("pay_amount", "-inf", "not_a_number"),
    "0008": ("date_of_birth", "0000-00-00", "not_a_date"),
    "0009": ("date_of_birth", "10000-01-01", "not_a_date"),
    "0010": ("pay_amount", "1e400", "not_a_number"),
    "0011": ("start_date", "0001-01-01", "out_of_range"),
    "0012": ("start_date", "9999-12-31", "out_of_range"),
}
"""Record → a cell that cannot be read, and why. Nothing in the mapping says how, so nothing may be guessed."""


def world(folder: Path, url: str) -> Exports:
    """The exports and their stack file; `url` is where the API answers."""
    exports = Exports(folder, systems=SYSTEMS, people=PEOPLE)
    exports.stack(
        **{f"systems__{name}__records__worker__read": {"path": "people.json"} for name in JSON},
        systems__wrong_encoding__records__worker__read={"path": "people.csv", "encoding": "utf-8"},
        systems__html={
            "connector": "rest",
            "base_url": url,
            "owner": "kim",
            "connection": {"retries": 0},
            "records": {"worker": {"read": {"path": "/people"}, "key": "id", "fields": dict(exports.fields)}},
        },
    )
    return exports


def write_good(exports: Exports) -> None:
    """The day before."""
    for name in SYSTEMS:
        if name in JSON:
            write_json(exports, name, exports.rows())
        elif name != "html":
            exports.put(name, exports.rows())


def write_bad(exports: Exports) -> None:
    """The day itself; `html` is the test's own server's business."""
    rows = exports.rows()
    exports.file("empty").write_bytes(b"")
    exports.file("header_only").write_text(",".join(rows[0]) + "\n", encoding="utf-8")
    exports.file("binary").write_bytes(bytes(range(256)) * 64)
    exports.file("wrong_encoding").write_bytes(exports.file("wrong_encoding").read_bytes().decode().encode("cp1252"))
    exports.put("no_key_column", [{name: value for name, value in row.items() if name != "id"} for row in rows])
    exports.put("renamed", [{RENAMED.get(name, name): value for name, value in row.items()} for row in rows])
    text = json.dumps(rows)
    exports.file("json_half").with_name("people.json").write_text(text[: len(text) // 2], encoding="utf-8")
    exports.put("duplicates", [*rows, {**rows[0], "legal_last_name": "Somebodyelse"}, {**rows[1], "id": ""}])
    exports.put("values", [{**row, **_cells(row["id"])} for row in rows])
    exports.put("huge_cell", [*rows[:-1], {**rows[-1], "department": "x" * 10_000_000}])
    write_csv(exports.file("nul"), [*rows[:-1], {**rows[-1], "legal_last_name": "Nul\x00byte"}])


RENAMED = {"pay_amount": "Annual pay"}


def write_json(exports: Exports, system: str, rows: list[dict[str, str]]) -> None:
    path = exports.file(system).with_name("people.json")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows), encoding="utf-8")


def _cells(key: str) -> dict[str, str]:
    if key not in BAD_CELLS:
        return {}
    attribute, written, _ = BAD_CELLS[key]
    return {attribute: written}
