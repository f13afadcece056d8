"""What a status that is not 2xx says about a write: nothing happened, it may have, no for good, or somebody was first."""

from __future__ import annotations

import re

from hrorch_pipelines.systems.writing.errors import fault
from hrorch_pipelines.systems.writing.places import decoded
from hrorch_pipelines.systems.writing.protocol import Outcome, WriteFault

_LATER = frozenset({425, 429, 503})
"""Not now: nothing was done."""

_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.\[\]-]{0,60}")
_KEYS = ("error_key", "category", "field", "code", "scimType")


def refusal(method: str, status: int, body: bytes, after: float | None, changed: frozenset[int]) -> WriteFault:
    """The fault of an answer. Nothing of its body is passed on but names of fields and categories.

    `after`: seconds its Retry-After asks for. `changed`: the statuses that speak of the version we sent; without one of
    ours, 409 and 412 mean something else (a value that breaks a rule: BambooHR, SCIM's `uniqueness`).
    """
    outcome, code = _meaning(status, changed)
    told = ", ".join(_error_keys(body)) if outcome == "refused" else ""
    what = f"{method} answered {status}" + (f" ({told})" if told else "")
    return fault(code, what, outcome, status=status, after=after if outcome == "not_done" else None)


def _meaning(status: int, changed: frozenset[int]) -> tuple[Outcome, str]:
    if status in _LATER:
        return "not_done", "rate_limited" if status == 429 else "http_status"
    if status in changed:
        return "changed", "changed"
    if status in {401, 403, 407}:
        return "refused", "unauthorized"
    if 400 <= status < 500 and status != 408:
        return "refused", "refused"
    return "unknown", "redirect" if 300 <= status < 400 else "unknown_outcome"


def _error_keys(body: bytes) -> list[str]:
    """Messages are left out: they may quote what was sent."""
    try:
        content = decoded(body)
    except ValueError:
        return []
    errors = content.get("errors", content.get("error", content)) if isinstance(content, dict) else content
    found = []
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, dict):
            found += [error[key] for key in _KEYS if isinstance(error.get(key), str) and _WORD.fullmatch(error[key])]
    return list(dict.fromkeys(found))[:6]
