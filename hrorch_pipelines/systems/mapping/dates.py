"""Dates and moments: ISO 8601 unless formats are declared. 30/02, the year 1 and 9999 are faults, never moved.

Written without a zone, a moment is in the field's zone (else the system's, else the organization's). A *date* taken from
a moment with a zone is the date as written, unless the field declares `time_zone`: then it is the date in that zone.
A local time that occurs twice is taken as the later one.
"""

from __future__ import annotations

import duckdb

from hrorch_pipelines.storage.sql import literal
from hrorch_pipelines.systems.mapping.cells import Cell
from hrorch_pipelines.systems.mapping.codes import FaultCode
from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.statement import Statement

FIRST_YEAR, LAST_YEAR, OPEN_YEAR = 1900, 2200, 9999

_DAY = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:[.,][0-9]+)?)?"
_ZONE = r" ?(?:[zZ]|[+-](?:0[0-9]|1[0-4])(?::?[0-5][0-9])?)"
_SERIAL = r"[0-9]{1,7}(?:\.[0-9]+)?"
_EPOCH = r"-?[0-9]{1,14}(?:\.[0-9]+)?"
_MICROS_A_DAY = 86_400_000_000


def convert_date(con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell) -> None:
    """DATE. An open-ended cell reads any day of the year 9999 as no end (NULL, no fault)."""
    _check_zone(con, cell)
    readings = [_date_reading(con, statement, cell, form) for form in _forms(cell)]
    day = statement.add("shapes", cell.column("day"), _first(readings))
    cell.value = f"CASE WHEN year({day}) BETWEEN {FIRST_YEAR} AND {LAST_YEAR} THEN {day} END"
    cell.fail(f"{cell.has_text()} AND {day} IS NULL", FaultCode.NOT_A_DATE)
    beyond = f"year({day}) NOT BETWEEN {FIRST_YEAR} AND {LAST_YEAR}"
    cell.fail(beyond + (f" AND year({day}) <> {OPEN_YEAR}" if cell.open_ended else ""), FaultCode.OUT_OF_RANGE)


def convert_timestamp(con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell) -> None:
    """TIMESTAMPTZ, in UTC. A day alone is its first moment in the cell's zone."""
    _check_zone(con, cell)
    readings = [_moment_reading(con, statement, cell, form) for form in _forms(cell)]
    moment = statement.add("shapes", cell.column("moment"), _first(readings))
    inside = f"{moment} >= TIMESTAMPTZ '{FIRST_YEAR}-01-01 00:00:00+00' AND {moment} < TIMESTAMPTZ '{LAST_YEAR + 1}-01-01 00:00:00+00'"
    cell.value = f"CASE WHEN {inside} THEN {moment} END"
    cell.fail(f"{cell.has_text()} AND {moment} IS NULL", FaultCode.NOT_A_TIMESTAMP)
    cell.fail(f"NOT ({inside})", FaultCode.OUT_OF_RANGE)


def _check_zone(con: duckdb.DuckDBPyConnection, cell: Cell) -> None:
    try:
        con.execute("SELECT timezone($zone, TIMESTAMP '2020-01-01')", {"zone": cell.zone}).fetchall()
    except duckdb.Error:
        raise FieldFault(
            cell.name, f"`{cell.zone}` is no time zone", remedy="write an IANA name such as Europe/Berlin"
        ) from None


def _forms(cell: Cell) -> list[str | None]:
    declared = cell.field.format
    return [declared] if isinstance(declared, str) else list(declared) if declared else [None]


def _first(readings: list[str]) -> str:
    return readings[0] if len(readings) == 1 else f"coalesce({', '.join(readings)})"


def _date_reading(con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell, form: str | None) -> str:
    if form is None:
        return _iso_date(statement, cell)
    moment = "CAST({} AS DATE)".format
    match form:
        case "excel":
            return moment(_excel(cell))
        case "epoch" | "epoch_ms":
            return moment(_local(_epoch(cell, form), cell.zone))
    parsed = _strptime(con, statement, cell, form)
    return moment(_local(parsed, cell.zone) if _zoned(form) else parsed)


