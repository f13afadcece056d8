"""What Dagster shows and does: a graph worth browsing, a run per system, a cycle per set of snapshots, and gates that hold."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from hrorch_pipelines.definitions import build_definitions
from hrorch_pipelines.runner import dagster_home
from hrorch_pipelines.sensors import cycle_sensor
from hrorch_tests.e2e.company import EXAMPLE, MORNING, REPOSITORY, Company, Exports, environment, person, workplace

RECORDS = {
    "ats": ["candidate", "offer"],
    "hris": ["worker", "job", "compensation", "status"],
    "payroll": ["worker", "job", "compensation", "termination"],
    "check": ["candidate", "report", "invitation"],
    "onboarding": ["newhire"],
    "directory": ["user"],
}
ONLY_MADE = {"accepted/check/invitation", "accepted/payroll/termination"}
"""Records that say nothing about a person but that they are there."""

QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
SINGLE = {
    "identity/links": "match",
    "golden/persons": "decide",
    "reconcile/discrepancies": "compare",
    "reconcile/landings": "compare",
    "reconcile/rates": "compare",
    "reconcile/bridge": "compare",
    "corrections/confirmed": "act",
    "corrections/plan": "act",
    "exceptions/cases": "route",
    "handoffs/states": "act",
    "handoffs/pass": "act",
    "published/warehouse": "publish",
    "published/report": "publish",
}
APART = {
    **{f"pushed/{name}": "act" for name in ("ats", "payroll", "onboarding", "directory")},
    **{
        f"handed/{target}": "act"
        for target in ("hris", "payroll", "check", "onboarding", "directory", "letters", "first-days")
    },
    "handoffs/between": "act",
    "audit/head": "prove",
    "audit/retention": "prove",
    "inbox/events": "observe",
    "monitoring/alerts": "detect",
}
"""Assets with jobs of their own, beside the cycle."""


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> dg.Definitions:
    """The definitions of the example stack, as Dagster loads them."""
    from hrorch_pipelines.clock import SetClock

    return build_definitions(workplace(EXAMPLE, tmp_path_factory.mktemp("home"), SetClock(MORNING)))


def specs(definitions: dg.Definitions) -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in definitions.resolve_all_asset_specs()}


def test_the_code_location_loads_from_the_workspace_file(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml"],
        cwd=REPOSITORY,
        env=environment(EXAMPLE, tmp_path / "home", DAGSTER_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "hrorch" in done.stdout + done.stderr


def test_the_lineage_is_the_one_that_was_reviewed(example: dg.Definitions) -> None:
    systems = list(RECORDS)
    expected = {
        **{f"snapshot/{name}": "observe" for name in systems},
        **{f"history/{name}": "observe" for name in systems},
        **{f"accepted/{name}/{record}": "validate" for name, records in RECORDS.items() for record in records},
        **{f"cells/{name}": "decide" for name in systems},
        **SINGLE,
        **APART,
    }
    assert {key: spec.group_name for key, spec in specs(example).items()} == expected


def test_every_step_of_the_loop_follows_the_one_before(example: dg.Definitions) -> None:
    found = specs(example)
    above = {key: {dep.asset_key.to_user_string() for dep in spec.deps} for key, spec in found.items()}

    def ancestors(key: str) -> set[str]:
        return above[key] | {one for dep in above[key] for one in ancestors(dep)}

    loop = ["snapshot/hris", "history/hris", "accepted/hris/worker", "identity/links", "cells/hris", "golden/persons"]
    loop += [
        "reconcile/discrepancies",
        "corrections/plan",
        "exceptions/cases",
        "published/warehouse",
        "published/report",
    ]
    for earlier, later in pairwise(loop):
        assert earlier in ancestors(later), f"{later} does not follow {earlier}"
    assert "reconcile/rates" in ancestors("published/report")
    assert "corrections/confirmed" in ancestors("reconcile/landings"), (
        "our own writes are known before landings are told"
    )
    assert set(found) - {"published/report"} - set(APART) <= ancestors("published/report")


def test_every_asset_says_what_it_is_and_whose_it_is(example: dg.Definitions) -> None:
    for key, spec in specs(example).items():
        assert spec.description, key
        assert spec.kinds, key
        if key.split("/")[0] in {"snapshot", "history", "accepted"}:
            assert spec.owners, f"{key} belongs to a system, and a system has an owner"


def test_tables_of_persons_show_their_columns(example: dg.Definitions) -> None:
    for key, spec in specs(example).items():
        if key.startswith("accepted/") or key == "golden/persons":
            schema = spec.metadata["dagster/column_schema"]
            names = {column.name for column in schema.columns}
            assert len(names) >= 2 or key in ONLY_MADE, key
    national_id = [
        column
        for column in specs(example)["accepted/hris/worker"].metadata["dagster/column_schema"].columns
        if column.name == "national_id"
    ]
    assert [column.tags["sensitivity"] for column in national_id] == ["secret"]


def test_each_system_has_a_job_and_a_schedule_of_its_own(example: dg.Definitions, tmp_path: Path) -> None:
    from hrorch_pipelines.clock import SetClock

    stack = workplace(EXAMPLE, tmp_path, SetClock(MORNING)).stack
    repository = example.get_repository_def()
    for name, system in stack.systems.items():
        job = repository.get_job(f"extract_{name}")
        assert {key.to_user_string() for key in job.asset_layer.executable_asset_keys} == {f"snapshot/{name}"}
        schedule = repository.get_schedule_def(f"extract_{name}_schedule")
        assert schedule.cron_schedule == system.schedule
        assert schedule.execution_timezone == (system.time_zone or stack.organization.time_zone)
    cycle = {key.to_user_string() for key in repository.get_job("cycle").asset_layer.executable_asset_keys}
    assert cycle == {key for key in specs(example) if not key.startswith("snapshot/")} - set(APART)
    assert set(repository.job_names) >= {"cycle", *(f"extract_{name}" for name in stack.systems)}
    for name in ("ats", "payroll", "onboarding", "directory"):
        push = repository.get_job(f"push_{name}").asset_layer.executable_asset_keys
        assert {key.to_user_string() for key in push} == {f"pushed/{name}"}, "one outage stops no other target's writes"
    assert not repository.has_job("push_hris"), "nothing is written where the stack file allows nothing"


def test_a_snapshot_that_grows_old_is_seen_to_be_old(example: dg.Definitions, tmp_path: Path) -> None:
    from hrorch_pipelines.clock import SetClock

    stack = workplace(EXAMPLE, tmp_path, SetClock(MORNING)).stack
    for name, system in stack.systems.items():
        policy = specs(example)[f"snapshot/{name}"].freshness_policy
        assert isinstance(policy, dg.FreshnessPolicy), name
        window: timedelta = policy.fail_window.to_timedelta()  # type: ignore[attr-defined]
        assert window == system.trust.max_age, name


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Exports, Company]:
    """Two exports of forty people, a gate on how many there may be, and one finished cycle."""
    exports = Exports(tmp_path_factory.mktemp("dagster"))
    exports.put_all()
    wrong = [{**row, "department": "Surgery"} if row["id"] == "0003" else row for row in exports.rows()]
    exports.put("payroll", wrong)
    company = exports.company(
        gates={"hris.worker": [{"expect": "volume", "max_rows": 42, "action": "Find out who was added"}]}
    )
    return exports, company


def run(company: Company, *jobs: str, run_key: str | None = None) -> dg.ExecuteInProcessResult:
    """Run jobs as Dagster does, with the instance on disk; the last one's result."""
    tags = {"dagster/run_key": run_key} if run_key else {}
    definitions = build_definitions(company.workplace)
    with dg.DagsterInstance.from_config(str(dagster_home(company.workplace))) as instance:
        for job in jobs:
            result = definitions.resolve_job_def(job).execute_in_process(
                instance=instance, raise_on_error=False, run_config=QUIET, tags=tags
            )
    return result


