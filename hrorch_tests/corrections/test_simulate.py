"""A changed stack file is tried on the stored snapshots: what differs is told to the row, and nothing real is touched."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hrorch_pipelines.cli import simulate as command
from hrorch_pipelines.cli.app import app
from hrorch_pipelines.corrections.simulate import Simulation, simulate
from hrorch_pipelines.cycle import NothingToReadError
from hrorch_pipelines.snapshots.observe import observe
from hrorch_pipelines.stack.load import load_stack
from hrorch_tests.e2e.company import Company, Exports

DROP = {"drop": "out/{date}-{batch}.csv", "columns": ["{key}", "{attribute}", "{after}"]}
WRITTEN = {
    "systems__payroll__writes": {"attributes": ["department", "legal_last_name", "pay_amount"]},
    "systems__payroll__records__worker__write": DROP,
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exports, Company]:
    """Twelve people in two systems; payroll has three departments and one pay wrong; one e-mail is all that links the last."""
    exports = Exports(tmp_path_factory.mktemp("place"), people=12, changes=WRITTEN)
    exports.put("hris", exports.rows())
    rows = exports.rows()
    for row in rows[:3]:
        row["department"] = "Archive"
    rows[3]["pay_amount"] = "1.00"
    rows[11]["employee_number"] = "E99999"
    exports.put("payroll", rows)
    company = exports.company()
    for system in exports.systems:
        assert observe(company.workplace.stack, system, company.workplace.home, company.workplace.clock).trusted
    return exports, company


def tried(place: tuple[Exports, Company], **changes: Any) -> Simulation:
    exports, company = place
    (exports.folder / "other").mkdir(exist_ok=True)
    path = exports.stack(**changes).rename(exports.folder / "other" / "stack.yaml")
    return simulate(company.workplace, load_stack(path, env={}), rows=5)


def fingerprint(folder: Path) -> dict[str, str]:
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_the_same_file_makes_no_difference_and_nothing_real_is_touched(place: tuple[Exports, Company]) -> None:
    before = fingerprint(place[1].workplace.home.root)
    found = tried(place)
    assert found.difference.nothing
    assert found.now == found.then
    assert (found.now.persons, found.now.corrections) == (13, 4)
    assert fingerprint(place[1].workplace.home.root) == before


def test_another_authority_wins_and_its_corrections_go(place: tuple[Exports, Company]) -> None:
    found = tried(place, authority__employment={"worker": "payroll", "other": "payroll"})
    winners = {attribute: (deciders, values) for attribute, deciders, values in found.difference.winners}
    assert winners["department"][1] >= 3
    assert winners["department"][0] >= 12
    assert ("payroll", "department", 0, 3) in found.difference.corrections
    assert ("hris", "department", 3, 0) in found.difference.discrepancies
    assert ("payroll", "department", 0, 3) in found.difference.discrepancies


def test_another_key_gains_the_match_it_finds(place: tuple[Exports, Company]) -> None:
    found = tried(place, matching__keys=[{"attributes": ["work_email"]}])
    assert (found.difference.matches_gained, found.difference.matches_lost) == (1, 0)
    assert any(line.what == "match with payroll:0012" and line.system == "hris" for line in found.difference.lines)
    assert found.then.persons == 12


def test_a_stricter_gate_drops_what_rests_on_it(place: tuple[Exports, Company]) -> None:
    gate = [{"rule": "one_of", "attribute": "department", "values": ["Radiology", "Surgery", "Nursing"]}]
    found = tried(place, gates={"payroll.worker": gate})
    assert found.then.quarantined - found.now.quarantined == 3
    assert ("payroll", "department", 0, 3) in found.difference.corrections


def test_a_budget_is_tried_too(place: tuple[Exports, Company]) -> None:
    found = tried(place, corrections={"mode": "apply", "budgets": [{"kind": "other", "count": 2}]})
    assert found.then.over_budget == (("other", "payroll", 3, 2),)
    assert found.difference.nothing


def test_what_may_be_written_less_is_told_with_its_reason(place: tuple[Exports, Company]) -> None:
    found = tried(place, systems__payroll__writes={"attributes": ["department"]})
    assert found.then.refused["not_declared"] - found.now.refused.get("not_declared", 0) == 1
    assert found.difference.corrections == (("payroll", "pay_amount", 0, 1),)


def test_a_changed_mapping_is_named_instead_of_guessed(place: tuple[Exports, Company]) -> None:
    fields = {**dict.fromkeys(place[0].fields), **{name: name for name in place[0].fields}, "department": "dept"}
    found = tried(place, systems__payroll__records__worker__fields=fields)
    assert found.read_as_before == ("payroll",)
    assert found.difference.nothing


def test_without_snapshots_there_is_nothing_to_replay(tmp_path: Path) -> None:
    company = Exports(tmp_path).company()
    with pytest.raises(NothingToReadError):
        simulate(company.workplace, company.workplace.stack)


def test_the_command_counts_and_lists_masked_rows(place: tuple[Exports, Company]) -> None:
    assert command.ROWS
    exports, company = place
    (exports.folder / "other").mkdir(exist_ok=True)
    other = exports.stack(authority__compensation={"worker": "payroll", "other": "payroll"}).rename(
        exports.folder / "other" / "stack.yaml"
    )
    own = exports.stack()
    words = [
        "simulate",
        "--stack",
        str(other),
        "--against",
        str(own),
        "--home",
        str(company.workplace.home.root),
        "--format",
        "json",
    ]
    detailed = CliRunner().invoke(app, [*words, "--detail"])
    assert detailed.exit_code == 1, (detailed.output, detailed.exception)
    figures, differences, rows = json.loads(detailed.stdout)
    assert figures["rows"]
    assert differences["rows"]
    assert any("pay_amount" in str(row) for row in rows["rows"]), rows
    assert "40548" not in detailed.stdout
