"""The templates of letters and invitations are there, can be read, and name declared fields only.

What they look like when they are filled in is tried by `hrorch check`.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path as File

from hrorch_pipelines.stack.faults.finding import Declared, Finding, Path
from hrorch_pipelines.stack.faults.handoffs import thens
from hrorch_pipelines.stack.handing import Invite, Mail
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.stack.nearest import did_you_mean, listed

ALWAYS = frozenset({"organization"})
"""What every template may name beside its fields."""

HELPERS = ("money", "long_date")
"""Filters of letters (`systems.making.manner`)."""


def check_letters(stack: Stack, declared: Declared) -> Iterator[Finding]:
    """Missing files, templates that cannot be read, fields that nobody gives."""
    del declared
    for path, then in thens(stack):
        if not isinstance(then, Mail | Invite):
            continue
        fields = {*then.fields, *ALWAYS}
        line, key = (then.subject, "subject") if isinstance(then, Mail) else (then.summary, "summary")
        yield from _template((*path, key), line, "", fields)
        if then.text is not None:
            text = yield from _read((*path, "text"), stack.folder, then.text)
            if text is not None:
                yield from _template((*path, "text"), text, f"{then.text}, ", fields)
        if isinstance(then, Mail) and then.attach is not None:
            if not then.attach.endswith(".typ"):
                yield Finding((*path, "attach"), "is not a Typst template", "name a .typ file beside the stack file")
            else:
                yield from _read((*path, "attach"), stack.folder, then.attach)


def _read(path: Path, folder: File, name: str) -> Generator[Finding, None, str | None]:
    """What stands in a file beside the stack file; None where that is a fault."""
    file = folder / name
    if File(name).is_absolute() or ".." in File(name).parts:
        yield Finding(
            path, f"`{name}` does not lie beside the stack file", "put the template into its folder, or below"
        )
        return None
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        near = sorted(str(one.relative_to(folder)) for one in file.parent.glob("*") if one.is_file())
        hint = did_you_mean(name, near)
        yield Finding(
            path, f"there is no template `{name}` beside the stack file", f"{hint}write it, or correct its name"
        )
    except (OSError, UnicodeDecodeError) as wrong:
        yield Finding(path, f"`{name}` cannot be read ({type(wrong).__name__})", "make it a text file in UTF-8")
    return None


def _template(path: Path, text: str, where: str, fields: set[str]) -> Iterator[Finding]:
    from jinja2 import Environment, TemplateSyntaxError, meta

    try:
        environment = Environment(autoescape=True)
        environment.filters |= dict.fromkeys(HELPERS, str)
        tree = environment.parse(text)
        named = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as wrong:
        yield Finding(path, f"{where}line {wrong.lineno}: {wrong.message}", "correct the template; it is Jinja")
        return
    for name in sorted(named - fields):
        yield Finding(
            path,
            f"{where}names `{name}`, and there is no such field",
            f"{did_you_mean(name, fields)}add it to `fields`, or take one of {listed(sorted(fields))}",
        )
