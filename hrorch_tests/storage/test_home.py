"""The hashing key is made once: two processes that begin at the same time must not hash with two keys."""

from __future__ import annotations

import stat
import subprocess
import sys

import pytest

from hrorch_pipelines.storage.home import Home

_KEY = """
import sys
from pathlib import Path
from hrorch_pipelines.storage.home import Home
sys.stdin.readline()
print(Home(Path(sys.argv[1])).key().hex())
"""


def test_processes_that_begin_together_use_one_key(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HRORCH_KEY", raising=False)
    command = [sys.executable, "-c", _KEY, str(home.root)]
    children = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for child in children:
        assert child.stdin
        child.stdin.write("\n")
        child.stdin.flush()
    keys = {child.communicate(timeout=60)[0].strip() for child in children}
    assert keys == {home.key().hex()}
    assert len(home.key()) == 32
    assert stat.S_IMODE((home.root / "hash.key").stat().st_mode) == 0o600
    assert [path.name for path in home.root.iterdir()] == ["hash.key"]


def test_a_key_given_from_outside_wins(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HRORCH_KEY", "ab" * 32)
    assert home.key() == bytes.fromhex("ab" * 32)
    assert not home.root.exists()
