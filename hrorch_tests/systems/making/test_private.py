"""What is read of persons in passing is gone afterwards, and after a crash at the next time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hrorch_pipelines.systems.making.connect import maker_for
from hrorch_pipelines.systems.making.private import private_folder
from hrorch_tests.systems.making.sandboxed import making
from hrorch_tests.systems_writing.sandboxed import CLOCK, KEY

CRASH = """
import os, sys
from pathlib import Path
from hrorch_pipelines.systems.making.private import private_folder
with private_folder(Path(sys.argv[1]), "hris") as folder:
    (folder / "worker.jsonl").write_text("{}")
    os._exit(9)
"""


def test_only_we_may_read_it_and_it_is_gone_whatever_happens(tmp_path: Path) -> None:
    def breaks() -> None:
        with private_folder(tmp_path, "hris") as folder:
            assert folder.stat().st_mode & 0o077 == 0
            (folder / "worker.jsonl").write_text("{}")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        breaks()
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_goes_at_the_next_time_and_what_is_in_use_stays(tmp_path: Path) -> None:
    assert subprocess.run([sys.executable, "-c", CRASH, str(tmp_path)], check=False).returncode == 9
    (left,) = tmp_path.iterdir()
    with private_folder(tmp_path, "hris") as folder, private_folder(tmp_path, "hris") as other:
        assert set(tmp_path.iterdir()) == {folder, other}
    assert not left.exists()


def test_a_look_leaves_nothing_behind(stack: Any, tmp_path: Path) -> None:
    one = maker_for(stack, "hris", CLOCK, KEY, scratch=tmp_path / "scratch")
    assert one.look(making("hris", "worker", legal_last_name="Q", personal_email="q@q.example")).state == "absent"
    one.close()
    assert list((tmp_path / "scratch").iterdir()) == []
