"""The page in a real browser: no request, no error, every chart drawn, nothing wider than the paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="needs a browser: `apt-get install chromium` (Debian), then run the tests again"
)
A4_WIDTH, A4_HEIGHT = 695, 1002
"""Pixels of A4 at 96 dpi inside the margins of the style sheet (13 mm at the sides, 15 and 17 mm above and below)."""

_ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    sync = pytest.importorskip("playwright.sync_api", reason="needs playwright: install the extra `dev`")
    with sync.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=_ARGUMENTS, chromium_sandbox=False)
        yield opened
        opened.close()


@pytest.fixture
def shown(browser: Any, acted_page: Path) -> Iterator[tuple[Any, list[str], list[str]]]:
    """The open page, with the requests it made and the errors it had."""
    requests: list[str] = []
    errors: list[str] = []
    tab = browser.new_page(viewport={"width": 1100, "height": 900})
    tab.on("request", lambda request: requests.append(request.url))
    tab.on("pageerror", lambda error: errors.append(str(error)))
    tab.on("console", lambda message: errors.append(message.text) if message.type in {"error", "warning"} else None)
    tab.goto(acted_page.as_uri())
    tab.wait_for_load_state("load")
    yield tab, requests, errors
    tab.close()


def test_it_asks_for_nothing_and_has_no_error(shown: tuple[Any, list[str], list[str]], acted_page: Path) -> None:
    _, requests, errors = shown
    assert [url for url in requests if not url.startswith("data:")] == [acted_page.as_uri()]
    assert errors == []


def test_every_chart_is_drawn(shown: tuple[Any, list[str], list[str]]) -> None:
    tab, _, _ = shown
    sizes = tab.eval_on_selector_all(
        "img", "all => all.map(one => [one.complete, one.naturalWidth, one.naturalHeight])"
    )
    assert len(sizes) >= 4
    assert all(complete and width > 300 and height > 50 for complete, width, height in sizes)


@pytest.mark.parametrize("width", [1100, 820])
def test_nothing_is_wider_than_the_window(shown: tuple[Any, list[str], list[str]], width: int) -> None:
    tab, _, _ = shown
    tab.set_viewport_size({"width": width, "height": 900})
    assert tab.evaluate("document.documentElement.scrollWidth") <= width


def test_it_prints_on_a4_with_no_chart_cut(shown: tuple[Any, list[str], list[str]]) -> None:
    tab, _, _ = shown
    tab.set_viewport_size({"width": A4_WIDTH, "height": A4_HEIGHT})
    tab.emulate_media(media="print")
    assert tab.evaluate("document.documentElement.scrollWidth") <= A4_WIDTH
    figures = tab.eval_on_selector_all(
        "figure", "all => all.map(one => [one.getBoundingClientRect().height, getComputedStyle(one).breakInside])"
    )
    assert figures
    assert all(height < A4_HEIGHT and inside == "avoid" for height, inside in figures)
    tiles = tab.eval_on_selector_all(".tile", "all => all.map(one => one.getBoundingClientRect().left)")
    assert len(tiles) == 6
    assert len(set(tiles)) == 2, "two abreast: one below the other they take a whole sheet"
    for paper in ("A4", "Letter"):
        printed = tab.pdf(format=paper, prefer_css_page_size=False)
        assert printed.startswith(b"%PDF-")
        assert len(printed) > 30_000
