"""The second half of the demonstration: everybody who comes and goes is right in the systems' own documents, and so is M1."""

from __future__ import annotations

from pathlib import Path

import pytest

from hrorch_pipelines.cli.demo import approve_waiting, demo_workplace
from hrorch_pipelines.cli.demo_cohort import CohortTold, play
from hrorch_pipelines.reports.reentry import ALL, BY_PROGRAM, reentry
from hrorch_pipelines.sandbox.serve import run_sandbox
from hrorch_pipelines.storage.warehouse import open_published
from hrorch_tests.e2e.company import REPOSITORY

SEEDS = (7, 11)
"""Of the demonstration, and another company."""


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_cohort_goes_from_application_to_first_pay_and_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.chdir(REPOSITORY)
    with run_sandbox(tmp_path / "world", base_port=None, people=500, seed=seed) as sandbox:
        for name, value in {**sandbox.env, "HRORCH_HANDOFFS": "do", "HRORCH_MODE": "apply"}.items():
            monkeypatch.setenv(name, value)
        sandbox.advance(7)
        told: CohortTold = play(
            sandbox,
            lambda: demo_workplace(tmp_path / "home", sandbox, sends=True),
            lambda _: None,
            lambda workplace: approve_waiting(workplace, "payroll-lead"),
        )
        workplace = demo_workplace(tmp_path / "home", sandbox, sends=True)
        ledger = workplace.ledger()
        with open_published(workplace.home) as con:
            table = reentry(ledger, con, workplace.stack)
        ledger.close()
    assert not told.wrong
    assert len(told.verdicts) > 200
    assert told.typed
    assert not [one for one in told.typed if one.found == "missed"]
    (ours,) = [row for row in table.rows if row[:2] == (ALL, BY_PROGRAM)]
    assert ours[table.place("low")] == 0.0, "nobody typed what the program made"
    assert ours[table.place("high")] < 0.05
