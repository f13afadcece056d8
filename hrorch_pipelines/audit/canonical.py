"""One text per content (RFC 8785, JSON canonicalization): what is hashed must be the same for whoever writes it down again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from hrorch_pipelines.audit.errors import NotCanonicalError

_AS_RFC = orjson.OPT_SORT_KEYS | orjson.OPT_STRICT_INTEGER
"""Whole numbers beyond 53 bits are refused, as RFC 8785 refuses them (RFC 7493)."""


def canonical(content: Mapping[str, Any]) -> str:
    """Canonical JSON of a mapping.

    orjson's compact, sorted JSON is RFC 8785 as long as there are only ASCII names, texts, booleans, nothing and whole
    numbers (a property test says so), at a tenth of the cost; anything else goes the slow way. Raises NotCanonicalError.
    """
    try:
        if _is_plain(content):
            return orjson.dumps(content, option=_AS_RFC).decode()
    except TypeError:
        raise NotCanonicalError from None
    import rfc8785

    try:
        return rfc8785.dumps(dict(content)).decode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        raise NotCanonicalError from None


def _is_plain(content: Mapping[str, Any]) -> bool:
    """Whether both encoders write this alike. Names outside ASCII sort by UTF-16 there and by code point here."""
    for value in content.values():
        kind = type(value)
        if kind is str or kind is int or kind is bool or value is None:
            continue
        if kind is not dict or not _is_plain(value):
            return False
    return type(content) is dict and "".join(content).isascii()
