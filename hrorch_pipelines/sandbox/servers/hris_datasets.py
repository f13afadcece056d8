"""The HRIS's Datasets API (v2): the bulk read of the `employee` data set, its fields and filters.

Withheld fields are left out of a row and named in its `_restrictedFields`; the vendor's specification is silent on them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from hrorch_pipelines.sandbox.servers.answers import JSONAnswer, Refused, json_body
from hrorch_pipelines.sandbox.servers.hris_answers import problem
from hrorch_pipelines.sandbox.servers.hris_view import FIELD_TYPES, RESTRICTED, EmployeeView, as_text
from hrorch_pipelines.sandbox.servers.records import Missing, SystemRecords
from hrorch_pipelines.sandbox.store import Document, stamp

_TERM = re.compile(r"\s*(\w+)\s+(eq|ne|lt|le|gt|ge)\s+(?:'((?:[^']|'')*)'|(\S+))\s*$")
_IN = re.compile(r"\s*(\w+)\s+in\s*\((.*)\)\s*$")
_COMPARE: dict[str, Callable[[str, str], bool]] = {
    "eq": lambda a, b: a == b,
    "ne": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
}


class DatasetRoutes:
    """Handlers of /api/v2/datasets/employee/data and what describes it."""

    def __init__(self, records: SystemRecords) -> None:
        self._records = records

    async def catalogue(self, request: Request) -> Response:  # noqa: ARG002
        """GET /api/v1_2/datasets."""
        return JSONAnswer({"datasets": [{"name": "employee", "label": "Employee"}]})

    async def fields(self, request: Request) -> Response:
        """GET /api/v1_2/datasets/{name}/fields, all on one page."""
        _employee_only(request)
        shown = [
            {"name": name, "label": name, "parentType": "page", "parentName": "Personal", "entityName": "personal"}
            for name in FIELD_TYPES
        ]
        pages = {"current_page": 1, "total_pages": 1, "total_records": len(shown), "next_page": None, "prev_page": None}
        return JSONAnswer({"name": "employee", "label": "Employee", "fields": shown, "pagination": pages})

    async def data(self, request: Request) -> Response:
        """POST /api/v2/datasets/{name}/data."""
        _employee_only(request)
        asked = await json_body(request, problem(400, "the body is not a JSON object"))
        fields = asked.get("fields")
        if not isinstance(fields, list) or not fields or not all(isinstance(name, str) for name in fields):
            raise Refused(problem(400, "fields must be a list of field names"))
        page, size = _bounded(asked, "page", 1, None), _bounded(asked, "pageSize", 100, 1000)
        matches, filtered = _filter(asked.get("filter"))
        order = _order(asked.get("orderBy"), fields)
        for name in {*fields, *filtered}:
            if name not in FIELD_TYPES:
                raise Refused(problem(400, f"unknown field: {name}"))
        view = EmployeeView(self._records, [*fields, *filtered])
        if filtered or order:
            chosen = [one for one in self._records.store.each("employees") if matches(_reader(view, one))]
            for name, descending in reversed(order):
                chosen.sort(key=lambda one: as_text(view.value(one, name)), reverse=descending)
            total, chosen = len(chosen), chosen[(page - 1) * size : page * size]
        else:
            total = self._records.store.count("employees")
            chosen = self._records.store.page("employees", limit=size, offset=(page - 1) * size)
        pages = math.ceil(total / size)
        return JSONAnswer(
            {
                "data": [{"fields": _row(view, one, fields)} for one in chosen],
                "links": {"next": _link(request, page + 1, page < pages), "prev": _link(request, page - 1, page > 1)},
                "meta": {"page": page, "pageSize": size, "totalItems": total, "totalPages": pages},
            }
        )


def _employee_only(request: Request) -> None:
    if request.path_params["name"] != "employee":
        raise Missing


def _reader(view: EmployeeView, employee: Document) -> Callable[[str], str]:
    return lambda field: as_text(view.value(employee, field))


def _row(view: EmployeeView, employee: Document, fields: list[str]) -> dict[str, Any]:
    withheld = [name for name in view.restricted(employee) if name in fields]
    row: dict[str, Any] = {name: as_text(view.value(employee, name)) for name in fields if name not in withheld}
    if withheld:
        row[RESTRICTED] = withheld
    return row


def _bounded(asked: dict[str, Any], name: str, default: int, most: int | None) -> int:
    value = asked.get(name, default)
    if isinstance(value, str) and value.isdecimal():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1 or (most is not None and value > most):
        raise Refused(problem(422, f"{name} is out of range"))
    return value


def _link(request: Request, page: int, exists: bool) -> str | None:
    return str(request.url.replace(query=f"page={page}")) if exists else None


def _order(text: Any, fields: list[str]) -> list[tuple[str, bool]]:
    order = []
    for rule in str(text).split(",") if text else []:
        name, _, direction = rule.strip().partition(" ")
        if name not in fields or direction.strip() not in {"", "asc", "desc"}:
            raise Refused(problem(422, "orderBy must name requested fields, each with asc or desc"))
        order.append((name, direction.strip() == "desc"))
    return order


def _filter(text: Any) -> tuple[Callable[[Callable[[str], str]], bool], list[str]]:
    """An OData filter of terms joined by `and`, alternatives of such by `or`; no parentheses."""
    if not text:
        return (lambda read: True), []  # noqa: ARG005
    alternatives = [[_term(term) for term in re.split(r"\s+and\s+", part)] for part in re.split(r"\s+or\s+", str(text))]
    names = [name for terms in alternatives for name, _ in terms]

    def matches(read: Callable[[str], str]) -> bool:
        return any(all(test(read(name)) for name, test in terms) for terms in alternatives)

    return matches, names


def _term(text: str) -> tuple[str, Callable[[str], bool]]:
    if found := _TERM.match(text):
        name, operator, quoted, bare = found.groups()
        wanted = _comparable(bare if quoted is None else quoted.replace("''", "'"))
        return name, lambda value: _COMPARE[operator](value, wanted)
    if found := _IN.match(text):
        name, listed = found.groups()
        choices = {one.replace("''", "'") for one in re.findall(r"'((?:[^']|'')*)'", listed)}
        return name, lambda value: value in choices
    raise Refused(problem(422, "the filter expression is invalid"))


def _comparable(wanted: str) -> str:
    """A moment in any zone as the stamp we show; everything else as it is."""
    if "T" not in wanted:
        return wanted
    try:
        moment = datetime.fromisoformat(wanted)
    except ValueError:
        return wanted
    return stamp(moment) if moment.tzinfo else wanted
