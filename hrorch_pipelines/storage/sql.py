"""The one place that turns names into SQL identifiers. Values never come through here: they are bound."""

from __future__ import annotations


def ident(*names: str) -> str:
    """Quote a (dotted) identifier: `ident("history", "hris.worker")` → `"history"."hris.worker"`."""
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str) -> str:
    """Quote a text of OURS (an attribute name, a rule id) where SQL takes no parameter. Never a person's value."""
    return "'" + text.replace("'", "''") + "'"


def record_table(schema: str, system: str, record: str) -> str:
    """The quoted table of one record type: `record_table("history", "hris", "worker")`."""
    return ident(schema, f"{system}.{record}")
