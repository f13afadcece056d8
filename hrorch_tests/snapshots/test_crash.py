"""Killed at any moment, an observation leaves the last good snapshot and nothing half made."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import duckdb

from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots import catalogue
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.storage.home import Home
from hrorch_tests.snapshots.conftest import FIELDS, START, small_stack

_KILLED = """
import os, signal, sys
from datetime import timedelta
from pathlib import Path
from hrorch_pipelines.clock import SetClock
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.storage.home import Home
from hrorch_pipelines.systems import files, mapping
from hrorch_pipelines.systems.formats import delimited
from hrorch_tests.snapshots.conftest import FIELDS, START, small_stack
import charset_normalizer, fsspec.core, fsspec.implementations.local, pandas, pyarrow.csv, pyarrow.parquet, rapidfuzz  # once, not per child

ACTS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.link", "open", "shutil.rmtree"}
root, stack = Path(sys.argv[1]), small_stack(fields=FIELDS)
stack._folder = root

def child(number, last):
    seen = 0
    def watch(event, arguments):
        nonlocal seen
        if event in ACTS and str(root) in str(arguments[0]):
            seen += 1
            if seen == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    observe(stack, "hris", Home(root / "home"), SetClock(START + timedelta(minutes=number)))
    os._exit(0)

killed = 0
for last in range(1, 500):
    pid = os.fork()
    if pid == 0:
        try:
            child(last, last)
        finally:
            os._exit(3)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        killed += 1
        continue
    print(killed, os.WEXITSTATUS(status))
    break
"""


def test_a_kill_at_any_act_on_the_disk_leaves_no_half_snapshot(tmp_path: Path) -> None:
    (tmp_path / "exports").mkdir()
    rows = "".join(f"{n},Name{n},Nurse,50000,2026-01-05\n" for n in range(20))
    (tmp_path / "exports" / "workers.csv").write_text("id,last,title,pay,start\n" + rows, encoding="utf-8")
    home, stack = Home(tmp_path / "home"), small_stack(fields=FIELDS)
    stack._folder = tmp_path
    good = observe(stack, "hris", home, SetClock(START))

    ended = subprocess.run([sys.executable, "-c", _KILLED, str(tmp_path)], capture_output=True, text=True, timeout=200)
    killed, code = ended.stdout.split()
    assert int(killed) > 10, ended.stderr
    assert code == "0", "the first one that was left alone must succeed, over all that rubbish"

    for manifest in (told := catalogue.manifests(home, "hris")):
        file = catalogue.folder_of(home, manifest) / "worker.parquet"
        assert manifest.trusted
        assert duckdb.connect().execute(f"SELECT count(*) FROM read_parquet('{file}')").fetchall() == [(20,)]
    assert told[0] == good
    assert len(told) >= 2, "at least the one left alone; and those killed after the rename, which is all they had to do"
    folders = [folder.name for folder in (home.snapshots / "hris").iterdir()]
    assert sorted(folders) == [manifest.snapshot_id for manifest in told], "no folder without a manifest"
    assert not home.untrusted.exists()

    observe(stack, "hris", home, SetClock(START + timedelta(days=1)))
    left = {path.name for path in home.scratch.iterdir()}
    assert left <= {"observe-hris.lock", "duckdb"}
