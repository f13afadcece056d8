"""`hrorch check`: 0 when all is well, 1 when a system does not answer as declared, 2 when the stack file is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).resolve().parents[1] / "docs" / "examples" / "two-files"


@pytest.fixture
def example(tmp_path: Path) -> Path:
    folder = tmp_path / "my-company"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("home"))
    return folder


def check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("hrorch")), "check", "--stack", str(folder / "stack.yaml"), *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={"COLUMNS": "400", "PATH": ""})


def test_a_stack_file_without_faults_whose_systems_answer_ends_with_0(example: Path) -> None:
    done = check(example)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Every system answers." in done.stdout


def test_a_renamed_column_and_a_missing_file_end_with_1_and_are_named(example: Path) -> None:
    people = example / "people.csv"
    people.write_text(people.read_text(encoding="utf-8").replace("Last Name", "Surname", 1), encoding="utf-8")
    (example / "payroll.csv").unlink()
    done = check(example)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "column `Last Name` is missing" in done.stdout
    assert "no file matches `payroll.csv`" in done.stdout
    assert check(example, "--no-connect").returncode == 0, "nobody was asked"


def test_every_missing_column_of_a_file_is_told_at_once_and_no_value_of_it(example: Path) -> None:
    people = example / "people.csv"
    header, *rows = people.read_text(encoding="utf-8").splitlines()
    people.write_text("\n".join([header.replace("Last Name", "A").replace("Department", "B"), *rows]), encoding="utf-8")
    told = check(example).stdout
    assert "`Last Name`" in told and "`Department`" in told  # noqa: PT018
    assert not any(cell in told for row in rows for cell in row.split(",") if len(cell) > 4)


def test_a_wrong_stack_file_ends_with_2_and_line_and_key_are_named(example: Path) -> None:
    stack = example / "stack.yaml"
    stack.write_text(stack.read_text(encoding="utf-8").replace("base_url: .", "base_uri: .", 1), encoding="utf-8")
    done = check(example)
    assert done.returncode == 2
    assert "stack.yaml:" in done.stdout + done.stderr
    assert "base_uri" in done.stdout + done.stderr
