"""The record hash: equal hash = nothing canonical changed. Stable across runs, row orders, engine versions."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping


def record_hash(columns: Mapping[str, tuple[str, str]], hidden: str, faults: str) -> str:
    """SQL for the MD5 (128 bits, hexadecimal) of all canonical columns, each name → (expression, SQL type).

    Texts carry their length in bytes, so that no two records write the same text; names are sorted, so that the order in
    the stack file does not matter; moments count in microseconds, so that the session's time zone does not. `hidden` is
    the list of withheld attributes, `faults` the list of faults, of which attribute and code count.
    """
    names = hashlib.sha256(",".join(sorted(columns)).encode()).hexdigest()[:8]
    parts = [f"'{names};'"]
    for name in sorted(columns):
        expression, kind = columns[name]
        if kind == "VARCHAR":
            parts += [f"strlen({expression})", "':'", expression, "';'"]
        elif kind == "TIMESTAMPTZ":
            parts += [f"epoch_us({expression})", "';'"]
        else:
            parts += [f"CAST({expression} AS VARCHAR)", "';'"]
    parts += [f"CASE WHEN len({hidden}) > 0 THEN array_to_string(list_sort({hidden}), ',') END", "';'"]
    codes = f"list_transform({faults}, lambda fault: concat(fault.attribute, '=', fault.code))"
    parts += [f"CASE WHEN len({faults}) > 0 THEN array_to_string(list_sort({codes}), ',') END"]
    return f"md5(concat({', '.join(parts)}))"
