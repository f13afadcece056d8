"""pydantic's errors in plain words, with what to write instead. Texts quote the file as written, and never a credential."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic_core import ErrorDetails

from hrorch_pipelines.stack.nearest import did_you_mean, listed
from hrorch_pipelines.stack.shape import expected, known_keys
from hrorch_pipelines.stack.tree import Entries, Listing, Node, Scalar

_NEVER_QUOTED = {"credentials", "connection", "base_url", "headers", "params", "body", "options"}
_LONGEST = 60


def explain(errors: Sequence[ErrorDetails], path: tuple[str | int, ...], node: Node) -> tuple[str, str]:
    """What is wrong at a path, and the remedy. `errors` all concern this one place; `node` is what stands there."""
    error = next((error for error in errors if error["type"] == "too_short"), errors[0])
    loc = error["loc"]
    kind = error["type"]
    context = error.get("ctx", {})
    if "[key]" in loc:
        return _key(str(path[-1]), attribute="fields" in path or path[0] == "attributes")
    match kind:
        case "missing":
            return _missing(loc)
        case "extra_forbidden":
            return _unknown(loc)
        case "value_error":
            return _own_words(context, path, node, loc)
        case "literal_error" | "enum":
            return _not_among(context, path, node)
        case "string_pattern_mismatch":
            return _not_a_name(path, node)
        case "too_short" | "string_too_short":
            return "is empty", f"write {expected(loc)} with something in it, or remove the key"
        case "too_long":
            return "has too many parts", f"write {expected(loc)}"
        case "union_tag_not_found" | "union_tag_invalid":
            return "does not say which form it is", "set the system's `connector` to rest, files, sql or scim"
    limits = {
        "greater_than": "more than",
        "greater_than_equal": "at least",
        "less_than": "less than",
        "less_than_equal": "at most",
    }
    if kind in limits:
        bound = next((context[name] for name in ("gt", "ge", "lt", "le") if name in context), "the limit")
        return f"{quoted(node, path)}is out of range", f"write a number that is {limits[kind]} {bound}"
    wanted = _wanted(errors)
    return f"{quoted(node, path)}is {_is(node)} where {wanted} belongs", f"write {wanted}"


def quoted(node: Node, path: Sequence[str | int]) -> str:
    """The value as written in the file, in backticks and with a blank behind, where it may be shown at all."""
    if not isinstance(node, Scalar) or not node.source or not _NEVER_QUOTED.isdisjoint(map(str, path)):
        return ""
    text = node.source if len(node.source) <= _LONGEST else node.source[:_LONGEST] + "…"
    return f"`{' '.join(text.split())}` "


def _missing(loc: Sequence[str | int]) -> tuple[str, str]:
    key = str(loc[-1])
    field = known_keys(loc[:-1]).get(key)
    meaning = f": {field.description}" if field and field.description else ""
    return f"`{key}` is missing", f"add `{key}`{meaning.rstrip('.')}"


def _unknown(loc: Sequence[str | int]) -> tuple[str, str]:
    known = list(known_keys(loc[:-1]))
    return f"unknown key `{loc[-1]}`", f"{did_you_mean(str(loc[-1]), known)}the keys here are {listed(known, 30)}"


def _own_words(
    context: dict[str, object], path: tuple[str | int, ...], node: Node, loc: Sequence[str | int]
) -> tuple[str, str]:
    """Our validators speak plainly and never quote their input; what they say splits at `; ` into fault and remedy."""
    what, _, remedy = str(context.get("error", "cannot be used")).partition("; ")
    return f"{quoted(node, path)}{what}", remedy or f"write {expected(loc)}"


def _not_among(context: dict[str, object], path: tuple[str | int, ...], node: Node) -> tuple[str, str]:
    choices = [part.strip(" '") for part in str(context.get("expected", "")).replace(" or ", ",").split(",")]
    given = node.source if isinstance(node, Scalar) else ""
    return (
        f"{quoted(node, path)}is none of the choices",
        f"{did_you_mean(given, choices)}write one of {', '.join(choices)}",
    )


def _key(name: str, *, attribute: bool) -> tuple[str, str]:
    signs = "digits and `_`" if attribute else "digits, `-` and `_`"
    return f"`{name}` is not a name", f"use lower-case letters, {signs}, a letter first, at most 63 signs"


def _not_a_name(path: tuple[str | int, ...], node: Node) -> tuple[str, str]:
    shown = quoted(node, path)
    last = str(path[-1])
    if last == "email":
        return f"{shown}is not an e-mail address", "write it as name@company.example"
    if last == "currency":
        return f"{shown}is not a currency", "write its three capital letters (ISO 4217), such as USD"
    return (
        f"{shown}is not a name",
        "use lower-case letters, digits, `-` and `_`, a letter first, as where it is declared",
    )


def _wanted(errors: Sequence[ErrorDetails]) -> str:
    """What belongs here, from the types asked for; several when any of them would do."""
    words = {
        "string_type": "text", "list_type": "a list", "dict_type": "a mapping (keys and values)", "tuple_type": "a list",
        "bool_type": "true or false", "bool_parsing": "true or false", "int_type": "a whole number", "int_parsing": "a whole number",
        "int_from_float": "a whole number", "int_parsing_size": "a whole number that is not so large",
        "float_type": "a number", "float_parsing": "a number", "finite_number": "a number",
    }  # fmt: skip
    asked = list(dict.fromkeys(words.get(error["type"], "") for error in errors))
    named = [word for word in asked if word]
    return " or ".join(named) or expected(errors[0]["loc"])


def _is(node: Node) -> str:
    match node:
        case Entries():
            return "a mapping"
        case Listing():
            return "a list"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return "true or false"
        case Scalar(value=int() | float()):
            return "a number"
        case _:
            return "text"
