"""The HTML report: one self-contained page, without scripts or anything to fetch. What it shows is put together in `page_parts`."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any

import duckdb

from hrorch_pipelines.reports import page_acted, page_lists, page_parts
from hrorch_pipelines.reports.errors import NothingComparedError
from hrorch_pipelines.reports.plain import printable
from hrorch_pipelines.reports.read import last_cycle
from hrorch_pipelines.reports.scene import Scene, day_words
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.storage.ledger import Ledger

CONTENTS = (
    ("short", "In short"),
    ("todo", "What needs doing"),
    ("rates", "Rates over time"),
    ("causes", "Causes"),
    ("places", "Where"),
    ("money", "Money at risk"),
    ("bridge", "Headcount bridge"),
    ("corrections", "Corrections"),
    ("handoffs", "Handoffs"),
    ("discrepancies", "Discrepancies"),
    ("quarantine", "Held records"),
    ("reviews", "Identity"),
    ("freshness", "Freshness"),
    ("definitions", "Definitions"),
)


def write_page(
    con: duckdb.DuckDBPyConnection, stack: Stack, path: Path, open_ledger: Callable[[], Ledger] | None = None
) -> Path:
    """Write the page about the last cycle, whole or not at all, and return its path.

    Values are masked by sensitivity, amounts that would tell somebody's pay are bands. Before the first cycle the page says
    that nothing was compared. `open_ledger` (such as `workplace.ledger`) is where M3, M4, corrections and handoffs come from;
    it is called and what it opens is closed here. Without it, or when it raises LedgerError, the page says so in their place.
    """
    page = _template().render(_context(con, stack, open_ledger))
    path.parent.mkdir(parents=True, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        made.write_text(page, encoding="utf-8")
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
    return path


def _context(con: duckdb.DuckDBPyConnection, stack: Stack, open_ledger: Callable[[], Ledger] | None) -> dict[str, Any]:
    contents = [(name, title) for name, title in CONTENTS if name != "handoffs" or stack.handoffs]
    known: dict[str, Any] = {"organization": stack.organization.name, "contents": contents}
    try:
        cycle_id, as_of, now = last_cycle(con)
    except NothingComparedError:
        return {**known, "compared": False, "as_of": ""}
    scene = Scene(con, stack, cycle_id, as_of, now)
    # Importing what draws takes as long as reading what is told, and the engine leaves Python idle meanwhile.
    with ThreadPoolExecutor(1) as beside:
        beside.submit(import_module, "altair")
        acted = page_acted.acted(scene, open_ledger)
        told = {
            **page_parts.summary(scene, acted.rates),
            **acted.told,
            **page_parts.bridges(scene),
            **page_lists.lists(scene),
            "freshness": page_parts.fresh(scene),
            **page_parts.rules(scene),
        }
    return {
        **known,
        "compared": True,
        "as_of": day_words(as_of),
        "moment": scene.moment(now),
        "systems": f"{len(stack.systems)} systems",
        "currency": stack.organization.currency,
        "window": page_acted.WINDOW,
        "hands_over": bool(stack.handoffs),
        **told,
        **page_parts.over_time(scene),
        **page_parts.by_cause(scene),
        **page_parts.by_place(scene),
        **page_parts.by_money(scene),
    }


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    def shown(value: object) -> object:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=PackageLoader("hrorch_pipelines.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
    )
    environment.filters["coded"] = _coded
    environment.filters["base64"] = lambda text: base64.b64encode(text.encode()).decode()
    return environment.get_template("page.html.j2")


def _coded(text: str) -> Any:
    """The text, escaped, with what stands between backticks as code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(printable(text)))))  # noqa: S704  (escaped before)
