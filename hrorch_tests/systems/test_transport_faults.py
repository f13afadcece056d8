"""Whatever goes wrong on the wire, what is believed is what a quiet read gives: every sandbox system × every fault."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hrorch_pipelines.clock import SystemClock
from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_pipelines.stack.load import load_stack
from hrorch_pipelines.stack.models import Stack
from hrorch_pipelines.systems.connect import connector_for
from hrorch_pipelines.systems.raw import RawRecords, SystemUnavailable
from hrorch_tests.systems.test_presets import EXAMPLE

SYSTEMS = ("ats", "hris", "payroll", "check", "onboarding", "directory")
READS = [
    kind for kind in FaultKind if kind not in {FaultKind.LAGGING_READS, FaultKind.LOST_ANSWER, FaultKind.IGNORED_WRITE}
]
OVERCOME = {
    FaultKind.RATE_LIMITED,
    FaultKind.UNAVAILABLE,
    FaultKind.TIMEOUT,
    FaultKind.HALF_FILE,
    FaultKind.OUTAGE,
    FaultKind.PAGE_DRIFT,
}
"""What one try more, or one pass more, must get over."""
SMALL_PAGES: dict[str, Any] = {
    "ats": {"candidate": {"read": {"paginator": {"size": 4}}}},
    "hris": {"worker": {"read": {"paginator": {"size": 20}}}},
    "payroll": {"worker": {"read": {"paginator": {"size": 20}}}},
    "check": {"candidate": {"read": {"params": {"per_page": "4"}}}},
    "onboarding": {"newhire": {"read": {"paginator": {"size": 2}}}},
    "directory": {"user": {"read": {"count": 20}}},
}


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Any:
    from hrorch_pipelines.sandbox.serve import run_sandbox

    with run_sandbox(tmp_path_factory.mktemp("sandbox"), base_port=None, people=120, seed=11) as running:
        yield running


@pytest.fixture(scope="module")
def stack(sandbox: Any, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    content = yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))
    for name, records in SMALL_PAGES.items():
        content["systems"][name] |= {"records": records, "connection": {"timeout": "0.5s", "retries": 2}}
    folder = tmp_path_factory.mktemp("stack")
    (folder / "stack.yaml").write_text(yaml.safe_dump(content))
    for part in ("catalogues", "letters"):
        shutil.copytree(EXAMPLE.parent / part, folder / part)
    return load_stack(folder / "stack.yaml", sandbox.env)


def read(stack: Stack, name: str, into: Path, since: datetime | None = None) -> RawRecords:
    connector: Any = connector_for(stack, name, SystemClock())
    connector.sleep = lambda _: None
    into.mkdir(exist_ok=True)
    return connector.read(stack.systems[name].base_record, into=into, until=datetime.now(UTC), since=since)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def quiet(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    found = {}
    for name in SYSTEMS:
        raw = read(stack, name, tmp_path_factory.mktemp(name))
        assert raw.report.complete
        assert raw.report.pages > 2
        found[name] = sorted(raw.path.read_text(encoding="utf-8").splitlines())
    return found


def outcome(sandbox: Any, stack: Stack, name: str, into: Path, kind: FaultKind, times: int | None) -> RawRecords | None:
    """What a read gives while a fault is on; None when it is refused with a remedy."""
    late = {"seconds": 0.8} if kind is FaultKind.TIMEOUT else {}
    sandbox.board.switch_on(name, kind, times=times, **late)
    try:
        return read(stack, name, into)
    except SystemUnavailable as refused:
        if not refused.remedy:
            raise
        return None
    finally:
        sandbox.board.switch_off(name)


def believed(raw: RawRecords) -> list[str]:
    return sorted(raw.path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("kind", READS)
@pytest.mark.parametrize("name", SYSTEMS)
def test_a_fault_that_passes_is_overcome_or_refused(sandbox, stack, quiet, tmp_path, name, kind):
    raw = outcome(sandbox, stack, name, tmp_path / "in", kind, times=1)
    if kind in OVERCOME:
        assert raw is not None
        assert raw.report.complete
    if raw is not None and raw.report.complete and not (kind is FaultKind.EMPTY and raw.rows == 0):
        assert believed(raw) == quiet[name]


@pytest.mark.parametrize("kind", READS)
@pytest.mark.parametrize("name", ["ats", "payroll", "directory"])
def test_a_fault_that_stays_is_never_believed(sandbox, stack, quiet, tmp_path, name, kind):
    raw = outcome(sandbox, stack, name, tmp_path / "in", kind, times=None)
    if kind is FaultKind.EMPTY and raw is not None and raw.report.complete:
        assert (raw.rows, raw.report.problems[-1].code) == (0, "empty_answer")
    elif raw is not None and raw.report.complete:
        assert believed(raw) == quiet[name]
    elif raw is not None:
        assert raw.report.problems[-1].fatal