def _moment_reading(con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell, form: str | None) -> str:
    match form:
        case None:
            return _iso_moment(cell)
        case "excel":
            return _local(_excel(cell), cell.zone)
        case "epoch" | "epoch_ms":
            return _epoch(cell, form)
    parsed = _strptime(con, statement, cell, form)
    return parsed if _zoned(form) else _local(parsed, cell.zone)


def _iso_date(statement: Statement, cell: Cell) -> str:
    text = cell.text
    as_written = f"TRY_CAST({text}[1:10] AS DATE)"
    with_zone = statement.bind(f"{_DAY}[Tt ]{_CLOCK}{_ZONE}")
    clock = statement.bind(f"{_DAY}(?:[Tt ]{_CLOCK}(?:{_ZONE})?)?")
    moved = ""
    if cell.field.time_zone:
        moved = (
            f"WHEN regexp_full_match({text}, {with_zone}) THEN CAST({_local(_cast_moment(text), cell.zone)} AS DATE) "
        )
    return (
        f"CASE {moved}WHEN regexp_full_match({text}, {clock}) THEN {as_written} "
        f"WHEN regexp_full_match({text}, '[0-9]{{8}}') "
        f"THEN TRY_CAST({text}[1:4] || '-' || {text}[5:6] || '-' || {text}[7:8] AS DATE) END"
    )


def _iso_moment(cell: Cell) -> str:
    text = cell.text
    local = _local(f"TRY_CAST(replace({text}, ',', '.') AS TIMESTAMP)", cell.zone)
    return (
        f"CASE WHEN regexp_full_match({text}, {literal(f'{_DAY}[Tt ]{_CLOCK}{_ZONE}')}) THEN {_cast_moment(text)} "
        f"WHEN regexp_full_match({text}, {literal(f'{_DAY}(?:[Tt ]{_CLOCK})?')}) THEN {local} END"
    )


def _cast_moment(text: str) -> str:
    return f"TRY_CAST(replace(upper({text}), ',', '.') AS TIMESTAMPTZ)"


def _local(moment: str, zone: str) -> str:
    """SQL: the local time of a moment, or the moment of a local time."""
    return f"timezone({literal(zone)}, {moment})"


def _excel(cell: Cell) -> str:
    """Day 1 is 1900-01-01; day 60 (29 February 1900) never was (ECMA-376 part 1, 18.17.4.1). A fraction is the time."""
    serial = f"CASE WHEN regexp_full_match({cell.text}, '{_SERIAL}') THEN TRY_CAST({cell.text} AS DECIMAL(18,10)) END"
    micros = f"CAST(round(({serial}) * {_MICROS_A_DAY} / 1000) * 1000 AS BIGINT)"
    early = f"WHEN ({serial}) BETWEEN 1 AND 59.9999999999 THEN TIMESTAMP '1899-12-31'"
    start = f"CASE WHEN ({serial}) >= 61 THEN TIMESTAMP '1899-12-30' {early} END"
    return f"({start} + to_microseconds({micros}))"


def _epoch(cell: Cell, form: str) -> str:
    scale = 1_000_000 if form == "epoch" else 1_000
    count = f"CASE WHEN regexp_full_match({cell.text}, '{_EPOCH}') THEN TRY_CAST({cell.text} AS DECIMAL(24,6)) END"
    micros = f"TRY_CAST(({count}) * {scale} AS BIGINT)"
    return f"TRY(make_timestamptz({micros}))"


def _strptime(con: duckdb.DuckDBPyConnection, statement: Statement, cell: Cell, form: str) -> str:
    try:
        con.execute("SELECT try_strptime('', $form)", {"form": form}).fetchall()
    except duckdb.Error:
        raise FieldFault(
            cell.name,
            f"`{form}` is no date format",
            remedy="write strptime codes such as %d/%m/%Y, or `excel`, `epoch`, `epoch_ms`",
        ) from None
    return f"try_strptime({cell.text}, {statement.bind(form)})"


def _zoned(form: str) -> bool:
    codes = form.replace("%%", "")
    return "%z" in codes or "%Z" in codes