def tick(company: Company, cursor: str | None) -> tuple[dg.RunRequest | dg.SkipReason, str | None]:
    """One look of the sensor, and the cursor it leaves."""
    with dg.DagsterInstance.from_config(str(dagster_home(company.workplace))) as instance:
        context = dg.build_sensor_context(instance=instance, cursor=cursor, resources={"workplace": company.workplace})
        said = cycle_sensor()(context)
        assert isinstance(said, dg.RunRequest | dg.SkipReason)
        return said, context.cursor


def latest(company: Company, key: list[str]) -> dict[str, Any]:
    """The metadata of an asset's last materialization."""
    with dg.DagsterInstance.from_config(str(dagster_home(company.workplace))) as instance:
        event = instance.get_latest_materialization_event(dg.AssetKey(key))
        assert event is not None
        assert event.asset_materialization is not None
        return {name: value.value for name, value in event.asset_materialization.metadata.items()}


def test_the_sensor_starts_one_cycle_per_set_of_snapshots(small: tuple[Exports, Company]) -> None:
    _, company = small
    before, cursor = tick(company, None)
    assert isinstance(before, dg.SkipReason)
    assert before.skip_message == "No system has a trusted snapshot yet."

    assert run(company, "extract_hris").success
    first, cursor = tick(company, cursor)
    assert isinstance(first, dg.RunRequest), "one system is enough to begin: the others may be down for long"
    again, cursor = tick(company, cursor)
    assert isinstance(again, dg.SkipReason)
    assert again.skip_message == "No new trusted snapshot since the last cycle."
    forgotten, _ = tick(company, None)
    assert isinstance(forgotten, dg.RunRequest)
    assert forgotten.run_key == first.run_key, "a lost cursor starts nothing twice: Dagster drops a known run key"

    assert run(company, "extract_payroll").success
    second, cursor = tick(company, cursor)
    assert isinstance(second, dg.RunRequest)
    assert second.run_key != first.run_key
    assert isinstance(tick(company, cursor)[0], dg.SkipReason)
    assert run(company, "cycle").success
    without_cursor, _ = tick(company, None)
    assert isinstance(without_cursor, dg.SkipReason), "a published cycle has seen these, whatever the cursor knows"


