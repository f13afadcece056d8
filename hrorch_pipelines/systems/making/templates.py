"""Jinja templates of letters and summaries: strict, sandboxed, and never a value in an error. PDF is in `letters_pdf`."""

from __future__ import annotations

import re
import traceback
import unicodedata
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import FileSystemLoader, StrictUndefined, Template, TemplateNotFound, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from hrorch_pipelines.systems.making.manner import long_date, money
from hrorch_pipelines.systems.making.outlet_faults import unwritable
from hrorch_pipelines.systems.writing.protocol import WriteFault

_UNDECLARED = re.compile(r"'(\w+)' is undefined")
_BLANKS = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}")
_NOTHING_IN = "nothing stands in field "


class Empty(StrictUndefined):
    """A field that is declared and holds nothing: a template may ask whether it is there, and may not print it."""

    __slots__ = ()

    def __bool__(self) -> bool:  # type: ignore[override]  # the one question that may be asked
        return False


@lru_cache(maxsize=8)
def environment(folder: Path) -> ImmutableSandboxedEnvironment:
    """The environment of the templates beside a stack file. Text, so nothing is escaped; part templates may be included."""
    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader(folder, encoding="utf-8"),
        undefined=StrictUndefined,
        autoescape=False,  # text/plain; escaping would write &amp; into letters
        keep_trailing_newline=True,
    )
    made.filters |= {"money": money, "long_date": long_date}
    return made


def context(organization: str, fields: Mapping[str, str | None]) -> dict[str, Any]:
    """What a template may name: the fields, and `organization` unless a field is called so."""
    told = {
        name: Empty(hint=f"{_NOTHING_IN}`{name}`", name=name) if value is None else value
        for name, value in fields.items()
    }
    return {"organization": organization, **told}


def render_file(folder: Path, name: str, values: Mapping[str, Any]) -> str:
    """The text of a template file beside the stack file. Raises WriteFault `unwritable`, with file, line and field.

    Several blank lines become one: a condition on lines of its own leaves no hole where it does not hold.
    """
    try:
        template = environment(folder).get_template(name)
    except (TemplateNotFound, TemplateSyntaxError, UnicodeDecodeError, OSError) as wrong:
        raise unwritable("template", load_error(name, wrong)) from None
    text = _rendered(template, name, values).replace("\r\n", "\n").replace("\r", "\n")
    if any(unicodedata.category(sign) in {"Cc", "Cs"} and sign not in "\n\t" for sign in text):
        raise unwritable("control", f"{name}: a field holds a control character")
    return _BLANKS.sub("\n\n", text)


def render_line(folder: Path, source: str, what: str, values: Mapping[str, Any]) -> str:
    """One line from a template in the stack file; `what` is its key. Raises WriteFault `unwritable`."""
    try:
        template = environment(folder).from_string(source)
    except TemplateSyntaxError as wrong:
        raise unwritable("template", load_error(what, wrong)) from None
    line = _rendered(template, what, values).strip()
    if not line or not line.isprintable():
        raise unwritable("header", f"`{what}` is empty, or not one line of printable characters")
    return line


def load_error(name: str, wrong: Exception) -> str:
    """Why a template cannot be loaded; speaks of the template's own words only."""
    match wrong:
        case TemplateSyntaxError():
            return f"{wrong.name or name}, line {wrong.lineno}: {wrong.message}"
        case TemplateNotFound():
            return f"there is no template {wrong.name or name!r} beside the stack file"
        case UnicodeDecodeError():
            return f"{name} is not UTF-8"
    return f"{name} cannot be read ({type(wrong).__name__})"


def _rendered(template: Template, name: str, values: Mapping[str, Any]) -> str:
    try:
        return template.render(values)
    except Exception as wrong:  # noqa: BLE001  a template may do anything wrong, and its error may quote a value
        raise _fault_of(template, name, wrong) from None


def _fault_of(template: Template, name: str, wrong: Exception) -> WriteFault:
    lines = [
        line for frame, line in traceback.walk_tb(wrong.__traceback__) if frame.f_code.co_filename == template.filename
    ]
    where = f"{name}, line {lines[-1]}" if lines else name
    text = str(wrong)
    if isinstance(wrong, UndefinedError):
        if text.startswith(_NOTHING_IN):
            return unwritable("empty_field", f"{where}: {text}")
        undeclared = _UNDECLARED.fullmatch(text)
        return unwritable(
            "template",
            f"{where}: " + (f"there is no field `{undeclared[1]}`" if undeclared else "asks for what is not there"),
        )
    if isinstance(wrong, TemplateNotFound | TemplateSyntaxError):
        return unwritable("template", load_error(name, wrong))
    if isinstance(wrong, ValueError) and text in {"is not an amount", "is not a date"}:
        return unwritable("template", f"{where}: a field {text}")
    return unwritable("template", f"{where}: it cannot be filled in ({type(wrong).__name__})")
