"""The example of docs/letters.md is one that can be copied: it is read, bound and filled in as it stands."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from hrorch_pipelines.check import check_stack
from hrorch_pipelines.clock import SystemClock

ROOT = Path(__file__).parents[3]
PARTS = ("outlets", "handoffs", "lifecycle", "screening")


def test_the_example_in_the_page_has_no_fault(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", (ROOT / "docs/letters.md").read_text(encoding="utf-8"), re.DOTALL)
    for part in ("catalogues", "letters"):
        shutil.copytree(ROOT / "data" / part, tmp_path / part)
    stack = (ROOT / "data/stack.yaml").read_text(encoding="utf-8")
    for part in PARTS:  # the example's stand in for those of the file
        stack = re.sub(rf"(?m)^{part}:.*\n(?:[ #].*\n|\n)*", "", stack)
    (tmp_path / "stack.yaml").write_text(f"{stack}\n{example}", encoding="utf-8")
    report = check_stack(tmp_path / "stack.yaml", SystemClock(), connect=False)
    assert [str(fault) for fault in report.faults] == []
