"""The page tells what the stages found: the same counts, by name, in words, and nothing it should not."""

from __future__ import annotations

import base64
import re
from itertools import pairwise
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.reconcile.rates import M2
from hrorch_pipelines.reports import page as page_module
from hrorch_pipelines.reports.page import CONTENTS, write_page
from hrorch_pipelines.storage import cycles
from hrorch_tests.reports.house import FORMULA, MARKUP, House
from hrorch_tests.reports.reading import Page

CSS = Path(page_module.__file__).parent / "templates" / "page.css.j2"


@pytest.fixture(scope="module")
def content(page: Path) -> str:
    return page.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(content: str) -> Page:
    return Page(content)


def test_the_headline_is_the_stored_rate_in_words(con: duckdb.DuckDBPyConnection, read: Page) -> None:
    row = con.execute(
        "SELECT numerator, denominator, value, low, high FROM reconcile.rates WHERE metric = ? AND scope = 'all' "
        "ORDER BY cycle_id DESC LIMIT 1",
        [M2],
    ).fetchone()
    assert row is not None
    wrong, comparable, value, low, high = row
    assert f"1 in {round(comparable / wrong)} comparable values disagrees with its authority" in read.text
    assert f"({100 * value:.1f} %, 95 % sure between {100 * low:.1f} % and {100 * high:.1f} %)" in read.text
    assert f"{wrong} of {comparable}" in read.text
    assert "Between 50.0 % and 100 % of the 2 values that landed" in read.text
    assert "Insufficient data" in read.text


def test_every_open_case_is_somebodys_and_the_counts_add_up(con: duckdb.DuckDBPyConnection, read: Page) -> None:
    counts = con.execute(
        """SELECT (SELECT count(*) FROM gates.quarantine WHERE closed_at IS NULL)
                  + (SELECT count(*) FROM identity.reviews WHERE closed_at IS NULL),
                  (SELECT count(*) FROM reconcile.discrepancies WHERE state IN ('disagree', 'missing_record', 'ghost'))"""
    ).fetchone()
    assert counts == (2, 18)
    assert "20 cases wait for 2 colleagues, 1 of them overdue." in read.text
    assert "Ada Analyst: 2 cases, 1 overdue" in read.text
    assert "Leo Lead: 18 cases" in read.text


def test_money_is_summed_over_persons_and_told_without_telling_anyones_pay(
    con: duckdb.DuckDBPyConnection, read: Page
) -> None:
    row = con.execute(
        "SELECT sum(money_at_risk), count(DISTINCT person_id) FROM reconcile.discrepancies WHERE money_at_risk > 0"
    ).fetchone()
    assert row is not None
    assert (float(row[0]), row[1]) == (9481.52, 4)
    assert "About USD 9,500 per pay period is at risk over 4 persons." in read.text
    for amount in ("9,481", "3,798", "3,371", "5,336"):
        assert amount not in read.text


def test_lists_hold_every_row(con: duckdb.DuckDBPyConnection, content: str) -> None:
    body = content.partition('id="discrepancies"')[2].partition("</section>")[0]
    assert body.count("<tr>") == 1 + 18
    assert "not shown here" not in body


