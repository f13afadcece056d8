"""The same kind of company as plain files, for benchmarks: five systems × N records × 20 attributes as CSV, made by SQL.

Everything is computed in DuckDB from the row number and the seed, so a million records take seconds. A declared share of
cells disagrees with the HRIS; which ones follows from the seed too (`discrepant` is the count per system).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb

from hrorch_pipelines.sandbox.company import DEPARTMENTS, TITLES, first_names, last_names
from hrorch_pipelines.storage.sql import ident, literal

SYSTEMS = ("hris", "payroll", "directory", "ats", "onboarding")

_FIRST = [name for name, _ in first_names()]
_CITIES = ("Chicago", "Evanston", "Milwaukee", "Boston", "Newark")

COLUMNS: dict[str, tuple[str, str]] = {
    "employee_number": ("identifier", "printf('%08d', (n * 374321 + 4177) % 99999989)"),
    "legal_first_name": ("name", "pick($first, h1)"),
    "legal_last_name": ("name", "pick($last, h2)"),
    "preferred_name": ("name", "CASE WHEN h3 % 4 = 0 THEN pick($first, h3) END"),
    "work_email": ("email", "'person' || n || '@lakeside.example'"),
    "personal_email": ("email", "'person' || n || '@mail.example'"),
    "phone": ("phone", "printf('+1312%07d', (n * 4812373 + 2345678) % 9999991)"),
    "date_of_birth": ("date", "CAST(DATE '1962-01-01' + CAST(h4 % 15000 AS INTEGER) AS VARCHAR)"),
    "postcode": ("identifier", "printf('%05d', 2100 + h5 % 60000)"),
    "job_title": ("text", "pick($titles, h6)"),
    "department": ("text", "pick($departments, h7)"),
    "location": ("text", "pick($cities, h8)"),
    "manager": ("text", "printf('%08d', ((n // 12 + 1) * 374321 + 4177) % 99999989)"),
    "employment_type": ("code", "CASE WHEN h9 % 8 = 0 THEN 'part_time' ELSE 'full_time' END"),
    "employment_status": ("code", "CASE WHEN h9 % 25 = 1 THEN 'leave' ELSE 'active' END"),
    "start_date": ("date", "CAST(DATE '2012-01-01' + CAST(h3 % 5000 AS INTEGER) AS VARCHAR)"),
    "pay_amount": ("pay", "printf('%.2f', 31200 + (h1 % 3000) * 62.4)"),
    "pay_currency": ("code", "'USD'"),
    "fte": ("decimal", "CASE WHEN h9 % 8 = 0 THEN '0.80' ELSE '1.00' END"),
    "flsa_status": ("code", "CASE WHEN h1 % 3000 < 460 THEN 'nonexempt' ELSE 'exempt' END"),
}
"""Attribute → (type, SQL over the row number `n` and its hashes)."""

_KEYS = frozenset({"employee_number"})

_PEOPLE = """
CREATE OR REPLACE TEMP TABLE export_people AS
WITH numbered AS (
    SELECT range + 1 AS n FROM range($people)
), hashed AS (
    SELECT n, {hashes} FROM numbered
)
SELECT n, {columns} FROM hashed
"""

_COPY = """
COPY (
    WITH marked AS (
        SELECT *, hash(n, $system, $seed, 'cell') AS mark FROM export_people
    )
    SELECT {identifier} AS id, {columns} FROM marked ORDER BY hash(n, $system, $seed)
) TO {path} (FORMAT csv, HEADER)
"""


@dataclass(frozen=True)
class Export:
    """What was written. `discrepant` counts cells per system that differ from the HRIS."""

    folder: Path
    people: int
    discrepant: dict[str, int]
    stack: Path


def export_files(folder: Path, people: int, *, seed: int = 7, share: float = 0.002) -> Export:
    """Write `<system>.csv` of every system and a `stack.yaml` for the `files` connector into a folder.

    In each system but the HRIS one cell is wrong in about `share` × 19 of the records, so that `share` of all comparable
    cells disagree. Raises ValueError for a share outside 0 … 0.05.
    """
    if not 0 <= share <= 0.05:
        raise ValueError("share is a fraction of cells, 0 to 0.05")
    folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("SET enable_progress_bar = false")
    try:
        _make_people(con, people, seed)
        discrepant = {system: _write(con, folder, system, seed, share) for system in SYSTEMS}
    finally:
        con.close()
    stack = folder / "stack.yaml"
    stack.write_text(stack_text(), encoding="utf-8")
    return Export(folder, people, discrepant, stack)


def stack_text() -> str:
    """A stack file that reads the five files beside it."""
    fields = "".join(
        f"          {name}: {{from: {name}, currency: USD, unit: year}}\n"
        if kind == "pay"
        else f"          {name}: {name}\n"
        for name, (kind, _) in COLUMNS.items()
    )
    systems = "".join(
        f"  {system}:\n    connector: files\n    base_url: .\n    owner: owner\n    trust: {{max_age: 3650d}}\n    records:\n"
        f"      worker:\n        read: {{path: {system}.csv, encoding: utf-8, delimiter: ','}}\n        key: id\n        fields:\n{fields}"
        for system in SYSTEMS
    )
    attributes = "".join(f"  {name}: {{data_type: employee, type: {kind}}}\n" for name, (kind, _) in COLUMNS.items())
    return (
        "version: 1\norganization: {name: Benchmark, time_zone: UTC, currency: USD}\n"
        "people:\n  owner: {name: Owner, email: owner@lakeside.example}\n"
        f"systems:\n{systems}attributes:\n{attributes}"
        "stages:\n  worker: {present_in: [hris]}\n  other: {present_in: [payroll, directory, ats, onboarding]}\n"
        "authority:\n  employee: {worker: hris, other: payroll}\n"
        "matching:\n  keys:\n    - {attributes: [employee_number], confirm: [legal_last_name, date_of_birth, legal_first_name]}\n"
    )


def _make_people(con: duckdb.DuckDBPyConnection, people: int, seed: int) -> None:
    con.execute("CREATE MACRO pick(list, h) AS list[1 + CAST(h % len(list) AS BIGINT)]")
    hashes = ", ".join(f"hash(n, $seed, {number}) AS h{number}" for number in range(1, 10))
    columns = ", ".join(f"{sql} AS {ident(name)}" for name, (_, sql) in COLUMNS.items())
    con.execute(
        _PEOPLE.format(hashes=hashes, columns=columns),
        {
            "people": people,
            "seed": seed,
            "first": _FIRST,
            "last": last_names(),
            "titles": [title for titles in TITLES.values() for title, _, _ in titles],
            "departments": list(DEPARTMENTS),
            "cities": list(_CITIES),
        },
    )


def _write(con: duckdb.DuckDBPyConnection, folder: Path, system: str, seed: int, share: float) -> int:
    """One system's file; a marked record has its `mark`-th cell altered: a letter or digit more, or emptied."""
    names = [name for name in COLUMNS if name not in _KEYS]
    per_record = int(share * len(names) * 1_000_000) if system != "hris" else 0
    columns = [ident(name) for name in _KEYS]
    for position, name in enumerate(names):
        hit = f"mark % 1000000 < {per_record} AND (mark // 1000000) % {len(names)} = {position}"
        columns.append(f"CASE WHEN {hit} THEN {_altered(name)} ELSE {ident(name)} END AS {ident(name)}")
    values = {"system": system, "seed": seed}
    statement = _COPY.format(
        identifier=f"{literal(system[0].upper())} || n",
        columns=", ".join(columns),
        path=literal(str(folder / f"{system}.csv")),
    )
    con.execute(statement, values)
    found = con.execute(
        f"SELECT count(*) FROM export_people WHERE hash(n, $system, $seed, 'cell') % 1000000 < {per_record}", values
    ).fetchone()
    return int(found[0]) if found else 0


def _altered(name: str) -> str:
    """SQL for a wrong value of the same type; never equal to the right one."""
    column = ident(name)
    match COLUMNS[name][0]:
        case "date":
            return f"CAST(CAST({column} AS DATE) + 1 AS VARCHAR)"
        case "pay":
            return f"printf('%.2f', CAST({column} AS DOUBLE) + 900)"
        case "decimal":
            return "'0.50'"
        case "code":
            return "'other'"
        case "phone" | "identifier":
            return f"left({column}, length({column}) - 1) || CAST((CAST(right({column}, 1) AS INTEGER) + 1) % 10 AS VARCHAR)"
        case "email":
            return f"'x' || {column}"
        case _:
            return f"coalesce({column}, '') || ' II'"
