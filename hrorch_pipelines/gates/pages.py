"""The look of Great Expectations' Data Docs, with its page templates read once a process instead of once a page."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from great_expectations.render.view.view import DefaultJinjaIndexPageView, DefaultJinjaPageView


@lru_cache(maxsize=2)
def _environment(view: type[DefaultJinjaPageView]) -> Any:
    """What Jinja has made of the templates. Compiling them is most of the work of writing a site."""
    return view().env


class PageView(DefaultJinjaPageView):
    """Suites and results."""

    def __init__(self, **directories: str | None) -> None:
        # Nothing in an environment depends on the page: its filters are the same functions of any view.
        super().__init__(**directories)
        self.env = _environment(DefaultJinjaPageView)


class IndexView(DefaultJinjaIndexPageView):
    """The list of suites and results."""

    def __init__(self, **directories: str | None) -> None:
        super().__init__(**directories)
        self.env = _environment(DefaultJinjaIndexPageView)
