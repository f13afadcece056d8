"""CSV files beside the stack file that it names: are they there, with the columns and rows it counts on."""

from __future__ import annotations

import csv
from pathlib import Path

from hrorch_pipelines.stack.nearest import listed


def catalogue_fault(folder: Path, name: str, columns: tuple[str, ...]) -> tuple[str, str] | None:
    """What is wrong with a catalogue and how to mend it; None when it can be used.

    `columns` are the ones needed; none named means any first column will do.
    """
    try:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = csv.reader(file)
            header = next(rows, [])
            filled = any(any(cell.strip() for cell in row) for row in rows)
    except FileNotFoundError:
        return f"there is no file `{name}`", "put it beside the stack file; paths begin there"
    except (OSError, ValueError, csv.Error) as error:
        return f"`{name}` cannot be read ({type(error).__name__})", "save it as CSV in UTF-8"
    missing = [column for column in columns if column not in header]
    if missing:
        return (
            f"`{name}` has no column {listed(missing)}",
            f"name one of its columns: {listed(header) or 'it has none'}",
        )
    if not filled:
        return f"`{name}` has no rows", "fill it: an empty list would refuse every value"
    return None