def test_counts_and_rates_are_numbers_over_time(small: tuple[Exports, Company]) -> None:
    _, company = small
    rates = latest(company, ["reconcile", "rates"])
    assert rates["M2 discrepancy rate"] == pytest.approx(1 / 320)
    assert rates["M2 discrepancy rate of"] == 320
    assert rates["M2 discrepancy rate low"] <= rates["M2 discrepancy rate"] <= rates["M2 discrepancy rate high"]
    assert all(isinstance(value, float) for value in rates.values())
    assert latest(company, ["reconcile", "discrepancies"])["state: disagree"] == 1
    assert latest(company, ["golden", "persons"])["dagster/row_count"] == 40
    assert latest(company, ["accepted", "hris", "worker"])["dagster/row_count"] == 40
    assert latest(company, ["snapshot", "payroll"])["dagster/row_count"] == 40
    assert latest(company, ["cells", "payroll"])["dagster/row_count"] == 40


def test_a_refused_snapshot_stops_what_follows_and_the_next_cycle_goes_on_without_it(
    small: tuple[Exports, Company],
) -> None:
    exports, company = small
    good = company.one("SELECT snapshot_id FROM cycles.sources WHERE system = 'hris'")
    company.later(days=1)
    exports.put("hris", [*exports.rows(), *(person(n) for n in range(101, 105))])
    exports.put("payroll", exports.rows())
    assert run(company, "extract_hris", "extract_payroll").success

    asked, cursor = tick(company, None)
    assert isinstance(asked, dg.RunRequest)
    result = run(company, "cycle", run_key=asked.run_key)
    assert not result.success
    failed = [
        evaluation
        for event in result.all_events
        if event.event_type_value == "ASSET_CHECK_EVALUATION" and not (evaluation := event.event_specific_data).passed
    ]
    assert [(one.asset_key.to_user_string(), one.check_name, one.severity.value) for one in failed] == [
        ("accepted/hris/worker", "snapshot", "ERROR")
    ]
    assert "reconcile/discrepancies" not in {key.to_user_string() for key in materialized(result)}

    refused = latest_snapshot(company, "hris")
    for stage, reason in alone(exports, company).items():
        assert "GateRefused" in reason, f"{stage} sailed past the gate: {reason}"
        assert refused in reason
        assert "kim" in reason or "dana" in reason, "it names who can mend it"
        assert "Find out who was added" in reason

    again, cursor = tick(company, cursor)
    assert isinstance(again, dg.RunRequest), "one bad delivery must not hold up the rest until the next one"
    assert again.run_key == f"{asked.run_key}-again"
    repeated, _ = tick(company, cursor)
    assert isinstance(repeated, dg.RunRequest)
    assert repeated.run_key == again.run_key, "Dagster drops a run key it knows: one more run, not one per tick"
    result = run(company, "cycle", run_key=again.run_key)
    assert result.success
    assert isinstance(tick(company, cursor)[0], dg.SkipReason)
    assert dict(
        company.ask(
            "SELECT system, snapshot_id FROM cycles.sources WHERE cycle_id = (SELECT max(cycle_id) FROM cycles.runs)"
        )
    ) == {
        "hris": good,
        "payroll": latest_snapshot(company, "payroll"),
    }
    told = latest(company, ["history", "hris"])
    assert told["snapshot"] == good
    assert told["stale"] is True
    assert latest(company, ["history", "payroll"])["stale"] is False
    assert company.one("SELECT count(*) FROM golden.persons") == 40, "nobody of the refused snapshot was let in"
    assert company.one("SELECT count(*) FROM gates.quarantine WHERE closed_at IS NULL AND kind = 'bad_data'") == 1

    company.later(hours=1)
    exports.put("hris", exports.rows())
    assert run(company, "extract_hris", "cycle").success
    assert company.one("SELECT count(*) FROM gates.quarantine WHERE closed_at IS NULL") == 0, (
        "mended, so the case closes"
    )
    assert latest(company, ["history", "hris"])["stale"] is False


