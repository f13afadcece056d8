"""One platform is down, or says less than it knows: the others go on, nobody is taken for deleted, and the rates say so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from hrorch_pipelines.runner import JobOutcome
from hrorch_pipelines.sandbox.transport import FaultKind
from hrorch_tests.e2e.company import Company, last_refused, sandbox_company, variant

SYSTEMS = ("ats", "hris", "payroll", "check", "onboarding", "directory")
OWNERS = {"ats": "Priya Raman", "payroll": "Marcus Oyelaran", "check": "Priya Raman", "directory": "Tomas Lindqvist"}
OWNERS |= {"onboarding": "Dana Whitfield", "hris": "Dana Whitfield"}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Sixty people in whom nothing is wrong, before anybody has looked."""
    folder = tmp_path_factory.mktemp("outage")
    with sandbox_company(folder, people=60, faults=False, stack=variant(folder / "stack", try_once)) as company:
        yield company


def try_once(content: dict[str, Any]) -> None:
    """How often and how patiently a call is tried again is tested elsewhere; here it would only cost time."""
    for system in content["systems"].values():
        system["connection"] = {"retries": 0}


def test_two_systems_that_were_never_seen_do_not_hold_up_the_first_day(company: Company) -> None:
    sandbox = company.sandbox
    assert sandbox is not None
    sandbox.stop("hris")
    sandbox.stop("payroll")
    outcomes = company.run()
    sandbox.start("hris")
    sandbox.start("payroll")
    failed = {job: outcome.reason for job, outcome in outcomes.items() if not outcome.ok}
    assert set(failed) == {"extract_hris", "extract_payroll"}
    for reason in failed.values():
        assert "There is no good one yet to use instead" in reason
    assert company.one("SELECT count(*) FROM golden.persons") > 0
    assert set(sources(company)) == {"ats", "check", "onboarding", "directory"}
    outcomes = company.run()
    assert all(outcome.ok for outcome in outcomes.values()), outcomes
    assert set(sources(company)) == set(SYSTEMS)


def test_a_platform_that_is_down_stops_no_other_and_its_cells_are_stale_until_it_returns(company: Company) -> None:
    sandbox = company.sandbox
    assert sandbox is not None
    before = seen(company)
    sandbox.advance(1)
    sandbox.stop("directory")
    outcomes = company.run()
    sandbox.start("directory")

    assert_refused(outcomes, company, {"directory"})
    assert outcomes["cycle"].ok
    assert stale_sources(company) == {"directory"}
    assert sources(company)["directory"] == before["sources"]["directory"]
    assert sources(company)["hris"] != before["sources"]["hris"]
    assert comparable(company, "directory") == 0, "stale cells are not counted as comparable"
    assert stale_pairs(company, "directory") > 0
    assert comparable(company, "payroll") > 0
    assert "stale" in rates_note(company), "the rate itself has to say what it leaves out"
    assert people_known(company, "directory") >= before["known"]["directory"]

    sandbox.advance(1)
    outcomes = company.run()
    assert all(outcome.ok for outcome in outcomes.values())
    assert stale_sources(company) == set()
    assert stale_pairs(company, "directory") == 0
    assert comparable(company, "directory") > 0
    assert "stale" not in rates_note(company)


