"""Which dlt paginator a `paginator` of the stack file is, with the vendors' quirks dlt does not know."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dlt.sources.helpers.rest_client import paginators as dlt_pages
from requests import Request, Response

from hrorch_pipelines.stack.systems import Paginator, RestRead
from hrorch_pipelines.systems.errors import ReadFault
from hrorch_pipelines.systems.json_paths import first_at

Page = list[Any]
Claim = Callable[[Response], int | None]


def paginator_for(read: RestRead, claim: Claim) -> dlt_pages.BasePaginator:
    """The paginator of one collection. `claim` reads the number of records the system says there are."""
    page = read.paginator
    match page.type:
        case "link_header":
            return _LinkHeader()
        case "next_url":
            return _NextUrl(next_url_path=_needed(page, "next"))
        case "cursor":
            place = {"cursor_body_path" if page.in_ == "body" else "cursor_param": page.param or "cursor"}
            return _Cursor(page, cursor_path=_needed(page, "next"), **place)
        case "page_number":
            return _Counted(page, claim, first=page.start, step=1, default_param="page")
        case "offset":
            first = page.start if "start" in page.model_fields_set else 0
            if page.size is None:
                raise ReadFault("missing_data", "a paginator of type `offset` needs `size`")
            return _Counted(page, claim, first=first, step=page.size, default_param="offset")
    return dlt_pages.SinglePagePaginator()


def size_of(page: Paginator) -> dict[str, int]:
    """The page size as the request carries it."""
    return {page.size_param: page.size} if page.size_param and page.size else {}


def _needed(page: Paginator, name: str) -> str:
    value = getattr(page, name)
    if value is None:
        raise ReadFault("missing_data", f"a paginator of type `{page.type}` needs `{name}`")
    return str(value)


class _LinkHeader(dlt_pages.HeaderLinkPaginator):
    """`Link: <…>; rel="next"`. The next URL replaces the whole query, so a cursor is its only parameter."""


class _NextUrl(dlt_pages.JSONLinkPaginator):
    """A next URL in the body; an empty one means the end as null does."""

    def update_state(self, response: Response, data: Page | None = None) -> None:
        super().update_state(response, data)
        self._next_reference = self._next_reference or None


class _Cursor(dlt_pages.JSONResponseCursorPaginator):
    """A cursor in the body; alone in the query where the system wants that."""

    def __init__(self, page: Paginator, **place: Any) -> None:
        super().__init__(**place, has_more_path=page.more)
        self._alone = page.cursor_alone

    def update_request(self, request: Request) -> None:
        if self._alone and not self.cursor_body_path:
            request.params = {}
        super().update_request(request)


class _Counted(dlt_pages.RangePaginator):
    """Page numbers or offsets: through when the claimed number is there, the flag says so, or a page is empty.

    A short page alone does not end it: a page cut short must not look like the last one.
    """

    def __init__(self, page: Paginator, claim: Claim, *, first: int, step: int, default_param: str) -> None:
        name, in_body = page.param or default_param, page.in_ == "body"
        super().__init__(
            None if in_body else name,
            initial_value=first,
            value_step=step,
            param_body_path=name if in_body else None,
        )
        self._claim = claim
        self._more = page.more
        self._rows = 0

    def update_state(self, response: Response, data: Page | None = None) -> None:
        super().update_state(response, data)
        self._rows += len(data or [])
        claimed = self._claim(response)
        if claimed is not None and self._rows >= claimed:
            self._has_next_page = False
        if self._more is not None and first_at(self._more, response.json()) in (False, None, "false"):
            self._has_next_page = False
