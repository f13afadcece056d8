"""What the demonstration promises: every planted fault found and its cause named, and the answers never looked up."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hrorch_pipelines.sandbox.findings import findings
from hrorch_pipelines.sandbox.labels import read_labels
from hrorch_pipelines.sandbox.score import KindScore, score
from hrorch_pipelines.sandbox.serve import run_sandbox
from hrorch_pipelines.sandbox.world import label_file
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.e2e.company import EXAMPLE, REPOSITORY, environment

WATCHED = """
import json, os, sys
forbidden, opened, refused = os.path.realpath(sys.argv[1]), [0], []

def watch(event, arguments):
    if event not in {"open", "sqlite3.connect", "os.listdir", "os.scandir", "glob.glob", "pathlib.Path.glob"}:
        return
    opened[0] += 1
    path = arguments[0] if arguments else None
    if isinstance(path, (str, bytes, os.PathLike)):
        real = os.path.realpath(os.fsdecode(path))
        if real == forbidden or real.startswith(forbidden + os.sep):
            refused.append(real)
            raise PermissionError(f"the product reached for the sandbox's own files ({event})")

sys.addaudithook(watch)
if sys.argv[2] == "try":
    with open(os.path.join(forbidden, sys.argv[3])) as file:
        file.read()
from datetime import datetime
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.runner import run_once
from hrorch_pipelines.workplace import open_workplace
outcomes = run_once(open_workplace(clock=SetClock(datetime.fromisoformat(sys.argv[2]))))
sandbox = sorted(name for name in sys.modules if name.startswith("hrorch_pipelines.sandbox"))
print(json.dumps({
    "outcomes": [[outcome.job, outcome.ok, outcome.reason] for outcome in outcomes],
    "opened": opened[0], "refused": refused, "sandbox": sandbox,
}))
"""


def first_day(folder: Path, *, people: int, seed: int) -> Iterator[tuple[list[KindScore], dict[str, object]]]:
    """One look at the six systems, in a process that dies if it opens a file of the sandbox's folder."""
    with run_sandbox(folder / "world", base_port=None, people=people, seed=seed) as sandbox:
        labels = label_file(folder / "world")
        assert labels.exists()
        assert labels.is_relative_to(folder / "world"), "else the watch below watches the wrong folder"
        env = environment(EXAMPLE, folder / "home", **sandbox.env)
        arguments = [str(folder / "world"), sandbox.clock.now().isoformat()]
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, *arguments], cwd=REPOSITORY, env=env, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-3000:]
        told = json.loads(done.stdout.splitlines()[-1])
    with open_published(Home(folder / "home")) as con:
        yield score(read_labels(labels), findings(con)), told


@pytest.fixture(scope="module")
def day(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[list[KindScore], dict[str, object]]]:
    """Five hundred people of seed 7: what `hrorch demo` shows."""
    yield from first_day(tmp_path_factory.mktemp("demo"), people=500, seed=7)


def assert_all_found(scores: list[KindScore]) -> None:
    wrong = {one.kind: one for one in scores if one.missed or one.false or one.cause_right != one.cause_of}
    assert wrong == {}
    for one in scores:
        if one.planted:
            assert one.recall == 1.0, one
            assert one.precision == 1.0, one


def test_every_planted_fault_is_found_and_nothing_else_and_each_cause_is_named(
    day: tuple[list[KindScore], dict[str, object]],
) -> None:
    scores, _ = day
    assert_all_found(scores)
    assert len([one for one in scores if one.planted]) >= 40, "kinds of faults that are planted"
    assert sum(one.cause_of for one in scores) >= 50


def test_what_cannot_be_decided_from_the_data_is_said_with_a_reason(tmp_path: Path) -> None:
    from hrorch_pipelines.sandbox.world import generate

    generate(tmp_path, 500, 7)
    labels = read_labels(label_file(tmp_path))
    assert all(label.reason for label in labels if not (label.decidable and label.cause_decidable))


def test_a_whole_run_reads_no_file_of_the_sandbox(day: tuple[list[KindScore], dict[str, object]]) -> None:
    _, told = day
    assert told["refused"] == []
    assert told["sandbox"] == [], "the product loads no module of the sandbox"
    assert [job for job, ok, _ in told["outcomes"] if not ok] == []  # type: ignore[attr-defined]
    assert told["opened"] > 100, "the watch saw no file opened: it does not watch"  # type: ignore[operator]


def test_the_watch_would_notice(tmp_path: Path) -> None:
    (tmp_path / "labels.jsonl").write_text("{}", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, str(tmp_path), "try", "labels.jsonl"], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "reached for the sandbox's own files" in done.stderr


@pytest.mark.long
@pytest.mark.parametrize("seed", [1, 20260615])
def test_another_company_is_seen_through_as_well(tmp_path: Path, seed: int) -> None:
    for scores, _ in first_day(tmp_path, people=500, seed=seed):
        assert_all_found(scores)
