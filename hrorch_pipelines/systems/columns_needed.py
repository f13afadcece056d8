"""Whether a flat source has the columns its record type is mapped from. Nested records are for the mapping to judge."""

from __future__ import annotations

from collections.abc import Sequence

from hrorch_pipelines.stack.systems import Record
from hrorch_pipelines.systems.raw import Problem


def needed_columns(declared: Record) -> list[str]:
    """Source columns a record type is mapped from, the key first."""
    paths = [path for field in declared.maps() for path in field.read_from]
    return list(dict.fromkeys(path.strip('"') for path in paths))


def column_problems(declared: Record, columns: Sequence[str], duplicates: Sequence[str]) -> list[Problem]:
    """Needed columns that are missing (with the nearest names) or there twice: fatal. Others there twice: told."""
    from rapidfuzz import fuzz, process, utils

    problems: list[Problem] = []
    needed = needed_columns(declared)
    twice = {name.lower() for name in duplicates}
    for column in needed:
        if column.lower() in twice:
            problems.append(Problem("duplicate_column", f"column `{column}` is there more than once"))
        elif column not in columns:
            near = process.extract(
                column, columns, scorer=fuzz.WRatio, processor=utils.default_process, limit=3, score_cutoff=50
            )
            hint = f"; nearest: {', '.join(f'`{name}`' for name, *_ in near)}" if near else ""
            problems.append(Problem("missing_column", f"column `{column}` is missing{hint}"))
    used = {column.lower() for column in needed}
    problems += [
        Problem("duplicate_column", f"column `{name}` is there more than once; not used", fatal=False)
        for name in duplicates
        if name.lower() not in used
    ]
    return problems
