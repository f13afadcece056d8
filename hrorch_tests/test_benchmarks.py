"""No benchmark rots: each runs, at a tiny size, to its end. What it measures means nothing here, so nothing is timed.

`febrl4` is run by `identity/test_febrl.py`, on a reduced draw.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[1] / "benchmarks"
TINY = {
    "audit": (["--entries", "2000", "--persons", "50"], "the promised 200,000"),
    "compare": (["--persons", "200", "--without-datacompy"], "ours / hand-written"),
    "handoffs": (["--persons", "200", "--hired", "2"], "idle / first"),
    "inbox": (["--events", "300"], "the promised 1,000"),
    "first_cycle": (["--persons", "60", "--jobs", "2", "--verify", "0"], "peak memory"),
}
ELSEWHERE = {"febrl4"}


def run(name: str, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(FOLDER / f"{name}.py"), *options], capture_output=True, text=True, timeout=900
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_benchmark_is_run_by_some_test():
    assert {path.stem for path in FOLDER.glob("[!_]*.py")} == set(TINY) | ELSEWHERE


def test_every_benchmark_is_told_of_in_the_readme():
    told = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert all(f"`{path.name}`" in told for path in FOLDER.glob("[!_]*.py"))


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.long if name == "first_cycle" else ()) for name in TINY]
)
def test_it_runs_to_its_end(name):
    options, sign = TINY[name]
    assert sign in run(name, *options)


@pytest.mark.long
def test_the_next_cycle_ends_where_a_full_one_does():
    told = run("first_cycle", "--persons", "3000", "--scattered", "--verify", "3000", "--jobs", "2")
    assert "differing: nothing" in told
