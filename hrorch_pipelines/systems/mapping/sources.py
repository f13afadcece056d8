"""The raw records as SQL: one row per record, and the columns that hold the texts at the paths asked for.

Nested records are parsed once, for all paths together. What a path means is in `paths`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import duckdb

from hrorch_pipelines.storage.sql import ident, literal
from hrorch_pipelines.systems.mapping.errors import FieldFault
from hrorch_pipelines.systems.mapping.paths import Path, json_at, json_path, nearest, parse_path, text_at, without
from hrorch_pipelines.systems.mapping.statement import Statement
from hrorch_pipelines.systems.raw import RawRecords


@dataclass
class Source:
    """Gives each path a column; `steps` renders the CTEs `source` and `fields` that make them."""

    raw: RawRecords
    statement: Statement
    explode: str | None
    file_columns: tuple[str, ...] = ()
    _texts: dict[str, str] = field(default_factory=dict)  # path → column name
    _kinds: dict[str, str] = field(default_factory=dict)
    _paths: dict[str, Path] = field(default_factory=dict)

    @classmethod
    def open(cls, con: duckdb.DuckDBPyConnection, raw: RawRecords, statement: Statement, explode: str | None) -> Source:
        """Look at the file's columns. Raises FieldFault where `explode` is asked of a flat file."""
        if raw.shape == "nested":
            return cls(raw, statement, explode)
        if explode:
            raise FieldFault(
                "explode", "a flat file holds no lists", remedy="remove `explode`, or read the nested export"
            )
        rows = con.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": str(raw.path)}).fetchall()
        named = con.execute("SELECT name FROM parquet_schema($path) OFFSET 1", {"path": str(raw.path)}).fetchall()
        columns = tuple(str(row[0]) for row in named)
        return cls(raw, statement, None, columns if len(columns) == len(rows) else tuple(str(row[0]) for row in rows))

    def text(self, path: str, attribute: str) -> str:
        """Quoted column with the text at a path. Raises FieldFault for a bad path or an unknown column."""
        return ident(self.name(path, attribute))

    def name(self, path: str, attribute: str) -> str:
        """As `text`, unquoted."""
        if path not in self._texts:
            if self.raw.shape == "flat":
                self._check_column(path, attribute)
            else:
                self._paths[path] = self._parse(path, attribute)
            self._texts[path] = f"source~{len(self._texts)}"
        return self._texts[path]

    def is_number(self, path: str, attribute: str) -> str | None:
        """SQL: true where the value at a path is a JSON number; None for flat files, where everything is text."""
        if self.raw.shape == "flat":
            return None
        self.name(path, attribute)
        column = self._kinds.setdefault(path, f"kind~{len(self._kinds)}")
        return f"coalesce({ident(column)} IN ('BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'), false)"

    def names_of(self, path: str, attribute: str) -> list[str]:
        """What a system may call the field at a path when it says it is withheld: the path, its first key, its last."""
        if self.raw.shape == "flat":
            return [path]
        parsed = self._parse(path, attribute)
        keys = [step for step in parsed.steps if isinstance(step, str)]
        return list(dict.fromkeys([path, path.removeprefix("^."), ".".join(keys), *keys[:1], *keys[-1:]]))

    def steps(self, secrets: list[str]) -> list[str]:
        """CTEs, in order: `source` (row_id, raw, document) and `fields` (the texts)."""
        if self.raw.shape == "flat":
            return self._flat_steps(secrets)
        return self._nested_steps([parse_path(path, "raw") for path in secrets])

    def _parse(self, path: str, attribute: str) -> Path:
        parsed = parse_path(path, attribute)
        if parsed.of_parent and not self.explode:
            raise FieldFault(
                attribute, f"path `{path}` needs `explode`", remedy="`^` is the record that holds the exploded list"
            )
        if any(isinstance(step, str) and "*" in step for step in parsed.steps):
            raise FieldFault(
                attribute, f"path `{path}` has `*`", remedy="a field takes one value; use `explode` for a list"
            )
        return parsed

    def _check_column(self, path: str, attribute: str) -> None:
        count = self.file_columns.count(path)
        if count != 1 or path == "_line":
            what = (
                f"column `{path}` is there twice"
                if count > 1
                else f"there is no column `{path}`; {nearest(path, self.raw.columns)}"
            )
            raise FieldFault(attribute, what, remedy="correct `from`, or ask why the export changed")

    def documents(self) -> str:
        """SQL: the nested source records, one JSON value a row in column `json`."""
        return f"read_ndjson_objects({self.statement.bind(str(self.raw.path))}, maximum_object_size = $object_size)"

    def lines(self) -> str:
        """SQL: the flat source records, their columns in the order of the file, then the row's number from 0."""
        return f"read_parquet({self.statement.bind(str(self.raw.path))}, file_row_number = true)"

    def _flat_steps(self, secrets: list[str]) -> list[str]:
        aliases = ", ".join(ident(f"file~{number}") for number in range(len(self.file_columns)))
        kept = [
            (name, number) for number, name in enumerate(self.file_columns) if name != "_line" and name not in secrets
        ]
        pairs = ", ".join(f"{literal(name)}, {ident(f'file~{number}')}" for name, number in kept)
        texts = "".join(
            f", {ident(f'file~{self.file_columns.index(path)}')} AS {ident(column)}"
            for path, column in self._texts.items()
        )
        return [
            f"source AS (SELECT * FROM {self.lines()} AS t({aliases}, row_id))",
            f"fields AS (SELECT row_id, CAST(json_object({pairs}) AS VARCHAR) AS raw{texts} FROM source)",
        ]

    def _nested_steps(self, secrets: list[Path]) -> list[str]:
        reading = self.documents()
        if self.explode is None:
            steps = [f"source AS (SELECT row_number() OVER () - 1 AS row_id, json AS record FROM {reading})"]
        else:
            steps = self._exploded(reading, parse_path(self.explode, "explode"))
        steps.append(f"parsed AS (SELECT *{self._parsed()} FROM source)")
        raw = self._raw(secrets)
        steps.append(
            f"fields AS (SELECT row_id{', not_a_list' if self.explode else ''}, CAST({raw} AS VARCHAR) AS raw{self._columns()} FROM parsed)"
        )
        return steps

    def _exploded(self, reading: str, path: Path) -> list[str]:
        found = json_at("json", path)
        elements = (
            "CASE coalesce(json_type(list), 'NULL') WHEN 'ARRAY' THEN json_extract(list, '$[*]') "
            "WHEN 'NULL' THEN [] ELSE [NULL::JSON] END"
        )
        return [
            f"holders AS (SELECT json AS holder, {found} AS list FROM {reading})",
            f"elements AS (SELECT holder, json_type(list) <> 'ARRAY' AS not_a_list, unnest({elements}) AS record FROM holders)",
            "source AS (SELECT row_number() OVER () - 1 AS row_id, * FROM elements)",
        ]

    def _groups(self) -> list[tuple[str, str, list[str]]]:
        """(column, document, plain paths): what is read in one go."""
        plain = [path for path, parsed in self._paths.items() if parsed.plain and parsed.steps]
        own = [path for path in plain if not self._paths[path].of_parent]
        above = [path for path in plain if self._paths[path].of_parent]
        return [("own", "record", own), ("above", "holder", above)]

    def _parsed(self) -> str:
        sql = ""
        for column, document, paths in self._groups():
            if paths:
                listed = ", ".join(literal(json_path(self._paths[path].steps)) for path in paths)
                sql += f", json_extract_string({document}, [{listed}]) AS {column}"
        return sql

    def _columns(self) -> str:
        at = {
            path: f"{column}[{number}]"
            for column, _, paths in self._groups()
            for number, path in enumerate(paths, start=1)
        }
        sql = ""
        for path, column in self._texts.items():
            parsed = self._paths[path]
            document = "holder" if parsed.of_parent else "record"
            sql += f",\n    {at.get(path) or text_at(document, parsed)} AS {ident(column)}"
        for path, column in self._kinds.items():
            parsed = self._paths[path]
            sql += f",\n    json_type({json_at('holder' if parsed.of_parent else 'record', parsed)}) AS {ident(column)}"
        return sql

    def _raw(self, secrets: list[Path]) -> str:
        record = "record"
        for path in secrets:
            if not path.of_parent:
                record = without(record, path)
        if self.explode is None:
            return record
        holder = without("holder", parse_path(self.explode, "explode"))
        for path in secrets:
            holder = without(holder, path)
        return f"json_object('^', {holder}, 'record', {record})"
