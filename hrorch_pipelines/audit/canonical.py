"""One text per content (RFC 8785, JSON canonicalization): what is hashed must be the same for whoever writes it down again."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hrorch_pipelines.audit.errors import NotCanonicalError

_EXACT = 2**53 - 1
"""Beyond this JSON's numbers are not exact (RFC 7493), and RFC 8785 refuses them."""

_KINDS = {str, int, bool, dict, type(None)}
_PLAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def canonical(content: Mapping[str, Any]) -> str:
    """Canonical JSON of a mapping.

    The standard library's compact, sorted JSON is RFC 8785 as long as there are only ASCII names, texts, booleans, nothing
    and exact whole numbers (a property test says so); anything else goes the slow way. Raises NotCanonicalError.
    """
    if _is_plain(content):
        text = _PLAIN(content)
        if text.isascii() or _is_unicode(text):
            return text
        raise NotCanonicalError
    import rfc8785

    try:
        return rfc8785.dumps(dict(content)).decode()
    except (rfc8785.CanonicalizationError, UnicodeEncodeError):
        raise NotCanonicalError from None


def _is_plain(content: Mapping[str, Any]) -> bool:
    """Whether both encoders write this alike. Names outside ASCII sort by UTF-16 there and by code point here."""
    kinds = set(map(type, content.values()))
    if not kinds <= _KINDS or not "".join(content).isascii():
        return False
    numbers = [value for value in content.values() if type(value) is int] if int in kinds else ()
    inner = [value for value in content.values() if type(value) is dict] if dict in kinds else ()
    return all(-_EXACT <= number <= _EXACT for number in numbers) and all(map(_is_plain, inner))


def _is_unicode(text: str) -> bool:
    """Half of a surrogate pair is no text: it cannot be written in UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
