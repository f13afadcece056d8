"""The house keeps its shape: stages in order, one door to Dagster per room, modules small enough to read."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = REPOSITORY / "hrorch_pipelines"
MODULES = sorted(path for path in PACKAGE.rglob("*.py"))
DOORS = {"assets.py", "checks.py", "sensors.py", "schedules.py", "definitions.py", "runner.py"}
"""Modules that may know Dagster; everything else is plain Python."""

LONGEST_MODULE, LONGEST_FUNCTION = 300, 80
TELLS_THE_TIME = {"now", "today", "utcnow", "time", "time_ns", "localtime", "gmtime"}


def name_of(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_there_is_something_to_look_at() -> None:
    rooms = {path.relative_to(PACKAGE).parts[0] for path in MODULES}
    assert {"stack", "systems", "snapshots", "gates", "identity", "authority", "reconcile", "reports"} <= rooms
    assert len(MODULES) > 100


def test_the_stages_import_only_what_comes_before_them() -> None:
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports"))], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]
    assert " 0 broken" in done.stdout


def test_every_module_says_what_lives_in_it() -> None:
    silent = [name_of(path) for path in MODULES if path.stat().st_size and not ast.get_docstring(tree_of(path))]
    assert silent == []


def test_every_module_can_be_read_in_one_sitting() -> None:
    long = [name_of(path) for path in MODULES if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_MODULE]
    assert long == []


def test_every_function_does_one_thing() -> None:
    long = [
        f"{name_of(path)}: {node.name}: {length} lines"
        for path in MODULES
        if path.parent.name != "versions"  # revisions of the ledger are written by Alembic: one list of tables each
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert long == []


def test_only_the_clock_reads_the_time() -> None:
    """`time.monotonic` and `sleep` measure and wait; they say nothing about when it is.

    The sandbox's servers are other people's: their tokens and limits run on the machine's time, as real ones do.
    """
    found = []
    for path in MODULES:
        if path == PACKAGE / "clock.py" or path.is_relative_to(PACKAGE / "sandbox" / "servers"):
            continue
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in TELLS_THE_TIME:
                of = ast.unparse(node.func.value)
                if of in {"datetime", "date", "datetime.datetime", "datetime.date", "dt.datetime", "dt.date", "time"}:
                    found.append(f"{name_of(path)}:{node.lineno}: {of}.{node.func.attr}")
    assert found == []


def test_only_the_doors_know_dagster() -> None:
    found = [
        name_of(path)
        for path in MODULES
        if path.name not in DOORS and any(name.split(".")[0] == "dagster" for name in imports(tree_of(path)))
    ]
    assert found == []


def test_the_product_knows_nothing_of_the_sandbox() -> None:
    own = (PACKAGE / "sandbox", PACKAGE / "drill", PACKAGE / "cli")  # the workshop: none of it runs in production
    found = [
        f"{name_of(path)}: {name}"
        for path in MODULES
        if not any(path.is_relative_to(folder) for folder in own)
        for name in imports(tree_of(path))
        if name.startswith("hrorch_pipelines.sandbox")
    ]
    assert found == []


def test_nothing_is_left_half_done() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Raise) and node.exc is not None and "NotImplemented" in ast.unparse(node.exc)
    ]
    assert found == []


def test_every_error_a_user_may_see_says_what_to_do() -> None:
    """All of our errors hang on one tree, and each passes a remedy on (or is given one by whoever raises it)."""
    from hrorch_pipelines import errors

    for path in MODULES:
        if path.name == "errors.py":
            __import__(".".join(path.relative_to(REPOSITORY).with_suffix("").parts))
    ours = list(descendants(errors.HrorchError))
    assert len(ours) > 10
    nameless = [one.__name__ for one in ours if not (one.__doc__ or "").strip()]
    assert nameless == []


def descendants(one: type) -> Iterator[type]:
    for child in one.__subclasses__():
        yield child
        yield from descendants(child)