def test_rows_beyond_the_limit_are_counted(
    con: duckdb.DuckDBPyConnection, house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hrorch_pipelines.reports import page_lists

    monkeypatch.setattr(page_lists, "ROWS", 5)
    text = Page(write_page(con, house.stack, tmp_path / "p.html").read_text(encoding="utf-8")).text
    assert "13 of them are not shown here. See hrorch report discrepancies" in text


def test_words_from_files_and_stack_are_shown_as_text_alone(content: str, read: Page) -> None:
    assert MARKUP not in content
    assert any(cell.startswith(MARKUP) for cell in read.cells)
    assert any(cell.startswith(FORMULA) for cell in read.cells)
    assert "Ellis & <Sons>: HR reconciliation report" in read.text
    assert not [tag for tag, _ in read.tags if tag in {"script", "sons", "link", "iframe", "object"}]


def test_nothing_on_the_page_points_anywhere_else(content: str, read: Page) -> None:
    targets = [value for _, attributes in read.tags for name, value in attributes.items() if name in {"src", "href"}]
    assert targets
    assert all(str(target).startswith(("data:image/svg+xml;base64,", "#")) for target in targets)
    assert "url(" not in content
    assert "@import" not in content
    for drawing in re.findall(r"base64,([A-Za-z0-9+/=]+)", content):
        svg = base64.b64decode(drawing).decode()
        assert not re.findall(r'(?:href|src)="(?!#)', svg)
        assert "<script" not in svg


def test_a_screen_reader_finds_its_way(read: Page) -> None:
    tags = [tag for tag, _ in read.tags]
    assert ("html", {"lang": "en"}) in read.tags
    assert tags.count("h1") == tags.count("main") == 1
    headings = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    images = [attributes for tag, attributes in read.tags if tag == "img"]
    assert len(images) >= 4
    assert all(len(str(image.get("alt") or "")) > 20 for image in images)
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    named = {attributes.get("id") for tag, attributes in read.tags if tag == "section"}
    assert named == {name for name, _ in CONTENTS} - {"handoffs"}  # this company declares none
    assert named == {str(attributes["href"])[1:] for tag, attributes in read.tags if tag == "a"}


def test_a_screen_reader_finds_its_way_to_what_was_done(acted_page: Path) -> None:
    read = Page(acted_page.read_text(encoding="utf-8"))
    assert all("scope" in attributes for tag, attributes in read.tags if tag == "th")
    headings = [int(tag[1]) for tag, _ in read.tags if re.fullmatch("h[1-6]", tag)]
    assert all(later - earlier <= 1 for earlier, later in pairwise(headings))
    named = {attributes.get("id") for tag, attributes in read.tags if tag == "section"}
    assert named == {name for name, _ in CONTENTS}


def test_text_stands_out_from_its_ground() -> None:
    """WCAG 2.2, 1.4.3: at least 4.5 to 1."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    colours = dict(re.findall(r"--(\w+):(#[0-9a-f]{6})", CSS.read_text(encoding="utf-8")))
    for name in ("ink", "quiet", "blue", "bad", "warn"):
        assert (1.05) / (light(colours[name]) + 0.05) >= 4.5, name
        assert (light(colours["soft"]) + 0.05) / (light(colours[name]) + 0.05) >= 4.5, name


def test_before_the_first_cycle_the_page_says_so(house: House, tmp_path: Path) -> None:
    with duckdb.connect() as con:
        text = Page(write_page(con, house.stack, tmp_path / "p.html").read_text(encoding="utf-8")).text
    assert "Nothing has been compared yet." in text


def test_a_cycle_that_found_nothing_gives_a_page_that_says_so(house: House, tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(cycles.SCHEMA)
        con.execute("INSERT INTO cycles.runs VALUES ('c1', ?, '2026-07-02', true, 'h', ?)", [house.now, house.now])
        text = Page(write_page(con, house.stack, tmp_path / "p.html").read_text(encoding="utf-8")).text
    for words in (
        "No pair of values could be compared.",
        "Nothing is waiting for anybody.",
        "There is one comparison so far",
        "No value disagrees with its authority.",
        "No discrepancy concerns pay.",
        "No bridge",
        "No record is held.",
        "No question is open.",
        "never read",
    ):
        assert words in text


def test_a_page_that_cannot_be_made_leaves_the_last_one(house: House, tmp_path: Path) -> None:
    path = tmp_path / "p.html"
    path.write_text("the last one", encoding="utf-8")
    with duckdb.connect() as con:
        con.execute(cycles.SCHEMA)
        con.execute("INSERT INTO cycles.runs VALUES ('c1', ?, '2026-07-02', true, 'h', ?)", [house.now, house.now])
        con.execute("CREATE SCHEMA reconcile; CREATE TABLE reconcile.rates (wrong INTEGER)")
        with pytest.raises(duckdb.Error):
            write_page(con, house.stack, path)
    assert path.read_text(encoding="utf-8") == "the last one"
    assert list(tmp_path.iterdir()) == [path]
