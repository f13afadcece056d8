"""Lists of allowed values: a column of a CSV beside the stack file."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path


class CatalogueUnusable(Exception):  # noqa: N818
    """A catalogue cannot be read; `code` says why. It becomes a gate error of the rule that named it."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def read_catalogue(folder: Path, reference: str) -> list[str]:
    """The values of `file.csv` (first column) or `file.csv#column`, in their order, without blanks.

    Raises CatalogueUnusable: an empty list would refuse every record, and nobody meant that.
    """
    name, _, column = reference.partition("#")
    try:
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
            header = list(rows[0]) if rows else []
    except OSError:
        raise CatalogueUnusable("catalogue_missing") from None
    except (UnicodeDecodeError, csv.Error):
        raise CatalogueUnusable("catalogue_unreadable") from None
    if rows and column and column not in header:
        raise CatalogueUnusable("catalogue_column_missing")
    wanted = column or (header[0] if header else "")
    values = [text for row in rows if (text := (row.get(wanted) or "").strip())]
    if not values:
        raise CatalogueUnusable("catalogue_empty")
    return values


def catalogue_digest(folder: Path, reference: str) -> str:
    """A digest of the file's content; `missing` when it is not there. A changed catalogue is a changed rule."""
    path = folder / reference.partition("#")[0]
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"
