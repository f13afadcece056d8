"""The `hrorch` command: every option documented, results on stdout, errors in two sentences, exit codes 0, 1 and 2."""

from __future__ import annotations

import csv
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer.main

from hrorch_pipelines.cli import app, main

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLE = REPOSITORY / "docs" / "examples" / "two-files"
FINE, FINDINGS, COULD_NOT_RUN = 0, 1, 2


def commands() -> dict[str, Any]:
    """Every command by what one types: `report discrepancies`."""

    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
        yield " ".join(words), command
        for name, sub in getattr(command, "commands", {}).items():
            yield from below(sub, (*words, name))

    return dict(below(typer.main.get_command(app), ()))


@dataclass(frozen=True)
class Said:
    """What a command printed and how it ended."""

    code: int
    out: str
    err: str


@pytest.fixture
def hrorch(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Call the command as the console script does, in this process."""
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("HRORCH_STACK", "HRORCH_HOME", "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)

    def call(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["hrorch", *words])
        capsys.readouterr()
        try:
            main()
            code: object = 0
        except SystemExit as end:
            code = end.code
        said = capsys.readouterr()
        assert "Traceback" not in said.out + said.err
        return Said(code if isinstance(code, int) else int(code is not None), said.out, said.err)

    return call


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The documented example, run once by the real console script: the options that name it."""
    folder = tmp_path_factory.mktemp("cli") / "my-company"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("home"))
    options = ["--stack", str(folder / "stack.yaml"), "--home", str(folder / "home")]
    done = subprocess.run(
        [str(Path(sys.executable).with_name("hrorch")), "run", *options], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == FINE, done.stderr
    assert "Done." in done.stdout
    return options


@pytest.mark.parametrize("words", commands())
def test_every_command_explains_itself_and_each_of_its_options(words: str, hrorch) -> None:  # type: ignore[no-untyped-def]
    command = commands()[words]
    said = hrorch(*words.split(), "--help")
    assert said.code == FINE
    assert (command.help or "").strip(), f"`hrorch {words}` says nothing of itself"
    for parameter in command.params:
        if parameter.name in {"help", "install_completion", "show_completion"}:
            continue
        assert (getattr(parameter, "help", "") or "").strip(), f"`hrorch {words}`: {parameter.name} has no help"
        if parameter.param_type_name == "option":
            assert any(name in said.out for name in parameter.opts), parameter.name


def test_the_commands_are_the_ones_that_were_promised() -> None:
    promised = {
        "demo", "check", "run", "report discrepancies", "report metrics", "report bridge", "explain", "sandbox serve", "bench",
    }  # fmt: skip
    assert promised <= set(commands())


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ("report discrepancies", FINDINGS),
        ("report metrics", FINE),
        ("report metrics --history", FINE),
        ("report bridge", FINE),
        ("report quarantine", None),
        ("report reviews", None),
        ("report discrepancies --as-of 2026-01-31", None),
    ],
)
def test_every_report_is_data_as_json(words: str, code: int | None, company: list[str], hrorch) -> None:  # type: ignore[no-untyped-def]
    said = hrorch(*words.split(), "--format", "json", *company)
    found = json.loads(said.out)
    rows = found["rows"] if isinstance(found, dict) else found
    assert said.code == (code if code is not None else (FINDINGS if rows else FINE))
    assert rows or code is None


def test_a_pipe_gets_the_results_only(company: list[str], hrorch) -> None:  # type: ignore[no-untyped-def]
    said = hrorch("report", "discrepancies", "--format", "csv", *company)
    rows = list(csv.reader(io.StringIO(said.out)))
    assert len({len(row) for row in rows}) == 1, "lines of different length: something else was printed among them"
    assert len(rows) > 1


@pytest.mark.parametrize("form", ["html", "xlsx"])
def test_a_report_can_be_written_to_a_file(form: str, company: list[str], tmp_path: Path, hrorch) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"report.{form}"
    said = hrorch("report", "discrepancies", "--format", form, "-o", str(path), *company)
    assert said.code == FINDINGS
    assert path.read_bytes()[:2] == {"xlsx": b"PK", "html": b"<!"}[form]


