"""A copy is the file, whichever way the file system lets it be made; and the copied file's locks outlive it."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import duckdb
import pytest

from hrorch_pipelines.storage import copying
from hrorch_pipelines.storage.copying import copy_file

_OPEN = "import duckdb, sys; duckdb.connect(sys.argv[1], read_only=True)"


@pytest.mark.parametrize("size", [0, 1, 4096, 4096 * 3 + 7, (1 << 22) * 2 + 4096 * 5])
@pytest.mark.parametrize("past_the_cache", [True, False])
def test_the_copy_is_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, past_the_cache: bool) -> None:
    if not past_the_cache:
        monkeypatch.delattr(os, "O_DIRECT", raising=False)
    content = os.urandom(size)
    (tmp_path / "source").write_bytes(content)
    with ExitStack() as held:
        source = os.open(tmp_path / "source", os.O_RDONLY)
        held.callback(os.close, source)
        copy_file(source, tmp_path / "made", held)
    assert (tmp_path / "made").read_bytes() == content
    assert (tmp_path / "made").stat().st_mode & 0o777 == 0o600


def test_writing_that_fails_on_the_way_is_done_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(copying, "_write", refuse)
    (tmp_path / "source").write_bytes(b"x" * 8192)
    with ExitStack() as held:
        source = os.open(tmp_path / "source", os.O_RDONLY)
        held.callback(os.close, source)
        copy_file(source, tmp_path / "made", held)
    assert (tmp_path / "made").read_bytes() == b"x" * 8192


def test_nobody_else_gets_in_while_the_copied_file_is_held(tmp_path: Path) -> None:
    path = tmp_path / "w.duckdb"
    con = duckdb.connect(str(path))
    con.execute("CREATE TABLE t AS FROM range(1000)")
    con.execute("CHECKPOINT")
    with ExitStack() as held:
        source = os.open(path, os.O_RDONLY)
        held.callback(os.close, source)
        copy_file(source, tmp_path / "made", held)
        refused = subprocess.run([sys.executable, "-c", _OPEN, str(path)], capture_output=True, text=True)
        assert "lock" in refused.stderr
        con.close()
    with duckdb.connect(str(tmp_path / "made"), read_only=True) as copy:
        assert copy.execute("SELECT count(*) FROM t").fetchall() == [(1000,)]