def materialized(result: dg.ExecuteInProcessResult) -> set[dg.AssetKey]:
    return {
        event.asset_key
        for event in result.all_events
        if event.event_type_value == "ASSET_MATERIALIZATION" and event.asset_key is not None
    }


def latest_snapshot(company: Company, system: str) -> str:
    return max(folder.name for folder in (company.workplace.home.snapshots / system).iterdir())


ALONE = """
import json, sys
import dagster as dg
from hrorch_pipelines.definitions import build_definitions
from hrorch_pipelines.workplace import open_workplace
definitions = build_definitions(open_workplace())
stages = {
    "identity": [["identity", "links"]],
    "golden": [["cells", "hris"], ["cells", "payroll"], ["golden", "persons"]],
    "discrepancies": [["reconcile", "discrepancies"]],
    "published": [["published", "warehouse"]],
}
said = {}
with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    job = definitions.resolve_implicit_global_asset_job_def()
    for stage, keys in stages.items():
        result = job.execute_in_process(
            instance=instance, raise_on_error=False, asset_selection=[dg.AssetKey(key) for key in keys]
        )
        said[stage] = "" if result.success else "; ".join(
            event.step_failure_data.error.cause.to_string() if event.step_failure_data.error.cause
            else event.step_failure_data.error.to_string()
            for event in result.all_events if event.is_step_failure
        )
print(json.dumps(said))
"""


def alone(exports: Exports, company: Company) -> dict[str, str]:
    """Each later stage, materialized by itself in a process that knows nothing of the failed run."""
    done = subprocess.run(
        [sys.executable, "-c", ALONE, str(dagster_home(company.workplace))],
        cwd=REPOSITORY,
        env=environment(exports.folder / "stack.yaml", company.workplace.home.root),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    said: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
    assert set(said) == {"identity", "golden", "discrepancies", "published"}
    return said
