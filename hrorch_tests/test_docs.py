"""What the documents say is so: their commands exist, their links lead somewhere, the README's tree is the repository's."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from hrorch_pipelines.cli import app

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
DOCUMENTS = sorted(
    path
    for folder, pattern in ((REPOSITORY, "*.md"), (REPOSITORY / "docs", "**/*.md"), (REPOSITORY / "benchmarks", "*.md"))
    for path in folder.glob(pattern)
)
CODE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def typed(path: Path) -> Iterator[list[str]]:
    """Commands of ours that a document tells the reader to type, in blocks and in running text."""
    text = path.read_text(encoding="utf-8")
    lines = [line for _, block in CODE.findall(text) for line in block.splitlines()]
    lines += INLINE.findall(CODE.sub("", text))
    for line in lines:
        words = line.split("#")[0].removeprefix("$ ").strip().removeprefix(".venv/bin/").split()
        if words and words[0] in {"hrorch", "make"}:
            yield words


def test_there_are_documents() -> None:
    assert README in DOCUMENTS
    assert len(DOCUMENTS) > 8
    assert sum(1 for _ in typed(README)) > 8


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_command_in_a_document_exists_with_its_options(path: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z-]*):", (REPOSITORY / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    wrong = []
    for words in typed(path):
        if words[0] == "make":
            wrong += [
                " ".join(words) for target in words[1:] if re.fullmatch("[a-z-]+", target) and target not in targets
            ]
            continue
        command: Any = typer.main.get_command(app)
        rest = words[1:]
        while rest and hasattr(command, "commands") and re.fullmatch("[a-z-]+", rest[0]):
            if rest[0] not in command.commands:
                wrong.append(" ".join(words))
                break
            command, rest = command.commands[rest[0]], rest[1:]
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)} | {
            "--help"
        }
        wrong += [
            f"{' '.join(words)}: {word}"
            for word in rest
            if re.match(r"--?[a-z]", word) and word.split("=")[0] not in known
        ]
    assert wrong == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_in_a_document_leads_somewhere(path: Path) -> None:
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    broken = []
    for link in LINK.findall(text):
        target, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        place = (path.parent / target).resolve() if target else path
        if not place.exists() or (anchor and place.suffix == ".md" and anchor not in anchors(place)):
            broken.append(link)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """Headings as links name them."""
    headings = re.findall(r"^#+ (.+)$", CODE.sub("", path.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def tree() -> tuple[set[str], set[str]]:
    """Names in the README's tree: at the top, and inside the package."""
    block = next(
        block for _, block in CODE.findall(README.read_text(encoding="utf-8")) if "hrorch_pipelines/\n" in block
    )
    top: set[str] = set()
    inside: set[str] = set()
    for line in block.splitlines():
        if line.startswith("  "):
            inside.add(line.split()[0])
        else:
            top |= set(line.split()) if "  " in line and "/ " not in line else {line.split()[0]}
    return top, inside


def tracked() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True
    )
    if done.returncode:
        pytest.skip("needs a git checkout: `git clone` the repository")
    return [Path(line) for line in done.stdout.splitlines()]


def test_the_tree_in_the_readme_is_the_repositorys() -> None:
    top, _ = tree()
    there = {path.parts[0] + ("/" if len(path.parts) > 1 else "") for path in tracked()}
    assert {name for name in there if not name.startswith(".")} - {"LICENSE"} == top


def test_every_room_is_in_the_tree_of_the_readme() -> None:
    _, inside = tree()
    rooms = {path.parts[1] + "/" for path in tracked() if path.parts[0] == "hrorch_pipelines" and len(path.parts) > 2}
    assert rooms == {name for name in inside if name.endswith("/")}
    assert [name for name in inside if not (REPOSITORY / "hrorch_pipelines" / name).exists()] == []


def test_documents_name_no_machine_and_no_index() -> None:
    """A document has to read the same on every machine."""
    found = [
        f"{name_of(path)}: {word}"
        for path in DOCUMENTS
        for word in re.findall(r"/(?:home|root|work|Users|tmp)/[\w./-]+", path.read_text(encoding="utf-8"))
    ]
    assert found == []
