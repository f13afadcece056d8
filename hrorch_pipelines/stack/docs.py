"""Writes docs/stack-file.md and docs/stack.schema.json from the models: `python -m hrorch_pipelines.stack.docs`."""

from __future__ import annotations

import enum
import inspect
import types
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hrorch_pipelines.stack import schema
from hrorch_pipelines.stack.examples import INTRODUCTION, SECTIONS
from hrorch_pipelines.stack.mapping import FieldMap
from hrorch_pipelines.stack.rules import AuthorityRule
from hrorch_pipelines.stack.section import Section
from hrorch_pipelines.stack.shape import keys_of
from hrorch_pipelines.stack.terms import AttributeType, Sensitivity

_TYPES = {
    AttributeType.TEXT: "compared after Unicode and white space are evened out",
    AttributeType.NAME: "a person's name; letter case, accents and spacing count as a difference, with a cause of its own",
    AttributeType.EMAIL: "lower-cased",
    AttributeType.PHONE: "digits, with a leading `+`",
    AttributeType.IDENTIFIER: "text with its leading zeros",
    AttributeType.CODE: "a word of a fixed list; letter case does not count",
    AttributeType.DATE: "a calendar day",
    AttributeType.TIMESTAMP: "a moment",
    AttributeType.INTEGER: "a whole number",
    AttributeType.DECIMAL: "a number, exact to four places",
    AttributeType.MONEY: "an amount in the currency of its mapping",
    AttributeType.PAY: "an amount per year; the mapping says what the source's amount is per",
    AttributeType.BOOLEAN: "true or false",
    AttributeType.PERSON: "another record's key in the same system, such as a manager; compared as persons",
    AttributeType.SECRET: "kept as a keyed hash only, never as the value",
}
_SENSITIVITIES = {
    Sensitivity.NORMAL: "shown in clear",
    Sensitivity.PERSONAL: "masked by default",
    Sensitivity.PAY: "masked by default; changes need a second person",
    Sensitivity.SPECIAL: "masked without a trace of its length (GDPR Art. 9)",
    Sensitivity.SECRET: "never shown",
}


def as_text() -> str:
    """The whole reference, in the order of the file."""
    return "\n".join([INTRODUCTION, *(_section(section) for section in SECTIONS), *_words()])


def write(folder: Path) -> None:
    """Write both files into a folder."""
    (folder / "stack-file.md").write_text(as_text(), encoding="utf-8")
    (folder / "stack.schema.json").write_text(schema.as_text(), encoding="utf-8")


def _section(section: Section) -> str:
    parts = [f"## {section.title}", "", section.text]
    if section.example:
        parts += ["", f"```yaml {section.kind}".rstrip(), section.example.strip(), "```"]
    for model in section.models:
        parts += ["", *_table(model, heading=len(section.models) > 1)]
    return "\n".join([*parts, ""])


def _table(model: type[BaseModel], *, heading: bool) -> Iterator[str]:
    if heading:
        yield f"### `{model.__name__}`"
        yield ""
        yield inspect.cleandoc(model.__doc__ or "").replace("\n", " ")
        yield ""
    yield "| key | takes | unless said | meaning |"
    yield "|---|---|---|---|"
    for key, field in keys_of(model).items():
        yield f"| `{key}` | {_takes(field)} | {_default(field)} | {_cell(field.description or '')} |"


def _takes(field: FieldInfo) -> str:
    kinds = list(dict.fromkeys(_kinds(field.annotation)))
    return _cell(" or ".join(kinds))


def _kinds(annotation: Any) -> Iterator[str]:
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin in {Union, types.UnionType}:
        for part in get_args(annotation):
            yield from _kinds(part)
    elif origin is Literal:
        yield ", ".join(f"`{value}`" for value in get_args(annotation))
    elif origin in {list, tuple}:
        yield f"list of {' or '.join(dict.fromkeys(_kinds(get_args(annotation)[0])))}"
    elif origin is dict:
        yield f"name → {' or '.join(dict.fromkeys(_kinds(get_args(annotation)[1])))}"
    elif annotation is not types.NoneType:
        yield from _plain(annotation)


def _plain(kind: type[Any]) -> Iterator[str]:
    named = {
        str: "text",
        int: "whole number",
        float: "number",
        bool: "true/false",
        timedelta: "duration",
        Any: "anything",
    }
    if kind in named:
        yield named[kind]
    elif kind.__name__ == "SecretStr":
        yield "`${NAME}`"
    elif issubclass(kind, enum.Enum):
        yield (
            f"[{kind.__name__}](#{kind.__name__.lower()})"
            if kind in {AttributeType, Sensitivity}
            else ", ".join(f"`{item.value}`" for item in kind)
        )
    else:
        if kind is FieldMap:
            yield "path"
        if kind is AuthorityRule:
            yield "system"
        yield f"`{kind.__name__}`"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**needed**"
    value = field.default_factory() if field.default_factory else field.default  # type: ignore[call-arg]
    if value is None or value in ([], {}, ()) or isinstance(value, BaseModel):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list | tuple):
        return _cell(", ".join(f"`{item}`" if item != "" else '`""`' for item in value))
    return _cell(f"`{value.value if isinstance(value, enum.Enum) else value}`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _words() -> Iterator[str]:
    for title, words in (("AttributeType", _TYPES), ("Sensitivity", _SENSITIVITIES)):
        yield f"## {title}\n"
        yield "| word | meaning |"
        yield "|---|---|"
        yield from (f"| `{word.value}` | {meaning} |" for word, meaning in words.items())
        yield ""


if __name__ == "__main__":
    write(Path(__file__).parents[2] / "docs")
