"""Whatever the file is, it is read as meant or refused with its line; text stays as written; positions are right."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from hrorch_pipelines.stack.load import PRESETS, load_stack
from hrorch_pipelines.stack.tree import Entries, Listing, Node, read_tree
from hrorch_tests.stack.conftest import ENV, VALID, Faults

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("content", "line", "what"),
    [
        ("", 1, "is empty"),
        ("# nothing but a comment\n", 1, "is empty"),
        ("- a\n- b\n", 1, "is not a mapping"),
        ("just text", 1, "is not a mapping"),
        (b"PK\x03\x04\0\0", 1, "is not text"),
        ("organization:\n  name: Café\n".encode("cp1252"), 2, "is not UTF-8"),
        ("a: 1\nb:\n\tc: 2\n", 3, "a tab stands where spaces belong"),
        ("a: 1\nb: [1, 2\nc: 3\n", 3, "is not YAML from here on"),
        ("a: b: c\n", 1, "is not YAML from here on"),
        ("a: 'open\n", 2, "is not YAML from here on"),
        ("a: 1\n---\nb: 2\n", 2, "a second document"),
        ("a: *nowhere\n", 1, "no `&anchor`"),
        ('a: "\\q"\n', 1, "an escape in double quotes is unknown"),
        ("a: " + "[" * 3000 + "\n", 1, ""),
        ("a: \x07\n", 1, "characters YAML does not allow"),
    ],
    ids=lambda value: repr(value)[:30],
)  # fmt: skip
def test_what_is_no_usable_yaml_is_refused_with_its_line(
    faults_of: Faults, content: str | bytes, line: int, what: str
) -> None:
    faults = faults_of(content)
    assert [fault.line for fault in faults] == [line], faults
    assert what in faults[0].what
    assert faults[0].remedy


def test_a_missing_file_and_a_folder_are_faults(tmp_path: Path) -> None:
    for path, what in ((tmp_path / "none.yaml", "is not there"), (tmp_path, "cannot be read")):
        tree, faults = read_tree(path, "stack.yaml")
        assert tree is None
        assert what in faults[0].what


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("a: &x [*x]\n", "an alias stands inside what it names"),
        ("a: !include other.yaml\n", "has no meaning here"),
        ("{a: 1}: 2\n", "a key is a list or mapping"),
        ("a: {b: 1}\na: {b: 2}\n", "`a` is declared twice (first on line 1)"),
        ("<<: [1]\na: 1\n", "`<<` takes a mapping"),
    ],
)
def test_yaml_that_means_nothing_here_is_a_fault(faults_of: Faults, content: str, what: str) -> None:
    assert any(what in fault.what for fault in faults_of(content))


def test_aliases_that_multiply_are_refused_quickly(faults_of: Faults) -> None:
    bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
    bomb += "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12))
    assert [fault.what for fault in faults_of(bomb)] == ["is too large once its aliases are written out"]


def test_text_stays_as_written_where_text_is_asked_for(folder: Path) -> None:
    text = VALID.replace('null_values: [""]', "").replace(
        "department: {from: Dept, catalogue: departments.csv}",
        "department: {from: Dept, map: {0042: 00417, true: 2026-01-31, 1_0: 1.50, 0x1F: no}}",
    )
    (folder / "stack.yaml").write_text(text, encoding="utf-8")
    mapped = load_stack(folder / "stack.yaml", ENV).systems["payroll"].records["worker"].fields["department"].map
    assert mapped == {"0042": "00417", "true": "2026-01-31", "1_0": "1.50", "0x1F": "no"}


def test_a_byte_order_mark_does_no_harm(faults_of: Faults) -> None:
    assert faults_of(b"\xef\xbb\xbf" + VALID.encode()) == []


@pytest.mark.parametrize(
    "path", [ROOT / "data" / "stack.yaml", *sorted(PRESETS.glob("*.yaml"))], ids=lambda path: path.name
)
def test_content_is_what_another_yaml_reader_reads(path: Path) -> None:
    """PyYAML as an oracle: anchors, aliases, folded text, quoting, numbers."""
    tree, faults = read_tree(path, path.name)
    assert faults == []
    assert tree is not None
    assert plain(tree) == yaml.safe_load(path.read_text(encoding="utf-8"))


def test_every_key_knows_the_line_it_stands_on() -> None:
    path = ROOT / "data" / "stack.yaml"
    lines = path.read_text(encoding="utf-8").splitlines()
    tree, _ = read_tree(path, path.name)
    assert tree is not None
    seen = 0
    for key, line in keys(tree):
        assert key in lines[line - 1], (key, line)
        seen += 1
    assert seen > 300


def plain(node: Node) -> object:
    match node:
        case Entries():
            return {key: plain(value) for key, (_, value) in node.items.items()}
        case Listing():
            return [plain(item) for item in node.items]
        case _:
            return node.value


def keys(node: Node) -> list[tuple[str, int]]:
    match node:
        case Entries():
            own = [(key, place.line) for key, (place, _) in node.items.items()]
            return own + [found for _, value in node.items.values() for found in keys(value)]
        case Listing():
            return [found for item in node.items for found in keys(item)]
        case _:
            return []