def test_filters_narrow_what_is_shown(company: list[str], hrorch) -> None:  # type: ignore[no-untyped-def]
    def shown(*words: str) -> int:
        found = json.loads(hrorch("report", "discrepancies", *words, "--format", "json", *company).out)
        return len(found["rows"] if isinstance(found, dict) else found)

    everything, one = shown(), shown("--attribute", "pay")
    assert 0 < one < everything


@pytest.mark.parametrize(
    "words",
    [
        "report discrepancies --system nowhere",
        "report discrepancies --attribute nothing",
        "report metrics --format papyrus",
        "explain nobody-at-all",
        "identity decide hris:1 payroll:1 perhaps --by nobody --reason none",
        "snapshots accept hris-20200101T000000000000Z --by me --reason none",
    ],
)
def test_what_does_not_exist_is_said_in_two_sentences(words: str, company: list[str], hrorch) -> None:  # type: ignore[no-untyped-def]
    said = hrorch(*words.split(), *company)
    assert said.code == COULD_NOT_RUN, said
    assert len(said.err.strip()) > 20
    assert len(said.err.strip().splitlines()) <= 6
    assert "What to do" in said.err or "Invalid value" in said.err
    assert said.out == ""


def test_before_the_first_run_a_report_says_what_to_do(company: list[str], tmp_path: Path, hrorch) -> None:  # type: ignore[no-untyped-def]
    said = hrorch("report", "metrics", *company[:2], "--home", str(tmp_path / "nothing"))
    assert said.code == COULD_NOT_RUN
    assert "hrorch run" in said.err
    assert not (tmp_path / "nothing" / "warehouse.duckdb").exists()


def test_a_stack_file_that_is_not_there_or_not_right_is_named(tmp_path: Path, hrorch) -> None:  # type: ignore[no-untyped-def]
    said = hrorch("run", "--stack", str(tmp_path / "none.yaml"))
    assert said.code == COULD_NOT_RUN
    assert "none.yaml" in said.err
    (tmp_path / "wrong.yaml").write_text("systems: {hris: {owner: nobody, conector: files}}\n", encoding="utf-8")
    said = hrorch("run", "--stack", str(tmp_path / "wrong.yaml"))
    assert said.code == COULD_NOT_RUN
    assert "wrong.yaml:1" in said.err
    assert "conector" in said.err


def test_an_unknown_option_is_a_usage_error(hrorch) -> None:  # type: ignore[no-untyped-def]
    assert hrorch("report", "metrics", "--colour").code == COULD_NOT_RUN
    assert hrorch("rapport").code == COULD_NOT_RUN


def test_a_run_in_which_one_system_fails_ends_with_findings(company: list[str], tmp_path: Path, hrorch) -> None:  # type: ignore[no-untyped-def]
    folder = tmp_path / "my-company"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns("home"))
    (folder / "payroll.csv").unlink()
    said = hrorch("run", "--stack", str(folder / "stack.yaml"), "--home", str(folder / "home"))
    assert said.code == FINDINGS
    assert "payroll.csv" in said.err
    assert (
        hrorch("snapshots", "list", "--stack", str(folder / "stack.yaml"), "--home", str(folder / "home")).code
        == FINDINGS
    )


def test_explain_tells_who_says_what_and_masks_it(company: list[str], hrorch) -> None:  # type: ignore[no-untyped-def]
    masked = hrorch("explain", "00425", "pay", *company)
    assert masked.code == FINE
    assert "people" in masked.out or "hris" in masked.out
    nobody = hrorch("explain", "00425", "pay", "--reveal", *company)
    assert (nobody.code, nobody.out) == (COULD_NOT_RUN, "")
    assert "--by" in nobody.err
    revealed = hrorch("explain", "00425", "pay", "--reveal", "--by", "me", *company)
    assert "•" in masked.out
    assert len(revealed.out) != len(masked.out) or revealed.out != masked.out
