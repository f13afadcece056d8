"""Where records come from: paginators, windows and file layouts that agree with themselves."""

from __future__ import annotations

from collections.abc import Iterator

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.systems import FileRead, Paginator, RestRead, Window


def check_reads(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Settings of one `read` that contradict or need each other."""
    for name, system in stack.systems.items():
        for record, item in system.records.items():
            path: Path = ("systems", name, "records", record, "read")
            if isinstance(item.read, RestRead):
                known = declared.records.get(name, frozenset(system.records))
                yield from _rest(path, item.read, record, known)
            elif isinstance(item.read, FileRead):
                yield from _file(path, item.read)


def _rest(path: Path, read: RestRead, record: str, known: frozenset[str]) -> Iterator[Finding]:
    if read.body is not None and read.method == "GET":
        yield Finding((*path, "body"), "a GET has no body", "add `method: POST`, or use `params`")
    if read.total is not None and read.total.strip() in {"", "header:"}:
        yield Finding((*path, "total"), "names nothing", "write a JSON path, or `header:NAME`")
    if read.each is not None:
        if read.each == record or read.each not in known:
            others = sorted(known - {record})
            yield Finding(
                (*path, "each"),
                f"this system has no other record type `{read.each}`",
                f"{did_you_mean(read.each, others)}name one of {listed(others) or 'its other record types'}",
            )
        if "{id}" not in read.path:
            yield Finding(
                (*path, "path"),
                "`each` asks once per record, and the path has no place for its id",
                "write {id} where the id goes",
            )
    yield from _paginator((*path, "paginator"), read.paginator, read.method)
    if read.window is not None:
        yield from _window((*path, "window"), read.window)


def _paginator(path: Path, page: Paginator, method: str) -> Iterator[Finding]:
    if page.type in {"cursor", "next_url"} and page.next is None:
        yield Finding(
            path,
            f"a paginator of type `{page.type}` needs `next`",
            "add `next`: the JSON path of the next cursor or URL",
        )
    if page.type == "offset" and page.size is None:
        yield Finding(path, "a paginator of type `offset` needs `size`", "add `size`: how many records a page has")
    if page.in_ == "body" and method != "POST":
        yield Finding(
            (*path, "in"), "a GET has no body to put the page into", "add `method: POST` to the read, or remove `in`"
        )
    if page.size_param is not None and page.size is None:
        yield Finding((*path, "size_param"), "there is no `size` to send", "add `size`, or remove it")
    without = {
        "none": {"next", "param", "size_param", "size", "more", "cursor_alone"},
        "link_header": {"next", "param", "more"},
        "next_url": {"param", "more", "cursor_alone"},
        "page_number": {"next", "cursor_alone"},
        "offset": {"next", "cursor_alone"},
    }.get(page.type, set())
    for key in sorted(without & page.model_fields_set):
        if getattr(page, key) not in {None, False}:
            yield Finding(
                (*path, key),
                f"means nothing to a paginator of type `{page.type}`",
                "remove it, or choose the right `type`",
            )


def _window(path: Path, window: Window) -> Iterator[Finding]:
    if "{since}" not in window.format:
        yield Finding(
            (*path, "format"), "does not say since when", 'write {since} in it, such as "gte|{since}|lte|{until}"'
        )
    elif "{until}" not in window.format:
        yield Finding(
            (*path, "format"), "the window is open: what changes while it is read may be read twice or not", note=True
        )
    if window.deleted is not None and window.deleted.startswith("/") and "{since}" not in window.deleted:
        yield Finding(
            (*path, "deleted"), "does not say since when", "write {since} in it, such as /deleted?since={since}#ids[*]"
        )


def _file(path: Path, read: FileRead) -> Iterator[Finding]:
    if read.format == "fixed":
        if not read.widths:
            yield Finding(path, "a fixed-width file needs `widths`", "add `widths`: the characters of each column")
        elif read.columns and len(read.columns) != len(read.widths):
            yield Finding(
                (*path, "widths"),
                f"{len(read.widths)} widths for {len(read.columns)} columns",
                "write one width per column",
            )
    elif read.widths:
        yield Finding((*path, "widths"), "only a fixed-width file has widths", "add `format: fixed`, or remove them")
    if any(width <= 0 for width in read.widths):
        yield Finding((*path, "widths"), "a column is at least one character wide", "write widths of 1 or more")
    if read.header_row == 0 and not read.columns:
        yield Finding(
            (*path, "header_row"),
            "without a header nobody knows the columns",
            "add `columns`, or say which line holds the names",
        )
    doubled = sorted({name for name in read.columns if read.columns.count(name) > 1})
    if doubled:
        yield Finding(
            (*path, "columns"), f"{listed(doubled)} is there more than once", "give every column its own name"
        )
