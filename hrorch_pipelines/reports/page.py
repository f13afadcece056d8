"""The HTML report: one self-contained page."""

from __future__ import annotations

from pathlib import Path

import duckdb

from hrorch_pipelines.reports.metrics import metrics
from hrorch_pipelines.reports.render import render
from hrorch_pipelines.stack.models import Stack


def write_page(con: duckdb.DuckDBPyConnection, stack: Stack, path: Path) -> Path:
    """Write the page and return its path."""
    render(metrics(con, stack), "html", path)
    return path
