"""PDF letters from Typst templates: PDF/A-2b, the same bytes for the same fields, and no value is ever code.

A template sees `fields`, `organization`, `money` and `long_date`; what they are is in docs/letters.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hrorch_pipelines.systems.making.manner import grouped, long_date, parsed_day
from hrorch_pipelines.systems.making.outlet_faults import unwritable
from hrorch_pipelines.systems.writing.protocol import WriteFault

if TYPE_CHECKING:
    import typst

STANDARD: Final = "a-2b"
"""Made to be kept, and strict: a character without a glyph is an error, where plain PDF would show an empty box."""

UNDATED = datetime(2000, 1, 1, tzinfo=UTC)
"""The document's date where no field `dated` tells one: a clock would make each try another file."""

_OURS = (
    "#let fields = json(bytes(sys.inputs.fields));"
    "#let organization = sys.inputs.organization;"
    "#let _shown = json(bytes(sys.inputs.shown));"
    "#let _written(way, value) = { let found = _shown.at(way).at(value, default: none); "
    'if found == none { if sys.inputs.sample == "yes" { value } else { panic("not " + way) } } else { found } };'
    '#let money(amount, currency) = { currency + sym.space.nobreak + _written("an amount", amount) };'
    '#let long_date(day) = _written("a date", day);'
)  # one line, so that the template's own lines keep their numbers
_PLACE = re.compile(r"┌─ (.*?):(\d+):(\d+)")
_MAIN = "__typst_py_bytes__.typ"
_NO_KEY = re.compile(r'dictionary does not contain key "([a-z][a-z0-9_]*)"')
_PACKAGE = re.compile(r'\b(?:import|include)\s*\(?\s*"@')


def pdf(template: Path, organization: str, fields: Mapping[str, str | None]) -> bytes:
    """The PDF of a template and its fields. Empty fields are left out of `fields`. Raises WriteFault `unwritable`."""
    import typst

    try:
        return _compiled(template, organization, fields, sample=False)
    except typst.TypstError as wrong:
        raise _fault_of(template, fields, wrong) from None


def pdf_fault(template: Path, organization: str, names: list[str]) -> str | None:
    """What is wrong with a template, tried with every field filled with `1`; None when nothing is."""
    import typst

    try:
        _compiled(template, organization, dict.fromkeys(names, "1"), sample=True)
    except WriteFault as wrong:
        return wrong.what
    except typst.TypstError as wrong:
        missing = _NO_KEY.fullmatch(wrong.message)
        said = f"there is no field `{missing[1]}`" if missing else wrong.message.replace(str(template.parent), "")
        return f"{_place(template, wrong)}: {said}"
    return None


def _compiled(template: Path, organization: str, fields: Mapping[str, str | None], *, sample: bool) -> bytes:
    import typst

    try:
        source = template.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise unwritable("template", f"there is no template {template.name!r} beside the stack file") from None
    except (OSError, UnicodeDecodeError) as wrong:
        raise unwritable("template", f"{template.name} cannot be read ({type(wrong).__name__})") from None
    if _PACKAGE.search(source):
        what = f"{template.name}: packages are not fetched from the network; copy what it needs beside it"
        raise unwritable("template", what)
    told = {name: value for name, value in fields.items() if value is not None}
    shown = {"an amount": _each(told, grouped), "a date": _each(told, long_date)}
    compiler = typst.Compiler(
        (_OURS + source).encode(),
        root=str(template.parent),
        font_paths=_fonts(template.parent / "fonts"),
        sys_inputs={
            "fields": json.dumps(told, ensure_ascii=False),
            "shown": json.dumps(shown, ensure_ascii=False),
            "organization": organization,
            "sample": "yes" if sample else "no",
        },
    )
    made = compiler.compile(format="pdf", pdf_standards=STANDARD, timestamp=_dated(told))
    if not isinstance(made, bytes):
        raise TypeError("one PDF was asked for")
    return made


@cache
def _fonts(folder: Path) -> typst.Fonts:
    """Typst's own fonts first, then those beside the template, then the machine's."""
    import typst

    return typst.Fonts(font_paths=[str(folder)] if folder.is_dir() else [])


def _each(fields: Mapping[str, str], write: Callable[[str], str]) -> dict[str, str]:
    """Every value that can be written that way, as it is written."""
    written = {}
    for value in fields.values():
        try:
            written[value] = write(value)
        except ValueError:
            continue  # some other kind of value: a template that asks for it is told so
    return written


def _dated(fields: Mapping[str, str]) -> datetime:
    if "dated" not in fields:
        return UNDATED
    try:
        return datetime.combine(parsed_day(fields["dated"]), time(), UTC)
    except ValueError:
        return UNDATED


def _place(template: Path, wrong: typst.TypstError) -> str:
    """File and line of the innermost place that is the template's own."""
    for path, line, column in _PLACE.findall(wrong.diagnostic):
        file = Path(path).name
        if file != _MAIN:
            return f"{file}, line {line}"
        if line != "1" or int(column) > len(_OURS):
            return f"{template.name}, line {line}"
    return template.name


def _fault_of(template: Path, fields: Mapping[str, str | None], wrong: typst.TypstError) -> WriteFault:
    """The fault of a failed letter. The compiler's words may quote a value, so only what is known to hold none is told."""
    where, said = _place(template, wrong), wrong.message
    missing = _NO_KEY.fullmatch(said)
    if missing and fields.get(missing[1], "") is None:
        return unwritable("empty_field", f"{where}: nothing stands in field `{missing[1]}`")
    if "could not be displayed" in said:
        return unwritable("no_sign", f"{where}: no font at hand has a sign for a character of a field")
    for way in ("an amount", "a date"):
        if said.replace('"', "") == f"panicked with: not {way}":
            return unwritable("template", f"{where}: a field is not {way}")
    return unwritable("template", f"{where}: it cannot be laid out with these fields")
