"""What the models expect at a path of the stack file: its keys, its type, its meaning. Read from the annotations."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, Tag
from pydantic.fields import FieldInfo

from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.rules import AuthorityRule


@dataclass(frozen=True)
class Option:
    """One type that may stand at a place; `tag` when it is one of several forms, such as `(rest)`."""

    type: Any
    tag: str | None = None


def options(annotation: Any, tag: str | None = None) -> list[Option]:
    """The types of an annotation, unions and wrappers taken apart; None left out."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *extra = get_args(annotation)
        own = next((item.tag for item in extra if isinstance(item, Tag)), tag)
        return options(inner, own)
    if origin in {Union, types.UnionType}:
        return [option for part in get_args(annotation) for option in options(part, tag)]
    return [] if annotation is types.NoneType else [Option(annotation, tag)]


def keys_of(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """Key, as the user writes it → its field."""
    return {field.alias or name: field for name, field in model.model_fields.items()}


def at(path: Sequence[str | int]) -> list[Option]:
    """What may stand at a path of the stack file. Steps in parentheses choose a form; unknown steps lead nowhere."""
    here = [Option(Stack)]
    for step in path:
        if isinstance(step, str) and step.startswith("("):
            here = [option for option in here if option.tag == step] or here
            continue
        here = [found for option in here for found in _below(option, step)]
    return here


def known_keys(path: Sequence[str | int]) -> dict[str, FieldInfo]:
    """The keys that a mapping at a path may have."""
    models = [
        option.type for option in at(path) if isinstance(option.type, type) and issubclass(option.type, BaseModel)
    ]
    return {key: field for model in models for key, field in keys_of(model).items()}


def expected(path: Sequence[str | int]) -> str:
    """In words, what is to be written at a path: `a number`, `a mapping of keys and values`, …"""
    found = list(dict.fromkeys(words(option.type) for option in at(path)))
    return " or ".join(found) or "something else"


def takes_path(path: Sequence[str | int]) -> bool:
    """Whether a field mapping may stand at a path: then a single text is one too."""
    return any(option.type is FieldMap for option in at(path))


def stand_in(path: Sequence[str | int]) -> Any:
    """A value the models accept at a path, where they need one and any will do for checking the rest; else None.

    None for `connector`: what is right elsewhere depends on it.
    """
    key = str(path[-1])
    field = known_keys(path[:-1]).get(key)
    if field is None or not field.is_required() or key == "connector":
        return None
    kind = next((option.type for option in at(path)), None)
    if kind is FieldMap:
        return {"const": "-"}
    if kind is str:
        return "nobody@nowhere.example" if key == "email" else "placeholder"
    return None


def words(kind: Any) -> str:
    """A type in plain words."""
    if kind is FieldMap:
        return "a path or a field mapping"
    if kind is AuthorityRule:
        return "a system"
    origin = get_origin(kind)
    if origin is Literal:
        return f"one of {', '.join(str(value) for value in get_args(kind))}"
    if origin in {list, tuple}:
        return "a list"
    if origin is dict or (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return "a mapping (keys and values)"
    named = {
        "bool": "true or false",
        "int": "a whole number",
        "float": "a number",
        "timedelta": "a duration such as 30m, 2h or 5d",
        "str": "text",
        "SecretStr": "text",
    }
    name = getattr(kind, "__name__", str(kind))
    if isinstance(kind, type) and hasattr(kind, "__members__"):
        return f"one of {', '.join(kind.__members__[member].value for member in kind.__members__)}"
    return named.get(name, name)


def _below(option: Option, step: str | int) -> list[Option]:
    kind = option.type
    origin = get_origin(kind)
    if origin is dict:
        return options(get_args(kind)[1])
    if origin is list:
        return options(get_args(kind)[0])
    if origin is tuple and isinstance(step, int) and step < len(get_args(kind)):
        return options(get_args(kind)[step])
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = keys_of(kind).get(str(step))
        if field is None:
            return []
        tag = next((item.tag for item in field.metadata if isinstance(item, Tag)), None)
        return options(field.annotation, tag)
    return []
