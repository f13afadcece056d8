"""The one statement under construction: named layers of columns, joins of small tables, bound parameters."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hrorch_pipelines.storage.sql import ident

LAYERS = (
    "seen",
    "texts",
    "pieces",
    "known",
    "cased",
    "expressed",
    "written",
    "shapes",
    "amounts",
    "scaled",
    "values",
    "judged",
)
"""Each reads all columns of the one before it: what needs no tidying, raw text, one piece, looked up, letter case, expression,
parsed, typed, faults."""


@dataclass
class Statement:
    """Collects what each field adds. A column may use columns of earlier layers only."""

    params: dict[str, Any] = field(default_factory=dict)
    columns: dict[str, dict[str, str]] = field(default_factory=lambda: {layer: {} for layer in LAYERS})
    tables: dict[str, str] = field(default_factory=dict)
    joins: dict[str, list[str]] = field(default_factory=dict)

    def bind(self, value: Any) -> str:
        """A parameter for a value: `$p0`."""
        for name, known in self.params.items():
            if type(known) is type(value) and known == value:
                return f"${name}"
        name = f"p{len(self.params)}"
        self.params[name] = value
        return f"${name}"

    def add(self, layer: str, name: str, expression: str) -> str:
        """A column of a layer; returns its quoted name."""
        self.columns[layer][name] = expression
        return ident(name)

    def lookup(self, layer: str, name: str, entries: dict[str, str], key: str) -> tuple[str, str]:
        """Left join a small table of text → text on the expression `key`; returns (canonical, known) expressions."""
        sources, canonicals = self.bind(list(entries)), self.bind(list(entries.values()))
        self.tables[name] = (
            f"SELECT unnest({sources}::VARCHAR[]) AS source, unnest({canonicals}::VARCHAR[]) AS canonical"
        )
        table = ident(name)
        self.joins.setdefault(layer, []).append(f"LEFT JOIN {table} ON {table}.source = {key}")
        return f"{table}.canonical", f"{table}.source IS NOT NULL"

    def render(self, start: str) -> tuple[list[str], str]:
        """CTEs of all layers that have columns, after the CTE `start`; and the name of the last."""
        steps = [f"{ident(name)} AS MATERIALIZED ({query})" for name, query in self.tables.items()]
        last = start
        for layer in LAYERS:
            if self.columns[layer]:
                added = ",\n    ".join(
                    f"{expression} AS {ident(name)}" for name, expression in self.columns[layer].items()
                )
                joins = "".join(f"\n  {join}" for join in self.joins.get(layer, []))
                steps.append(f"{layer} AS (\n  SELECT {last}.*,\n    {added}\n  FROM {last}{joins})")
                last = layer
        return steps, last
