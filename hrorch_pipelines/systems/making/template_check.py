"""Tries every template of the handoffs before anything is sent: missing files, broken lines, fields nobody declares."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

from jinja2 import TemplateNotFound, TemplateSyntaxError, meta, nodes

from hrorch_pipelines.stack.handing import Invite, Mail
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.making.letters_pdf import pdf_fault
from hrorch_pipelines.systems.making.templates import environment, load_error

Fault = tuple[tuple[str | int, ...], str, str]
"""The path in the stack file, what is wrong, what to do."""


def template_faults(stack: Stack) -> list[Fault]:
    """Everything wrong with the templates of all `mail` and `invite` handoffs. Sends nothing, needs no data."""
    return [fault for path, then in _thens(stack) for fault in _faults(stack, path, then)]


def _thens(stack: Stack) -> Iterator[tuple[tuple[str | int, ...], Mail | Invite]]:
    for name, handoff in stack.handoffs.items():
        if isinstance(handoff.then, Mail | Invite):
            yield ("handoffs", name, "then"), handoff.then
        if handoff.compensate is not None and isinstance(handoff.compensate.then, Mail | Invite):
            yield ("handoffs", name, "compensate", "then"), handoff.compensate.then


def _faults(stack: Stack, path: tuple[str | int, ...], then: Mail | Invite) -> Iterator[Fault]:
    known = {"organization", *then.fields}
    line, key = (then.subject, "subject") if isinstance(then, Mail) else (then.summary, "summary")
    for what in _line_faults(stack.folder, line, key, known):
        yield (*path, key), what, "correct this line; it is a Jinja template over `fields`"
    if "\n" in line.strip():
        yield (*path, key), "takes more than one line", "write it in one line"
    if then.text is not None:
        for what in _file_faults(stack.folder, then.text, known, set()):
            yield (*path, "text"), what, "correct the template, or declare the field in `fields`"
    if isinstance(then, Mail) and then.attach is not None:
        if not then.attach.endswith(".typ"):
            yield (*path, "attach"), "is not a Typst template", "name a .typ file beside the stack file"
        elif (wrong := pdf_fault(stack.folder / then.attach, stack.organization.name, list(then.fields))) is not None:
            yield (*path, "attach"), wrong, "correct the template, or declare the field in `fields`"


def _line_faults(folder: Path, source: str, key: str, known: Collection[str]) -> Iterator[str]:
    try:
        environment(folder).from_string(source)
    except TemplateSyntaxError as wrong:
        yield load_error(key, wrong)
        return
    yield from _undeclared(environment(folder).parse(source), key, known)


def _file_faults(folder: Path, name: str, known: Collection[str], seen: set[str]) -> Iterator[str]:
    """Faults of a template file and of the parts it includes."""
    if name in seen:
        return
    seen.add(name)
    env = environment(folder)
    try:
        env.get_template(name)
        assert env.loader is not None  # noqa: S101  `environment` gives it one
        tree = env.parse(env.loader.get_source(env, name)[0], name)
    except (TemplateNotFound, TemplateSyntaxError, UnicodeDecodeError, OSError) as wrong:
        yield load_error(name, wrong)
        return
    yield from _undeclared(tree, name, known)
    for part in meta.find_referenced_templates(tree):
        if part is not None:  # None: its name is computed, and told only when the letter is made
            yield from _file_faults(folder, part, known, seen)


def _undeclared(tree: nodes.Template, name: str, known: Collection[str]) -> Iterator[str]:
    missing = meta.find_undeclared_variables(tree) - set(known)
    first: dict[str, int] = {}
    for node in tree.find_all(nodes.Name):
        if node.name in missing:
            first.setdefault(node.name, node.lineno)
    for field, line in sorted(first.items(), key=lambda one: (one[1], one[0])):
        yield f"{name}, line {line}: there is no field `{field}`"