def test_emptied_redirected_and_halved_answers_are_refused_and_nobody_is_taken_for_deleted(company: Company) -> None:
    sandbox = company.sandbox
    assert sandbox is not None
    before = seen(company)
    sandbox.board.switch_on("ats", FaultKind.EMPTY)
    sandbox.board.switch_on("payroll", FaultKind.REDIRECT_ZERO)
    sandbox.board.switch_on("onboarding", FaultKind.HALF_FILE)
    sandbox.stop("directory")
    sandbox.stop("check")
    sandbox.advance(1)
    try:
        outcomes = company.run()
    finally:
        sandbox.board.switch_off()
        sandbox.start("directory")
        sandbox.start("check")

    lost = {"ats", "payroll", "onboarding", "directory", "check"}
    assert_refused(outcomes, company, lost)
    assert outcomes["cycle"].ok
    assert stale_sources(company) == lost
    after = seen(company)
    for system in lost:
        assert after["known"][system] == before["known"][system]
        assert after["removed"][system] == before["removed"][system]
        assert after["sources"][system] == before["sources"][system]
    assert after["persons"] >= before["persons"]
    assert after["missing"] <= before["missing"], "an outage makes nobody a missing record"
    faults = {system: {fault.code for fault in last_refused(company.workplace.home, system).faults} for system in lost}
    assert "zero_rows" in faults["ats"] or "min_rows" in faults["ats"]

    again = company.run()
    assert all(outcome.ok for outcome in again.values()), again
    assert stale_sources(company) == set()


def test_a_refused_snapshot_is_kept_for_inspection_and_never_reaches_history(company: Company) -> None:
    home = company.workplace.home
    kept = {folder.name for system in SYSTEMS for folder in home.untrusted.joinpath(system).glob("*")}
    known = {row[0] for row in company.ask("SELECT snapshot_id FROM history.snapshots")}
    trusted = {folder.name for system in SYSTEMS for folder in home.snapshots.joinpath(system).glob("*")}
    assert len(kept) == 8
    assert not kept & known
    assert known == trusted


def assert_refused(outcomes: dict[str, JobOutcome], company: Company, systems: set[str]) -> None:
    failed = {job.removeprefix("extract_") for job, outcome in outcomes.items() if not outcome.ok}
    assert failed == systems, {job: outcome.reason for job, outcome in outcomes.items() if not outcome.ok}
    for system in systems:
        reason = outcomes[f"extract_{system}"].reason
        assert OWNERS[system] in reason, "the failure names who has to act"
        assert "last good one stays in use" in reason


def seen(company: Company) -> dict[str, object]:
    """Everything that must not shrink because somebody did not answer."""
    return {
        "sources": sources(company),
        "known": {system: people_known(company, system) for system in SYSTEMS},
        "removed": {
            system: company.one("SELECT count(*) FROM history.changes WHERE system = ? AND kind = 'removed'", system)
            for system in SYSTEMS
        },
        "persons": company.one("SELECT count(*) FROM golden.persons"),
        "missing": company.one("SELECT count(*) FROM reconcile.discrepancies WHERE state = 'missing_record'"),
    }


def sources(company: Company) -> dict[str, str]:
    return dict(company.ask(f"SELECT system, snapshot_id FROM cycles.sources WHERE cycle_id = ({LAST})"))


def stale_sources(company: Company) -> set[str]:
    return {row[0] for row in company.ask(f"SELECT system FROM cycles.sources WHERE stale AND cycle_id = ({LAST})")}


def comparable(company: Company, copy: str) -> int:
    return int(
        company.one(
            "SELECT coalesce(sum(n), 0) FROM reconcile.pair_counts WHERE copy_system = ? AND state IN ('agree', 'disagree')",
            copy,
        )
    )


def stale_pairs(company: Company, copy: str) -> int:
    return int(
        company.one(
            "SELECT coalesce(sum(n), 0) FROM reconcile.pair_counts WHERE copy_system = ? AND state = 'stale'", copy
        )
    )


def people_known(company: Company, system: str) -> int:
    base = company.workplace.stack.systems[system].base_record
    return int(company.one(f'SELECT count(*) FROM history."{system}.{base}" WHERE valid_to IS NULL'))


def rates_note(company: Company) -> str:
    rows = company.ask(
        f"SELECT DISTINCT coalesce(note, '') FROM reconcile.rates WHERE scope = 'all' AND cycle_id = ({LAST})"
    )
    return " ".join(row[0] for row in rows)


LAST = "SELECT cycle_id FROM cycles.runs ORDER BY now DESC LIMIT 1"
