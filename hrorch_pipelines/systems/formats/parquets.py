"""Parquet: every column as text; lists and structs as JSON text."""

from __future__ import annotations

from pathlib import Path

import duckdb

from hrorch_pipelines.stack.systems import FileRead
from hrorch_pipelines.storage.sql import ident
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.formats.parsed import LINE, Parsed, column_names


def parse(source: Path, read: FileRead, out: Path) -> Parsed:
    """Read a Parquet file. Raises ReadFault `cut_file` when it is none, or not whole."""
    del read
    with duckdb.connect() as con:
        con.execute("SET enable_progress_bar = false")
        try:
            described = con.execute("DESCRIBE SELECT * FROM read_parquet($1)", [str(source)]).fetchall()
            columns, duplicates = column_names([name for name, *_ in described])
            texts = ", ".join(
                f"{_text(name, kind)} AS {ident(column)}"
                for (name, kind, *_), column in zip(described, columns, strict=True)
            )
            con.execute(
                f"COPY (SELECT file_row_number + 1 AS {ident(LINE)}, {texts} "
                f"FROM read_parquet({_quoted(source)}, file_row_number = true)) "
                f"TO {_quoted(out)} (FORMAT parquet, COMPRESSION zstd)"
            )
            rows = con.execute("SELECT count(*) FROM read_parquet($1)", [str(out)]).fetchone()
        except duckdb.Error as error:
            raise ReadFault("cut_file", f"the Parquet file is cut or no Parquet ({type(error).__name__})") from None
    return Parsed("flat", rows[0] if rows else 0, columns, (), duplicates)


def _text(name: str, kind: str) -> str:
    if kind in {"FLOAT", "DOUBLE"}:
        return f"regexp_replace(CAST({ident(name)} AS VARCHAR), '\\.0$', '')"
    if kind.endswith("]") or kind.startswith(("STRUCT", "MAP")):
        return f"CAST(to_json({ident(name)}) AS VARCHAR)"
    return f"CAST({ident(name)} AS VARCHAR)"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
